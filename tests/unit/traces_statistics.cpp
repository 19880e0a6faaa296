#include <algorithm>
#include <cmath>
#include <sstream>

#include "sim/base/random.h"
#include "tests/catch.h"
#include "tests/unit/traces_support.h"
#include "traces/distribution.h"
#include "traces/statistics.h"
#include "traces/write.h"

using namespace cleave;
using namespace cleave::testing;

namespace {

class Listed final : public RequestSource {
 public:
  explicit Listed(std::vector<Request> requests) : requests_(std::move(requests)) {}
  bool next(Request& request) override {
    if (at_ == requests_.size()) return false;
    request = requests_[at_++];
    return true;
  }

 private:
  std::vector<Request> requests_;
  std::size_t at_ = 0;
};

TraceStatistics measure(std::vector<Request> requests) {
  Listed source(std::move(requests));
  return measure_trace(source);
}

/// Arrivals at exact multiples of 100 ns, which every format can hold.
std::vector<Request> random_requests(std::size_t count) {
  Random random(7, 1);
  std::vector<Request> requests;
  std::uint64_t ticks = 0;
  for (std::size_t i = 0; i < count; ++i) {
    requests.push_back({static_cast<double>(ticks) / 1e7,
                        static_cast<std::uint32_t>(1 + random.below(5000)),
                        static_cast<std::uint32_t>(1 + random.below(300)), i + 1});
    ticks += random.below(20'000'000);
  }
  return requests;
}

std::uint32_t median(const std::vector<std::uint32_t>& quantiles) {
  return quantiles[quantiles.size() / 2];
}

}  // namespace

TEST_CASE("Quantiles are those of the sorted values") {
  Random random(3, 1);
  for (const std::size_t count : {1, 2, 3, 10, 101, 5000}) {
    TokenCounts counts;
    std::vector<std::uint32_t> values;
    for (std::size_t i = 0; i < count; ++i) {
      // Some beyond the lengths that are counted in a table.
      const std::uint64_t most = i % 10 == 9 ? 50'000'000 : 2000;
      values.push_back(static_cast<std::uint32_t>(1 + random.below(most)));
      counts.add(values.back());
    }
    std::sort(values.begin(), values.end());
    INFO("values: " << count);
    CHECK(counts.total() == count);
    for (const double p : {0.0, 0.01, 0.25, 0.5, 0.9, 0.95, 0.99, 0.999, 1.0}) {
      const auto at = static_cast<std::size_t>(std::lround(p * static_cast<double>(count - 1)));
      CHECK(counts.quantile(p) == values[at]);
    }
    CHECK(counts.quantiles(count < 2 ? 2 : count).front() == values.front());
    CHECK(counts.quantiles(count < 2 ? 2 : count).back() == values.back());
    if (count >= 2) CHECK(counts.quantiles(count) == values);
  }
}

TEST_CASE("Mean and deviation of lengths are those of the population") {
  TokenCounts counts;
  CHECK(counts.mean() == 0);
  CHECK(counts.quantile(0.5) == 0);
  for (const std::uint32_t tokens : {2, 4, 4, 4, 5, 5, 7, 9}) counts.add(tokens);
  CHECK(counts.mean() == 5);
  CHECK(counts.deviation() == 2);
}

TEST_CASE("Rates and burstiness follow their definitions") {
  // Gaps of 1, 1, 1 and 57 s.
  const auto statistics =
      measure({{10, 1, 1, 1}, {11, 1, 1, 2}, {12, 1, 1, 3}, {13, 1, 1, 4}, {70, 1, 1, 5}});
  CHECK(statistics.requests == 5);
  CHECK(statistics.first_arrival_s == 10);
  CHECK(statistics.duration_s == 60);
  CHECK(statistics.mean_rate_rps == Approx(4.0 / 60));
  CHECK(statistics.gap_cv == Approx(std::sqrt(3 * 14.0 * 14 + 42.0 * 42) / 2 / 15));
  CHECK(statistics.peak_rate_1s_rps == 1);
  // A window of 60 s is half open: the first and the last request are not in one.
  CHECK(statistics.peak_rate_60s_rps == Approx(4.0 / 60));
  CHECK_FALSE(statistics.prefix.has_value());

  const auto at_once = measure({{5, 1, 1, 1}, {5, 1, 1, 2}});
  CHECK(at_once.duration_s == 0);
  CHECK(at_once.mean_rate_rps == 0);
  CHECK(at_once.peak_rate_1s_rps == 2);
  CHECK(at_once.rates_rps.empty());
  CHECK(error_of([] { measure({}); }) == "empty trace; expected at least one request");
}

TEST_CASE("The rate over time counts every request of its full bins") {
  std::vector<Request> requests;
  for (int i = 0; i < 2000; ++i) requests.push_back({i * 0.005, 1, 1, 0});
  for (int i = 0; i <= 200; ++i) requests.push_back({10 + i * 0.05, 1, 1, 0});
  const auto statistics = measure(requests);
  REQUIRE(statistics.rate_bin_s == 1);
  REQUIRE(statistics.rates_rps.size() == 20);
  for (std::size_t bin = 0; bin < 10; ++bin) {
    CHECK(statistics.rates_rps[bin] == Approx(200).margin(1));
    CHECK(statistics.rates_rps[bin + 10] == Approx(20).margin(1));
  }
}

TEST_CASE("Rank correlation is Spearman's, with the ranks of ties averaged") {
  const auto of = [](const std::vector<std::pair<std::uint32_t, std::uint32_t>>& lengths) {
    std::vector<Request> requests;
    for (const auto& [prompt, output] : lengths) requests.push_back({0, prompt, output, 0});
    return measure(requests).rank_correlation;
  };
  CHECK(of({{1, 1}, {2, 10}, {3, 1000}}) == Approx(1));
  CHECK(of({{1, 9}, {2, 4}, {300, 1}}) == Approx(-1));
  CHECK(of({{1, 5}, {2, 5}}) == 0);
  // Ranks 1, 2.5, 2.5, 4 with 2, 1, 3, 4: covariance 3 of sqrt(4.5 * 5).
  CHECK(of({{1, 20}, {7, 10}, {7, 30}, {9, 40}}) == Approx(3 / std::sqrt(22.5)));
}

TEST_CASE("Shared prefixes are blocks that an earlier request had") {
  const TempFile file(
      "{\"timestamp\": 0, \"input_length\": 1000, \"output_length\": 1, \"hash_ids\": [1, 2]}\n"
      "{\"timestamp\": 1, \"input_length\": 1500, \"output_length\": 1, \"hash_ids\": [1, 2, 3]}\n"
      "{\"timestamp\": 2, \"input_length\": 100, \"output_length\": 1, \"hash_ids\": [4]}\n");
  const auto statistics = measure_trace(*open_trace(file.path()));
  REQUIRE(statistics.prefix.has_value());
  CHECK(statistics.prefix->block_tokens == 512);
  CHECK(statistics.prefix->blocks == 6);
  CHECK(statistics.prefix->seen_before == 2);
  CHECK(statistics_json(statistics).at("prefix").at("share") == Approx(1.0 / 3).epsilon(1e-15));
}

TEST_CASE("The built-in distributions have the medians of their traces") {
  const auto code = *load_distribution("azure-2023-code", "test");
  CHECK(median(code.prompt_quantiles) == 1469);
  CHECK(median(code.output_quantiles) == 13);
  const auto conversation = *load_distribution("azure-2023-conv", "test");
  CHECK(median(conversation.prompt_quantiles) == 1020);
  CHECK(median(conversation.output_quantiles) == 129);
}

TEST_CASE("A built-in distribution is what fitting its trace gives") {
  const auto [name, file] =
      GENERATE(std::pair{"azure-2023-code", "AzureLLMInferenceTrace_code.csv"},
               std::pair{"azure-2023-conv", "AzureLLMInferenceTrace_conv.csv"});
  const auto trace = real_trace(file);
  if (!trace) {
    WARN("skipped: no " << file << " in the folder named by CLEAVE_DATA");
    return;
  }
  const auto fitted = read_distribution(fit_distribution(*open_trace(*trace)), "fitted");
  const auto built_in = *load_distribution(name, "test");
  CHECK(fitted.prompt_quantiles == built_in.prompt_quantiles);
  CHECK(fitted.output_quantiles == built_in.output_quantiles);
  CHECK(fitted.rank_correlation == built_in.rank_correlation);
  CHECK(fitted.mean_rate_rps == built_in.mean_rate_rps);
  CHECK(fitted.gap_cv == built_in.gap_cv);
  CHECK(fitted.rates_rps == built_in.rates_rps);
}

TEST_CASE("The distribution of a very slow trace can be read back") {
  Listed source({{0, 5, 6, 1}, {90'000, 7, 8, 2}, {400'000, 9, 10, 3}});
  const std::string text = distribution_text(fit_distribution(source));
  const auto read = read_distribution(parse_json(text, "text"), "text");
  CHECK(read.prompt_quantiles == std::vector<std::uint32_t>{5, 7, 9});
  CHECK(read.mean_rate_rps == Approx(5e-6).epsilon(1e-5));
  REQUIRE_FALSE(read.rates_rps.empty());
  CHECK(read.rates_rps.front() == Approx(1 / read.rate_bin_s).epsilon(1e-3));
}

TEST_CASE("What is written in a format is recognised and read back the same") {
  const auto requests = random_requests(2000);
  const std::string format = GENERATE(from_range(writable_formats()));
  std::ostringstream text;
  Listed source(requests);
  CHECK(write_trace(source, format, text, "test") == requests.size());
  const TempFile file(text.str());
  CHECK(trace_format(file.path()) == format);
  const auto back = read_all(*open_trace(file.path()));
  REQUIRE(back.size() == requests.size());
  for (std::size_t i = 0; i < back.size(); ++i) {
    INFO(format << ", request " << i);
    REQUIRE(back[i].arrival_s == Approx(requests[i].arrival_s).epsilon(1e-14));
    REQUIRE(back[i].prompt_tokens == requests[i].prompt_tokens);
    REQUIRE(back[i].output_tokens == requests[i].output_tokens);
  }
}

TEST_CASE("An unknown format to write is refused") {
  std::ostringstream text;
  Listed source({{0, 1, 1, 1}});
  CHECK(error_of([&] { write_trace(source, "jsn-lines", text, "--format"); }) ==
        "--format: unknown trace format \"jsn-lines\"; did you mean \"json-lines\"?");
  CHECK(text.str().empty());
}
