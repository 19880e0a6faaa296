// A run against a power budget.

#include <algorithm>
#include <vector>

#include "sim/base/error.h"
#include "tests/catch.h"
#include "tests/support/simulation.h"

namespace cleave {

namespace {

Json power_of(const Json& power, Json* pools = nullptr) {
  const Json summary = simulate_changes({{"workload", {{"duration_s", 20}}}, {"power", power}});
  if (pools != nullptr) *pools = summary["pools"];
  return summary["power"];
}

}  // namespace

TEST_CASE("power budget: without one, the results have none") {
  CHECK(power_of(nullptr)["budget"].is_null());
}

TEST_CASE("power budget: shares of P99 and peak, and of the windows above it") {
  const double budget_w = power_of(nullptr)["mean_w"];
  Json pools;
  const Json power = power_of({{"budget_w", budget_w}}, &pools);
  const Json& budget = power["budget"];
  CHECK(budget["budget_w"] == budget_w);
  CHECK(budget["p99_share"] == power["p99_w"].get<double>() / budget_w);
  CHECK(budget["peak_share"] == power["peak_w"].get<double>() / budget_w);
  CHECK_FALSE(budget["holds"].get<bool>());
  // By hand, from what each pool draws over time.
  double above = 0;
  const Json& first = pools[0]["over_time"]["power_w"];
  const Json& second = pools[1]["over_time"]["power_w"];
  const std::size_t windows = std::max(first.size(), second.size());
  REQUIRE(std::min(first.size(), second.size()) == windows);
  for (std::size_t i = 0; i < windows; ++i) {
    above += first[i].get<double>() + second[i].get<double>() > budget_w ? 1 : 0;
  }
  CHECK(above > 0);
  CHECK(budget["above_share"].get<double>() == Approx(above / static_cast<double>(windows)));
}

TEST_CASE("power budget: holds where the peak is within it") {
  const double peak_w = power_of(nullptr)["peak_w"];
  const Json budget = power_of({{"budget_w", peak_w}})["budget"];
  CHECK(budget["holds"].get<bool>());
  CHECK(budget["above_share"] == 0);
  CHECK_FALSE(power_of({{"budget_w", peak_w * 0.999}})["budget"]["holds"].get<bool>());
}

TEST_CASE("power budget: what is no power is refused") {
  const auto read = [](const Json& power) {
    read_scenario(merge_scenario(default_scenario(), {{"power", power}}));
  };
  CHECK_THROWS_AS(read({{"budget_w", 0}}), InputError);
  CHECK_THROWS_AS(read({{"budget_w", "much"}}), InputError);
  CHECK_THROWS_AS(read({{"budget", 300000}}), InputError);
}

}  // namespace cleave
