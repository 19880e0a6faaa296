// Workloads that would arrive for ever, or never.

#include <cmath>

#include "tests/catch.h"
#include "tests/unit/traces_support.h"

using namespace cleave;
using namespace cleave::testing;

namespace {

struct Rates {
  std::string rates;
  std::string bin_s;
  std::string ending;  ///< of the workload
};

/// Requests at a distribution's own rates.
std::vector<Request> requests_at(const Rates& given) {
  const TempFile distribution(
      R"({"prompt_quantiles": [1, 9], "output_quantiles": [1, 9], "rates_rps": )" + given.rates +
          R"(, "rate_bin_s": )" + given.bin_s + "}",
      "rates.json");
  return requests_of(R"({"arrivals": "trace", "trace": ")" + distribution.path() + "\", " +
                     given.ending + "}");
}

}  // namespace

TEST_CASE("Rates so small that none arrives are passed over at once") {
  for (const Rates& none : {Rates{"[1e-300]", "1", R"("duration_s": 10)"},
                            Rates{"[1e-9]", "1e-6", R"("duration_s": 10)"}}) {
    CHECK(error_of([&] { requests_at(none); }).find("no request is left") != std::string::npos);
  }
  for (const Rates& late : {Rates{"[1e-300]", "1", R"("requests": 1)"},
                            Rates{"[1e-300]", "1e-300", R"("requests": 1)"}}) {
    CHECK(error_of([&] { requests_at(late); }).find("after more than 1e9 s") != std::string::npos);
  }
}

TEST_CASE("Rates over very short times are those of longer ones") {
  const auto mean_gap_s = [](const std::string& bin_s) {
    const auto requests = requests_at({"[5, 5]", bin_s, R"("requests": 2000)"});
    return requests.back().arrival_s / static_cast<double>(requests.size());
  };
  CHECK(mean_gap_s("1e-300") == Approx(0.2).epsilon(0.1));
  CHECK(mean_gap_s("1e-6") == Approx(mean_gap_s("10")).epsilon(1e-6));
}

TEST_CASE("Rounds of rates go on from each other") {
  // One request in two seconds, all of them in the second half of each bin of time.
  const auto requests = requests_at({"[0, 1]", "1", R"("requests": 1000)"});
  for (const Request& request : requests) {
    const double within_s = request.arrival_s - 2 * std::floor(request.arrival_s / 2);
    CHECK(within_s >= 1);
  }
  CHECK(requests.back().arrival_s == Approx(2000).epsilon(0.1));
}

TEST_CASE("A trace of a single instant cannot be repeated without a period") {
  const TempFile trace("arrived_at,num_prefill_tokens,num_decode_tokens\n7,10,5\n7,10,5\n");
  const std::string workload = R"({"trace": ")" + trace.path() + R"(", "repeat": 1000000000)";
  CHECK(error_of([&] {
          requests_of(workload + "}");
        }).find("workload.repeat: all requests of the trace arrive at once") != std::string::npos);
  CHECK(requests_of(workload + R"(, "to_s": 10, "requests": 5})").back().arrival_s == 27);
}
