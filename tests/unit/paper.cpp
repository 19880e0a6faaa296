// Table IV of Splitwise (Patel et al., ISCA 2024): Llama2-70B on a DGX-A100 and a DGX-H100,
// requests alone on their machine. What is published, what comes out here, and how far they may be
// apart.

#include <cmath>

#include "tests/catch.h"
#include "tests/support/simulation.h"

namespace cleave {

namespace {

struct Figure {
  double published;
  double here;
};

struct Row {
  const char* trace;
  const char* machine;
  Figure ttft_ms;
  Figure tbt_ms;
  Figure e2e_ms;
  double published_cost;  ///< called $; it is $ for 100 requests
  double published_wh;
  double median_prompt;
  double median_output;
  double wh;  ///< of the median request, here
};

const std::vector<Row> kTable{
    {"azure-2023-code", "dgx-a100", {185, 206}, {52, 45.1}, {856, 890}, 0.42, 1.37, 1469, 13, 1.05},
    {"azure-2023-code", "dgx-h100", {95, 103}, {31, 30.2}, {493, 562}, 0.52, 1.37, 1469, 13, 0.974},
    {"azure-2023-conv", "dgx-a100", {155, 154}, {40, 45}, {4957, 5910}, 2.4, 7.9, 1020, 129, 7.76},
    {"azure-2023-conv",
     "dgx-h100",
     {84, 77.8},
     {28, 30.1},
     {3387, 3930},
     3.6,
     9.4,
     1020,
     129,
     7.72},
};

Json alone(const Row& row, Json workload) {
  workload["arrivals"] = "constant";
  workload["rate_rps"] = 0.002;  // none takes as long as 500 s
  workload["duration_s"] = nullptr;
  return simulate_changes({{"llm", "llama2-70b"},
                           {"pools", {{{"role", "mixed"}, {"machine", row.machine}, {"count", 1}}}},
                           {"scheduler", {{"policy", "jsq"}}},
                           {"workload", workload}});
}

Json traffic(const Row& row) { return alone(row, {{"trace", row.trace}, {"requests", 20'000}}); }

Json median_request(const Row& row) {
  return alone(row, {{"prompt_tokens", row.median_prompt},
                     {"output_tokens", row.median_output},
                     {"requests", 1}});
}

void check(const Figure& figure, double seconds, double apart) {
  constexpr double kMs = 1000;
  INFO("published " << figure.published << " ms, here " << seconds * kMs << " ms");
  CHECK(seconds * kMs == Approx(figure.here).epsilon(0.005));
  CHECK(std::abs(seconds * kMs / figure.published - 1) <= apart);
}

}  // namespace

TEST_CASE("paper, table IV: median TTFT, TBT and E2E are within 12, 14 and 20 % of the published") {
  // A TBT of 40 ms (A100, conversation) is below the 44.3 to 45.1 ms of the published measurements
  // of that prompt length, that of 52 ms (coding) above; the E2E goes with the first.
  for (const Row& row : kTable) {
    INFO(row.trace << " on " << row.machine);
    const Json summary = traffic(row);
    REQUIRE(summary["queueing"]["max"].get<double>() < 1e-6);
    check(row.ttft_ms, summary["ttft"]["p50"], 0.12);
    check(row.tbt_ms, summary["tpot"]["p50"], 0.14);
    check(row.e2e_ms, summary["e2e"]["p50"], 0.20);
  }
}

TEST_CASE("paper, table IV: an H100 halves the TTFT and takes a third off TBT and E2E") {
  for (std::size_t i = 0; i < kTable.size(); i += 2) {
    INFO(kTable[i].trace);
    const Json a100 = traffic(kTable[i]);
    const Json h100 = traffic(kTable[i + 1]);
    const auto ratio = [&](const char* metric) {
      return h100[metric]["p50"].get<double>() / a100[metric]["p50"].get<double>();
    };
    // Published: 0.51 and 0.54; 0.60 and 0.70; 0.58 and 0.68.
    CHECK(ratio("ttft") == Approx(0.5025).margin(0.0075));
    CHECK(ratio("tpot") == Approx(0.67).margin(0.005));
    CHECK(ratio("e2e") == Approx(0.65).margin(0.02));
  }
}

TEST_CASE("paper, table IV: cost is the price of the machine for as long as the request takes") {
  constexpr double kHourMs = 3.6e6;
  for (const Row& row : kTable) {
    INFO(row.trace << " on " << row.machine);
    const Json cost = median_request(row)["cost"];
    const double price_per_hour = cost["price_per_hour"];
    const double published = 100 * price_per_hour * row.e2e_ms.published / kHourMs;
    CHECK(published == Approx(row.published_cost).epsilon(0.012));  // two digits are published
    const double e2e_h = median_request(row)["e2e"]["mean"].get<double>() / 3600;
    CHECK(cost["spent_usd"].get<double>() == Approx(price_per_hour * e2e_h));
  }
}

TEST_CASE("paper, table IV: published energy is a constant power, above the measured one of here") {
  constexpr double kWhPerKwh = 1000;
  for (const Row& row : kTable) {
    INFO(row.trace << " on " << row.machine);
    // 5.75 kW of a DGX-A100 and 10 kW of a DGX-H100 (at most 6.5 and 10.2), whatever the phase.
    const bool h100 = std::string(row.machine) == "dgx-h100";
    const double published_kw = row.published_wh * 3600 / row.e2e_ms.published;
    CHECK(published_kw == Approx(h100 ? 10.0 : 5.75).epsilon(0.005));
    // Here decodes draw what was measured, about half of the GPUs' TDP.
    const Json power = median_request(row)["power"];
    CHECK(power["energy_kwh"].get<double>() * kWhPerKwh == Approx(row.wh).epsilon(0.005));
    CHECK(power["mean_w"].get<double>() / 1000 < published_kw);
  }
}

}  // namespace cleave
