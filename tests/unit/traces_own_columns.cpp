// Traces of no known format: their columns or fields are named.

#include "sim/base/error.h"
#include "tests/catch.h"
#include "tests/unit/traces_support.h"
#include "traces/lenient_reader.h"
#include "traces/trace_reader.h"

using namespace cleave;
using namespace cleave::testing;

namespace {

const CsvColumns kColumns = parse_columns("arrival=when,prompt=in,output=out", "test");

std::vector<Request> read_text(const std::string& text, const CsvColumns& columns = kColumns) {
  const TempFile file(text);
  return read_all(*open_trace(file.path(), columns));
}

}  // namespace

TEST_CASE("a CSV file may part its columns by semicolons, tabs or bars") {
  for (const std::string separator : {",", ";", "\t", "|"}) {
    const auto row = [&](const std::vector<std::string>& cells) {
      std::string line;
      for (const std::string& cell : cells) line += (line.empty() ? "" : separator) + cell;
      return line + "\n";
    };
    const auto all = read_text(row({"id", "when", "note", "in", "out"}) +
                               row({"a", "100.5", "\"x" + separator + "y\"", "7", "3"}) +
                               row({"b", "101", "", "8", "4"}));
    INFO(separator);
    REQUIRE(all.size() == 2);
    CHECK(all[0].arrival_s == 0);
    CHECK(all[0].prompt_tokens == 7);
    CHECK(all[1].arrival_s == 0.5);
    CHECK(all[1].output_tokens == 4);
  }
}

TEST_CASE("JSON lines have their fields named, those within others by dots") {
  const CsvColumns columns =
      parse_columns("arrival=request.start,prompt=usage.in,output=usage.out,unit=clock", "test");
  const auto all = read_text(
      R"({"request": {"start": "2025-11-28 08:00:00.250"}, "usage": {"in": 5, "out": 2}}
{"usage": {"out": 9, "in": 6, "more": [1]}, "request": {"start": "2025-11-28 08:00:01"}}
)",
      columns);
  REQUIRE(all.size() == 2);
  CHECK(all[0].arrival_s == 0);
  CHECK(all[0].prompt_tokens == 5);
  CHECK(all[1].arrival_s == 0.75);
  CHECK(all[1].output_tokens == 9);
  CHECK(all[1].line == 2);
}

TEST_CASE("a line of JSON that lacks what a request needs is refused with its place") {
  const auto refused = [](const std::string& line, const std::string& what) {
    const TempFile file(line + "\n");
    const std::string error = error_of([&] { read_all(*open_trace(file.path(), kColumns)); });
    CHECK(error == file.path() + ":1: " + what);
  };
  refused(R"({"when": 1, "in": 2})", "\"out\" is missing");
  refused(R"({"when": "x", "in": 2, "out": 1})",
          "when: expected a time as a number, at least 0, found \"\"x\"\"");
  refused(R"({"when": 1, "in": 0, "out": 1})",
          "in: expected a whole number of tokens from 1 to 100000000, found \"0\"");
  refused(R"({"when": 1, "in": 2.5, "out": 1})",
          "in: expected a whole number of tokens from 1 to 100000000, found \"2.5\"");
  refused(R"({"when": 1)", R"(expected a JSON object, found "{"when": 1")");
}

TEST_CASE("lines that cannot be read are left out and counted where one asks for it") {
  const TempFile file("when;in;out\n1;2;3\nx;2;3\n2;5\n4;6;7\n3;1;1\n");
  LenientReader reader(open_trace(file.path(), kColumns));
  const auto all = read_all(reader);
  REQUIRE(all.size() == 2);
  CHECK(all[1].arrival_s == 3);
  CHECK(reader.skipped() == 3);  // no time, no output, and earlier than the one before
  CHECK(reader.first_error() ==
        file.path() + ":3: when: expected a time as a number, at least 0, found \"x\"");
}

TEST_CASE("a file of which no line can be read is refused all the same") {
  const TempFile file("when;in;out\nx;2;3\ny;2;3\n");
  LenientReader reader(open_trace(file.path(), kColumns));
  CHECK_THROWS_AS(read_all(reader), InputError);
}
