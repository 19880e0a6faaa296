#include "sim/report/table.h"

#include "tests/catch.h"

using namespace cleave;

TEST_CASE("Long lines are broken at spaces, and what goes on is indented") {
  CHECK(wrapped("one two three", 13) == "one two three");
  CHECK(wrapped("one two three", 12) == "one two\n  three");
  CHECK(wrapped("  one two three\nfour\n", 9, 0) == "  one two\n  three\nfour\n");
  CHECK(wrapped("unbreakable and so", 5) == "unbreakable\n  and\n  so");
  CHECK(wrapped("\u00e9\u00e9 \u00e9\u00e9", 5) == "\u00e9\u00e9 \u00e9\u00e9");
  CHECK(wrapped("").empty());
  CHECK(wrapped(std::string(20, ' '), 10).size() <= 20);
}

TEST_CASE("A table has its text to the left and its numbers to the right") {
  Table table({"name", "where", "many"}, 2);
  table.add({"a", "here", "10,000"});
  CHECK(table.text() == "  name  where    many\n  a     here   10,000\n");
}

TEST_CASE("Figures have three digits") {
  CHECK(figure(0) == "0");
  CHECK(figure(0.7) == "0.700");
  CHECK(figure(0.0123456) == "0.0123");
  CHECK(figure(12.345) == "12.3");
  CHECK(figure(1234.5) == "1,234");
}
