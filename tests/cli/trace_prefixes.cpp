#include "sim/base/json_reader.h"
#include "tests/catch.h"
#include "tests/cli/refused.h"
#include "tests/cli/run_cleave.h"

using namespace cleave;
using namespace cleave::testing;

namespace {

/// The second prompt begins like the first, the third like both.
const std::string kTrace =
    R"({"timestamp": 0, "input_length": 1500, "output_length": 10, "hash_ids": [1, 2, 3]})"
    "\n"
    R"({"timestamp": 1000, "input_length": 1500, "output_length": 10, "hash_ids": [1, 4, 5]})"
    "\n"
    R"({"timestamp": 2000, "input_length": 1500, "output_length": 10, "hash_ids": [1, 2, 6]})"
    "\n";

using Names = std::vector<std::string>;

}  // namespace

TEST_CASE("trace prefixes shows the hit rate over the size of a cache") {
  const TempFolder folder;
  const std::string file = folder.write("mooncake.jsonl", kTrace);
  const Outcome outcome = run_cleave({"trace", "prefixes", file});
  CHECK(outcome.exit_code == 0);
  CHECK(outcome.err.empty());
  CHECK(outcome.out ==
        "3 requests with 4,500 prompt tokens, the largest in 3 blocks of 512 tokens\n"
        "no cache finds more than one of 3 blocks\n"
        "\n"
        "  blocks  tokens  hit tokens  hit rate\n"
        "       3   1,536       1,536    34.1 %  ################################\n");
}

TEST_CASE("trace prefixes takes blocks and sizes of one's own, and says what an LLM needs") {
  const TempFolder folder;
  const std::string file = folder.write("mooncake.jsonl", kTrace);
  const Names command = {"trace",    "prefixes", file,    "--block-tokens", "64",
                         "--blocks", "40,30,26", "--llm", "llama3-8b",      "--json"};
  const Outcome outcome = run_cleave(command);
  CHECK(outcome.exit_code == 0);
  CHECK(outcome.err.empty());
  const Json json = parse_json(outcome.out, "stdout");
  CHECK(json.at("file") == file);
  CHECK(json.at("format") == "mooncake");
  CHECK(json.at("block_tokens") == 64);
  CHECK(json.at("prompt_tokens") == 4500);
  CHECK(json.at("largest_request_blocks") == 24);
  CHECK(json.at("kv_bytes_per_token") == 131072);
  REQUIRE(json.at("sizes").size() == 2);
  CHECK(json.at("sizes")[0].at("blocks") == 26);
  CHECK(json.at("sizes")[0].at("hit_tokens") == 19 * 64);
  CHECK(json.at("sizes")[1].at("blocks") == 30);
  CHECK(json.at("sizes")[1].at("tokens") == 1920);
  CHECK(json.at("sizes")[1].at("gib") == 1920 * 131072 / 0x1p30);
  CHECK(json.at("sizes")[1].at("hit_tokens") == 23 * 64);
  // The third prompt finds blocks 9 to 16 behind its first 8 and 15 of the second.
  CHECK(json.at("unlimited").at("blocks") == 31);
  CHECK(json.at("unlimited").at("hit_tokens") == 1536);
  CHECK(json.at("unlimited").at("hit_rate") == 1536.0 / 4500);

  Names in_fp8 = command;
  in_fp8.insert(in_fp8.end(), {"--kv-format", "fp8"});
  CHECK(parse_json(run_cleave(in_fp8).out, "stdout").at("kv_bytes_per_token") == 65536);
}

TEST_CASE("trace prefixes refuses what says nothing of prefixes") {
  const TempFolder folder;
  const std::string file = folder.write("mooncake.jsonl", kTrace);
  const std::string lengths = folder.write(
      "lengths.jsonl", "{\"timestamp\": 0, \"input_length\": 10, \"output_length\": 5}\n");
  check_refused({"trace", "prefixes", lengths},
                "lengths.jsonl: no request says what its prompt shares with others; expected");
  check_refused({"trace", "prefixes", folder.path("none")}, folder.path("none"));
  check_refused({"trace", "prefixes", file, "--block-tokens", "0"}, "--block-tokens: expected");
  check_refused({"trace", "prefixes", file, "--blocks", "8,x"}, "--blocks: expected");
  check_refused({"trace", "prefixes", file, "--llm", "llama3-8"}, "did you mean \"llama3-8b\"?");
  check_refused({"trace", "prefixes", file, "--kv-format", "fp8"}, "--llm");
  check_refused({"trace", "prefixes", file, "--llm", "llama3-8b", "--kv-format", "fp9"},
                "--kv-format: unknown format \"fp9\"; did you mean \"fp8\"?");
}
