#include "tests/catch.h"
#include "tests/unit/traces_support.h"
#include "traces/trace_reader.h"

using namespace cleave;
using namespace cleave::testing;

namespace {

std::vector<Request> read_text(std::string_view text) {
  const TempFile file(text);
  return read_all(*open_trace(file.path()));
}

void check(const Request& request, double arrival_s, std::uint32_t prompt, std::uint32_t output,
           std::uint64_t line) {
  CHECK(request.arrival_s == Approx(arrival_s).epsilon(1e-12));
  CHECK(request.prompt_tokens == prompt);
  CHECK(request.output_tokens == output);
  CHECK(request.line == line);
}

}  // namespace

TEST_CASE("workload: a scenario may hold its requests itself") {
  const auto requests = requests_of(R"({"trace": [[0, 512, 100], [0.5, 7, 1]]})");
  REQUIRE(requests.size() == 2);
  CHECK(requests[1].arrival_s == 0.5);
  CHECK(requests[1].prompt_tokens == 7);
  CHECK(requests[1].output_tokens == 1);
  CHECK(requests[1].line == 2);
  // They can be played again, and lengths drawn from them, like those of a file.
  CHECK(requests_of(R"({"trace": [[0, 5, 1], [1, 7, 1]], "repeat": 2})").size() == 4);
  CHECK(requests_of(R"({"trace": [[0, 5, 1]], "arrivals": "infinite", "requests": 3})").size() ==
        3);
  const auto refused = [](const std::string& trace, const std::string& what) {
    CHECK(error_of([&] { workload_from(R"({"trace": )" + trace + "}"); }) == "workload." + what);
  };
  const std::string expected =
      ": expected [arrival_s, prompt_tokens, output_tokens], no earlier than the request before, "
      "with 1 to 100000000 tokens each";
  refused("[]", "trace: expected one request at least, found []");
  refused("[[1, 5, 1], [0, 5, 1]]", "trace[1]" + expected);
  refused("[[0, 5, 0]]", "trace[0]" + expected);
  refused("[[0, 5.5, 1]]", "trace[0]" + expected);
  refused("[[0, 5]]", "trace[0]" + expected);
  refused("[7]", "trace[0]" + expected);
}

TEST_CASE("Azure 2023: wall-clock times count from the first arrival") {
  const auto all = read_text(
      "TIMESTAMP,ContextTokens,GeneratedTokens\n"
      "2023-11-16 23:59:59.9799600,4808,10\n"
      "2023-11-17 00:00:00.0319600,3180,8\n"
      "2023-11-17 00:00:00.0319600,110,27\n");
  REQUIRE(all.size() == 3);
  check(all[0], 0, 4808, 10, 2);
  check(all[1], 0.052, 3180, 8, 3);
  check(all[2], 0.052, 110, 27, 4);
}

TEST_CASE("Azure 2024: times carry a UTC offset") {
  const auto all = read_text(
      "TIMESTAMP,ContextTokens,GeneratedTokens\n"
      "2024-02-28 23:00:00.009930+00:00,2162,5\n"
      "2024-02-29 01:00:01.009930+02:00,2399,6\n"
      "2024-02-28 23:00:02+00:00,76,15\n"
      "2024-02-28T23:00:03Z,76,15\n");
  REQUIRE(all.size() == 4);
  CHECK(all[1].arrival_s == 1);
  CHECK(all[2].arrival_s == 1.99007);
  CHECK(all[3].arrival_s == 2.99007);
}

TEST_CASE("SplitwiseSim: times are kept as they are") {
  const auto all = read_text(
      "request_id,request_type,application_id,arrival_timestamp,batch_size,prompt_size,token_size\n"
      "0,2,0,0.5,1,700,20\n"
      "1,2,0,3.1415926535897931,1,2048,1\n");
  REQUIRE(all.size() == 2);
  check(all[0], 0.5, 700, 20, 2);
  CHECK(all[1].arrival_s == 3.1415926535897931);
  CHECK(all[1].output_tokens == 1);
}

TEST_CASE("BurstGPT: seconds, with other columns between") {
  const auto all = read_text(
      "Timestamp,Model,Request tokens,Response tokens,Total tokens,Log Type\n"
      "5,ChatGPT,472,18,490,Conversation log\n"
      "45,\"GPT-4, long\",1087,230,1317,API log\n");
  REQUIRE(all.size() == 2);
  check(all[0], 5, 472, 18, 2);
  check(all[1], 45, 1087, 230, 3);
}

TEST_CASE("Vidur: columns in any order, token counts written as decimals") {
  const auto all = read_text(
      "num_prefill_tokens,num_decode_tokens,arrived_at\n"
      "374.0,44.0,1e-05\n"
      "396,109,4.314579\n");
  REQUIRE(all.size() == 2);
  check(all[0], 1e-5, 374, 44, 2);
  check(all[1], 4.314579, 396, 109, 3);
}

TEST_CASE("Mooncake: milliseconds, block ids of the prompt kept") {
  const TempFile file(
      "{\"timestamp\": 0, \"input_length\": 600, \"output_length\": 5, \"hash_ids\": [0, 1]}\n"
      "{\"timestamp\": 27482, \"input_length\": 500, \"output_length\": 7, \"hash_ids\": [0]}\n");
  CHECK(trace_format(file.path()) == "mooncake");
  const auto reader = open_trace(file.path());
  Request request;
  REQUIRE(reader->next(request));
  CHECK(*reader->prompt_blocks() == std::vector<std::uint64_t>{0, 1});
  CHECK(reader->prompt_block_tokens() == 512);
  REQUIRE(reader->next(request));
  CHECK(*reader->prompt_blocks() == std::vector<std::uint64_t>{0});
  check(request, 27.482, 500, 7, 2);
  CHECK_FALSE(reader->next(request));
}

TEST_CASE("Bailian: seconds, known by its chat ids") {
  const TempFile file(
      "{\"chat_id\": 159, \"parent_chat_id\": -1, \"timestamp\": 61.114, \"input_length\": 521, "
      "\"output_length\": 132, \"type\": \"text\", \"turn\": 1, \"hash_ids\": [10, 11]}\n");
  CHECK(trace_format(file.path()) == "bailian");
  const auto reader = open_trace(file.path());
  CHECK(reader->prompt_block_tokens() == 16);
  check(read_all(*reader).at(0), 61.114, 521, 132, 1);
}

TEST_CASE("JSON lines: a timestamp, or a delay since the line before, in milliseconds") {
  const auto all = read_text(
      "{\"input_length\":300,\"output_length\":40,\"timestamp\":1000}\n"
      "{\"session_id\":\"a\\\"}\",\"extra\":{\"x\":[1,{}]},\"delay\":250.5,\"input_length\":1,"
      "\"output_length\":2}\n"
      "{ \"timestamp\" : null , \"delay\" : 0, \"input_length\" : 7, \"output_length\" : 8 }\n");
  REQUIRE(all.size() == 3);
  check(all[0], 1, 300, 40, 1);
  check(all[1], 1.2505, 1, 2, 2);
  check(all[2], 1.2505, 7, 8, 3);
}

TEST_CASE("Any CSV file can be read when its columns are named") {
  const TempFile file("when,who,in,out\n1700000000500,x,10,20\n1700000000750,y,30,40\n");
  const CsvColumns columns =
      parse_columns("arrival=when,prompt=in,output=out,unit=ms", "--columns");
  const auto all = read_all(*open_trace(file.path(), columns));
  REQUIRE(all.size() == 2);
  check(all[0], 0, 10, 20, 2);
  check(all[1], 0.25, 30, 40, 3);
}

TEST_CASE("Column names that do not fit are reported") {
  const TempFile file("when,in,out\n1,2,3\n");
  const auto open = [&](const char* text) {
    return error_of([&] { open_trace(file.path(), parse_columns(text, "--columns")); });
  };
  CHECK(open("arrival=when,prompt=in,output=outs").find(":1: no column \"outs\"") !=
        std::string::npos);
  CHECK(open("arrival=when,promt=in,output=out") ==
        "--columns: unknown column \"promt\"; did you mean \"prompt\"?");
  CHECK(open("arrival=when,prompt=in").find("\"output\" is missing") != std::string::npos);
  CHECK(open("arrival=when,prompt=in,output=out,unit=sec").find("unknown time unit \"sec\"") !=
        std::string::npos);
}

TEST_CASE("Line ends, blank lines and a byte order mark do not matter") {
  const std::string header = "arrived_at,num_prefill_tokens,num_decode_tokens";
  for (const std::string& text :
       {header + "\n1,2,3\n2,3,4\n", header + "\r\n1,2,3\r\n2,3,4\r\n", header + "\n1,2,3\n2,3,4",
        "\xEF\xBB\xBF" + header + "\n1,2,3\n\n2,3,4\n\n"}) {
    const auto all = read_text(text);
    REQUIRE(all.size() == 2);
    CHECK(all[1].arrival_s == 2);
    CHECK(all[1].output_tokens == 4);
  }
}

TEST_CASE("The real traces are read whole") {
  struct Known {
    const char* name;
    std::size_t requests;
    double last_s;
  };
  for (const Known& known : {Known{"AzureLLMInferenceTrace_code.csv", 8819, 3435.948056},
                             Known{"AzureLLMInferenceTrace_conv.csv", 19366, 3501.721937},
                             Known{"mooncake_conversation.jsonl", 12031, 3536.999}}) {
    const auto path = real_trace(known.name);
    if (!path) {
      WARN(known.name << " is not there (see CLEAVE_DATA); skipped");
      continue;
    }
    const auto all = read_all(*open_trace(*path));
    CHECK(all.size() == known.requests);
    CHECK(all.back().arrival_s == Approx(known.last_s).epsilon(1e-12));
  }
}
