#include <unistd.h>

#include "tests/catch.h"
#include "tests/unit/traces_support.h"
#include "traces/trace_reader.h"

using namespace cleave;
using namespace cleave::testing;

namespace {

const std::string kHeader = "TIMESTAMP,ContextTokens,GeneratedTokens\n";
const std::string kGood = "2023-11-16 18:15:46.6805900,374,44\n";
const std::string kVidur = "arrived_at,num_prefill_tokens,num_decode_tokens\n";

/// What is said about a trace with this text, after the file's name.
std::string complaint(const std::string& text) {
  const TempFile file(text);
  const std::string error = error_of([&] {
    const auto reader = open_trace(file.path());
    read_all(*reader);
  });
  if (error.empty()) return "";
  REQUIRE(error.starts_with(file.path() + ":"));
  return error.substr(file.path().size() + 1);
}

}  // namespace

TEST_CASE("A trace that cannot be opened is named") {
  CHECK(error_of([] { open_trace("/no/such/trace.csv"); }) ==
        "/no/such/trace.csv: cannot be opened (No such file or directory); expected a trace file");
  CHECK(error_of([] { open_trace("/"); }) == "/: is a directory; expected a trace file");
  CHECK(error_of([] { open_trace("/dev/null"); }).find("not a regular file") != std::string::npos);
}

TEST_CASE("A trace without requests is an error") {
  CHECK(complaint("") == " is empty; expected a trace with at least one request");
  CHECK(complaint("\n\n") == " empty trace; expected at least one request");
  CHECK(complaint(kHeader) == " empty trace; expected at least one request");
}

TEST_CASE("A last line of blanks is read to its end and no further") {
  // As long as a page of memory: behind it there is nothing to read.
  const std::string first =
      R"({"timestamp": 0, "input_length": 10, "output_length": 5, "hash_ids": []})"
      "\n";
  const auto page = static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
  CHECK(complaint(first + std::string(page - first.size(), ' '))
            .starts_with("2: expected a JSON object, found"));
}

TEST_CASE("A time too small for a number is 0, one too large is refused") {
  const std::string small = "0." + std::string(330, '0') + "1";
  CHECK(complaint(kVidur + "1e-400,10,5\n" + small + ",10,5\n").empty());
  CHECK(complaint(kVidur + "1e400,10,5\n").starts_with("2: the time is more than 1e9 s"));
}

TEST_CASE("A file of another kind is not taken for a trace") {
  CHECK(complaint("a,b,c\n1,2,3\n").starts_with("1: not a known trace format; expected a header"));
  CHECK(complaint(std::string("\x7f"
                              "ELF\0\x01\x02",
                              7))
            .find("found \"?ELF???\"") != std::string::npos);
  CHECK(complaint("\x1F\x8B\x08 zipped").find("is compressed") != std::string::npos);
  CHECK(complaint(std::string(100'000, 'x')).size() < 400);
}

TEST_CASE("Malformed values are named with line, column and what was expected") {
  CHECK(complaint(kHeader + kGood + "2023-11-16 18:15:47,x74,44\n") ==
        "3: ContextTokens: expected a whole number of tokens from 1 to 100000000, found \"x74\"");
  const std::string tokens = "whole number of tokens from 1 to";
  for (const char* bad : {"0", "-3", "1.5", "nan", "", "100000001", "99999999999999999999999", " 4",
                          "4 ", "1e3", "0x10"}) {
    INFO(bad);
    CHECK(complaint(kHeader + "2023-11-16 18:15:47," + bad + ",44\n").find(tokens) !=
          std::string::npos);
    CHECK(complaint(kHeader + "2023-11-16 18:15:47,44," + bad + "\n").find(tokens) !=
          std::string::npos);
  }
}

TEST_CASE("Malformed times are errors") {
  for (const char* bad : {"2023-13-16 18:15:46", "2023-02-29 18:15:46", "2023-11-16 24:15:46",
                          "2023-11-16 18:60:46", "2023-11-16 18:15:60", "2023-11-16", "18:15:46",
                          "2023-11-16 18:15:46.", "2023-11-16 18:15:46+2", "nan", "1700000000", "",
                          "2023-11-16 18:15:46 x", "1023-11-16 18:15:46"}) {
    INFO(bad);
    CHECK(complaint(kHeader + bad + ",374,44\n").find("2: TIMESTAMP: expected a time such as") ==
          0);
  }
  for (const char* bad : {"-1", "nan", "inf", "1,5", "", ".", "1s", "-0"}) {
    INFO(bad);
    CHECK(complaint(kVidur + bad + ",374,44\n").starts_with("2: "));
  }
  CHECK(complaint(kVidur + "2e9,1,1\n").find("2: the time is more than 1e9 s") == 0);
  CHECK(complaint(kVidur + "1e999,1,1\n").find("2: the time is more than 1e9 s") == 0);
}

TEST_CASE("Times never go back; equal times are fine") {
  CHECK(complaint(kVidur + "1,1,1\n1,1,1\n") == "");
  CHECK(complaint(kVidur + "1,1,1\n0.5,1,1\n") ==
        "3: the time goes back by 0.5 s; expected arrivals in order (sort the file)");
  CHECK(complaint(kHeader + kGood + "2023-11-16 18:15:46.6805899,374,44\n")
            .starts_with("3: the time goes back"));
}

TEST_CASE("A line with too few or too many columns is an error") {
  CHECK(complaint(kHeader + kGood + "2023-11-16 18:15:47,3") ==
        "3: expected 3 columns as in the header, found 2; is the line cut off?");
  CHECK(complaint(kHeader + "2023-11-16 18:15:47,3,4,5\n") ==
        "2: expected 3 columns as in the header, found 4");
  CHECK(complaint("Timestamp,Model,Request tokens,Response tokens\n1,\"open,2,3\n")
            .find("closing quotes") != std::string::npos);
}

TEST_CASE("BurstGPT's failed calls are explained") {
  CHECK(complaint("Timestamp,Model,Request tokens,Response tokens,Total tokens,Log Type\n"
                  "5,ChatGPT,472,0,472,API log\n")
            .find("use its release without failures") != std::string::npos);
}

TEST_CASE("Malformed JSON lines are named") {
  const std::string good = "{\"timestamp\":1,\"input_length\":1,\"output_length\":1}\n";
  CHECK(complaint(good + "{\"timestamp\":2,\"input_length\":1,\"output_len") ==
        "2: expected a JSON field name; is the line cut off?");
  CHECK(complaint(good + "{\"timestamp\":2,\"input_length\":1}") ==
        "2: \"output_length\" is missing");
  CHECK(complaint(good + "{\"input_length\":1,\"output_length\":1}") ==
        "2: \"timestamp\" and \"delay\" are missing; expected one of them");
  CHECK(complaint(good + "{\"timestamp\":-2,\"input_length\":1,\"output_length\":1}")
            .starts_with("2: timestamp: expected a time as a number, at least 0, found \"-2\""));
  CHECK(complaint(good + "{\"timestamp\":2,\"input_length\":\"7\",\"output_length\":1}")
            .starts_with("2: input_length: expected a whole number"));
  CHECK(complaint(good + "{\"timestamp\":0,\"input_length\":1,\"output_length\":1}")
            .starts_with("2: the time goes back"));
  CHECK(complaint(good + "[1]").starts_with("2: expected a JSON object"));
  CHECK(complaint(good + "{}").starts_with("2: "));
  CHECK(complaint(good + "{\"timestamp\" 3}").starts_with("2: expected \":\""));
  CHECK(complaint(good + good.substr(0, good.size() - 1) + " x") ==
        "2: expected one JSON object a line");
  CHECK(complaint("{\"timestamp\":1,\"input_length\":1,\"output_length\":1,\"hash_ids\":[1,x]}")
            .starts_with("1: hash_ids: expected a list"));
  for (std::size_t length = 1; length + 2 < good.size(); ++length) {
    CHECK(complaint(good + good.substr(0, length)).starts_with("2: "));
  }
}
