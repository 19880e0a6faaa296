// Numbers that change with time, in steps.

#include "sim/base/timed_values.h"

#include <cmath>

#include "tests/catch.h"
#include "tests/unit/traces_support.h"

using namespace cleave;
using cleave::testing::error_of;
using cleave::testing::TempFile;

namespace {

TimedValues read(const Json& value) {
  const Json object{{"price", value}};
  JsonReader reader(object, "power");
  return read_timed_values(reader, {"price", nullptr, "", "", over_time({0, 10, false})}, 1);
}

}  // namespace

TEST_CASE("timed values: each holds from its time on") {
  const TimedValues values({{0, 1}, {10, 4}}, {});
  CHECK(values.at(0) == 1);
  CHECK(values.at(9.9) == 1);
  CHECK(values.at(10) == 4);
  CHECK(values.at(1e6) == 4);
  CHECK(values.mean(5, 15) == Approx(2.5));
  CHECK(values.next_s(0) == 10);
  CHECK(std::isinf(values.next_s(10)));
}

TEST_CASE("timed values: with a period they begin again") {
  const TimedValues values({{0, 1}, {10, 4}}, 20);
  CHECK(values.at(25) == 1);
  CHECK(values.at(35) == 4);
  CHECK(values.mean(0, 20) == Approx(2.5));
  CHECK(values.mean(15, 25) == Approx(2.5));
  CHECK(values.mean(0, 2000) == Approx(2.5));
  CHECK(values.next_s(10) == 20);
  CHECK(values.next_s(20) == 30);
}

TEST_CASE("timed values: from a number, a list or a file; of a day, every day again") {
  CHECK(read(3).at(1e9) == 3);
  CHECK(read(Json::array({{0, 1}, {3600, 2}})).at(86400) == 1);
  CHECK(read(Json::array({{0, 1}, {86400, 2}})).at(2 * 86400) == 2);
  const TempFile file("seconds,value\n0,5\n60,7\n", "price.csv");
  CHECK(read(file.path()).at(61) == 7);
}

TEST_CASE("timed values: what cannot be is said in a sentence") {
  CHECK(error_of([] { read(true); }) ==
        "power.price: expected a number, a list of [seconds, value], or the name of a CSV file");
  CHECK(error_of([] {
          read(Json::array({{1, 1}}));
        }) == "power.price[0]: expected the first time to be 0");
  CHECK(error_of([] {
          read(Json::array({{0, 1}, {0, 1}}));
        }) == "power.price[1]: expected a time after the one before");
  CHECK(error_of([] {
          read(Json::array({{0, 11}}));
        }) == "power.price[0]: expected a value in the range of the setting");
  const TempFile file("time,value\n0,5\n", "price.csv");
  CHECK(error_of([&] { read(file.path()); }) ==
        file.path() + ": expected the columns seconds and value");
}
