// Rates over time: when requests are expected, and when they come.

#include <cmath>

#include "tests/catch.h"
#include "tests/unit/traces_support.h"
#include "traces/gamma_gaps.h"
#include "traces/moments.h"
#include "traces/rate_curve.h"

namespace cleave::testing {

namespace {

/// Requests of two tokens that arrive at these times.
std::vector<double> arrivals_of(const std::string& workload) {
  std::vector<double> times;
  const std::string lengths = R"({"prompt_tokens": 1, "output_tokens": 1, )";
  for (const Request& request : requests_of(lengths + workload + "}")) {
    times.push_back(request.arrival_s);
  }
  return times;
}

std::string error_of_rates(const std::string& keys) {
  return error_of(
      [&] { workload_from(R"({"prompt_tokens": 1, "output_tokens": 1, )" + keys + "}"); });
}

}  // namespace

TEST_CASE("rates: a rate that grows from 0 by 2 requests/s each second brings t^2 requests by t") {
  const RateCurve curve({{0, 0}, {10, 20}});
  CHECK(curve.time_of(25) == Approx(5));
  CHECK(curve.time_of(1) == Approx(1));
  CHECK(curve.time_of(100) == Approx(10));
  CHECK(curve.mean_rps() == Approx(10));
  CHECK(curve.rate_at(5) == Approx(10));
}

TEST_CASE("rates: behind the last point the rate stays, and at 0 nobody comes any more") {
  CHECK(RateCurve({{0, 0}, {10, 20}}).time_of(120) == Approx(11));
  const RateCurve ends({{0, 20}, {10, 0}});
  CHECK(ends.time_of(100) == Approx(10));
  CHECK(std::isinf(ends.time_of(100.5)));
}

TEST_CASE("rates: with a period they begin again, the last one held until then") {
  const RateCurve curve({{0, 10}, {5, 30}}, 10);  // 100 requests, then 150 at 30/s
  CHECK(curve.time_of(100) == Approx(5));
  CHECK(curve.time_of(220) == Approx(9));
  CHECK(curve.time_of(250 + 100) == Approx(15));
  CHECK(curve.time_of(1e6 * 250.0 + 100) == Approx(1e7 + 5));
  CHECK(curve.mean_rps() == Approx(25));
  CHECK(curve.rate_at(10 + 2.5) == Approx(20));
}

TEST_CASE("rates: in steps, each holds until the next, and behind the last come the first") {
  const RateCurve curve = RateCurve::of_steps({2, 0, 0, 6}, 10);  // 20 requests, then 60
  CHECK(curve.mean_rps() == Approx(2));
  CHECK(curve.time_of(10) == Approx(5));
  CHECK(curve.time_of(19.999) == Approx(10).epsilon(1e-3));
  CHECK(curve.time_of(20.001) == Approx(30).epsilon(1e-3));
  CHECK(curve.time_of(50) == Approx(35));
  CHECK(curve.time_of(80 + 10) == Approx(45));
  CHECK(curve.time_of(1e6 * 80.0 + 50) == Approx(4e7 + 35));
  CHECK(curve.rate_at(9) == 2);
  CHECK(curve.rate_at(10) == 0);
  CHECK(curve.rate_at(31) == 6);
  CHECK(RateCurve::of_steps({2, 0, 0, 6}, 10, 0.5).time_of(10) == Approx(30));
  CHECK(RateCurve::of_steps({4}, 10).time_of(100) == Approx(25));
  // A last step of 0: who would come in it comes with the first.
  const RateCurve ends = RateCurve::of_steps({0.3, 0}, 7);
  for (int i = 0; i < 10'000; ++i) CHECK(std::isfinite(ends.time_of(i * 2.1)));
}

TEST_CASE("gaps: from any time the first lasts (1 + cv^2) / 2 mean gaps in the mean, others one") {
  for (const double cv : {0.2, 1.0, 4.0}) {
    Moments first;
    Moments others;
    for (std::uint64_t stream = 0; stream < 40'000; ++stream) {
      GammaGaps gaps(cv, Random(5, stream));
      first.add(gaps.first());
      others.add(gaps.next());
    }
    CHECK(first.mean() == Approx((1 + cv * cv) / 2).epsilon(0.06));
    CHECK(others.mean() == Approx(1).epsilon(0.06));
    CHECK(others.deviation() == Approx(cv).epsilon(0.06));
  }
}

TEST_CASE("rates: scaled to another mean, the same number of requests takes its place in time") {
  const RateCurve curve = RateCurve({{0, 0}, {10, 20}}).scaled_to(5);
  CHECK(curve.mean_rps() == Approx(5));
  CHECK(curve.time_of(12.5) == Approx(5));
}

TEST_CASE("rates: a rate of 0 in between is passed over") {
  const RateCurve curve({{0, 10}, {1, 10}, {1.5, 0}, {100, 0}, {101, 10}});
  CHECK(curve.time_of(10) == Approx(1));
  CHECK(curve.time_of(12.49) < 1.5);
  CHECK(curve.time_of(12.6) > 100);
}

TEST_CASE("rates: constant arrivals come one by one along them") {
  const std::vector<double> times =
      arrivals_of(R"("arrivals": "constant", "rates": [[0, 0], [10, 20]])");
  REQUIRE(times.size() == 100);
  for (std::size_t i = 0; i < times.size(); ++i) {
    CHECK(times[i] == Approx(std::sqrt(static_cast<double>(i))));
  }
}

TEST_CASE("rates: the same at all times, they give what rate_rps gives, to the bit") {
  for (const char* process : {R"("arrivals": "poisson", )", R"("arrivals": "gamma", "cv": 2, )"}) {
    const std::string ends = R"("duration_s": 50, "seed": 7)";
    CHECK(arrivals_of(process + (R"("rate_rps": 3, )" + ends)) ==
          arrivals_of(process + (R"("rates": [[0, 3]], )" + ends)));
  }
}

TEST_CASE("rates: Poisson arrivals come in each part of the time as often as they say") {
  const std::string keys = R"("rates": [[0, 10], [500, 50], [1000, 0]], "seed": 3)";
  const std::vector<double> times = arrivals_of(keys);
  const RateCurve curve({{0, 10}, {500, 50}, {1000, 0}});
  for (double from_s = 0; from_s < 1000; from_s += 100) {
    const auto seen =
        static_cast<double>(std::count_if(times.begin(), times.end(), [&](double time_s) {
          return time_s >= from_s && time_s < from_s + 100;
        }));
    const double expected = 50 * (curve.rate_at(from_s) + curve.rate_at(from_s + 99.999999));
    CHECK(std::abs(seen - expected) < 4 * std::sqrt(expected));
  }
}

TEST_CASE("rates: the workload ends with them, unless it says when") {
  CHECK(workload_from(R"({"prompt_tokens": 1, "output_tokens": 1, "rates": [[0, 1], [60, 2]]})")
            .duration_s == 60);
  CHECK(
      workload_from(
          R"({"prompt_tokens": 1, "output_tokens": 1, "rates": [[0, 1], [60, 2]], "rates_period_s": 90})")
          .duration_s == 90);
  CHECK(
      workload_from(
          R"({"prompt_tokens": 1, "output_tokens": 1, "rates": [[0, 1], [60, 2]], "duration_s": 500})")
          .duration_s == 500);
}

TEST_CASE("rates: from a CSV file") {
  const TempFile file("seconds,requests_per_s\n0,0\n10,20\n", "rates.csv");
  CHECK(arrivals_of(R"("arrivals": "constant", "rates": ")" + file.path() + "\"").size() == 100);
  const TempFile wrong("seconds,requests_per_s\n0,1\n0,2\n", "rates.csv");
  CHECK(error_of_rates("\"rates\": \"" + wrong.path() + "\"") ==
        wrong.path() + ", line 3: expected a time after the one before, at most 1e9 s");
  const TempFile other("time,rate\n0,1\n", "rates.csv");
  CHECK(error_of_rates("\"rates\": \"" + other.path() + "\"") ==
        other.path() + ": expected the columns seconds and requests_per_s; \"seconds\" is missing");
}

TEST_CASE("rates: what cannot be is said in a sentence") {
  CHECK(error_of_rates(R"("rates": 7)") ==
        "workload.rates: expected a list of [seconds, requests/s], or the name of a CSV file");
  CHECK(error_of_rates(R"("rates": [[0, 1], 7])") ==
        "workload.rates[1]: expected [seconds, requests/s]");
  CHECK(error_of_rates(R"("rates": [[5, 1]])") ==
        "workload.rates[0]: expected the first time to be 0");
  CHECK(error_of_rates(R"("rates": [[0, -1]])") ==
        "workload.rates[0]: expected a rate from 0 to 1e9 requests/s");
  CHECK(error_of_rates(R"("rates": [[0, 0], [5, 0]])") ==
        "workload.rates: expected one rate above 0 at least");
  CHECK(error_of_rates(R"("rates": [[0, 1], [5, 1]], "rates_period_s": 4)") ==
        "workload.rates_period_s: expected no less than the last time of rates");
  CHECK(error_of_rates(R"("rate_rps": 4, "duration_s": 1, "rates_period_s": 4)") ==
        "workload.rates_period_s: has no meaning without rates");
  CHECK(error_of_rates(R"("arrivals": "closed", "concurrency": 1, "rates": [[0, 1]])") ==
        "workload.rates: is for arrivals \"poisson\", \"constant\" and \"gamma\", not \"closed\"");
}

}  // namespace cleave::testing
