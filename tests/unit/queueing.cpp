// Queueing theory knows these.

#include <cmath>

#include "tests/catch.h"
#include "tests/support/simulation.h"

namespace cleave {

namespace {

/// One machine that serves one prompt of a fixed length after the other.
Json one_server(double rate_rps, double requests) {
  return {{"workload",
           {{"prompt_tokens", 1024},
            {"output_tokens", 1},
            {"arrivals", "poisson"},
            {"rate_rps", rate_rps},
            {"duration_s", 1e9},
            {"requests", requests}}},
          {"pools", {{{"role", "mixed"}, {"machine", "dgx-h100"}, {"count", 1}}}},
          {"batching", {{"max_sequences", 1}}}};
}

}  // namespace

TEST_CASE("queueing: one machine with constant service waits as M/D/1") {
  const double service_s = simulate_changes(one_server(0.001, 1))["ttft"]["mean"];
  for (const double load : {0.3, 0.7, 0.9}) {
    constexpr std::size_t kBatches = 40;
    constexpr std::size_t kBatch = 5000;
    const std::string told =
        simulate_and_tell(one_server(load / service_s, kBatches * kBatch),
                          [](const Json&, const std::vector<FinishedRequest>& requests) {
                            Json means = Json::array();
                            for (std::size_t i = 0; i < kBatches; ++i) {
                              double sum = 0;
                              for (std::size_t j = i * kBatch; j < (i + 1) * kBatch; ++j) {
                                sum += requests[j].prompt_start_s - requests[j].arrival_s;
                              }
                              means.push_back(sum / kBatch);
                            }
                            return means.dump();
                          });
    double mean = 0;
    double squares = 0;
    for (const Json& value : Json::parse(told)) {
      mean += value.get<double>() / kBatches;
      squares += value.get<double>() * value.get<double>() / kBatches;
    }
    const double error = std::sqrt((squares - mean * mean) / (kBatches - 1));
    const double expected = load * service_s / (2 * (1 - load));
    INFO("load " << load << ": mean wait " << mean << " s, expected " << expected << " s");
    // 3.3 standard errors: one seed in a thousand would fail; the seed is fixed.
    CHECK(std::abs(mean - expected) < 3.3 * error);
  }
}

TEST_CASE("queueing: Little's law holds for the whole cluster") {
  const Json summary = simulate_changes({{"workload", {{"duration_s", 600}}}});
  double in_machines = 0;
  for (const Json& pool : summary["pools"]) {
    for (const Json& level : pool["over_time"]["decodes"]) in_machines += level.get<double>();
  }
  const double arrivals = summary["requests"]["completed"].get<double>();
  const double e2e_s = summary["e2e"]["mean"].get<double>();
  const double duration_s = summary["duration_s"].get<double>();
  const double in_cluster = arrivals / duration_s * e2e_s;
  const double bucket_s = summary["pools"][0]["over_time"]["bucket_s"].get<double>();
  const double decoding = in_machines * bucket_s / duration_s;
  // All but the prompt phase and the transfer of a request is decoding.
  CHECK(decoding < in_cluster);
  CHECK(decoding > 0.95 * in_cluster * (1 - 1.0 / e2e_s));
}

}  // namespace cleave
