// Latencies, power and what is measured of them.

#include <cmath>

#include "models/fit/latency_fit.h"
#include "models/latency/power.h"
#include "sim/base/builtin.h"
#include "sim/base/random.h"
#include "sim/metrics/quantiles.h"
#include "sim/metrics/time_base.h"
#include "tests/catch.h"

namespace cleave {

namespace {

Measurement measured(double prompt_size, double batch_size, double prompt_s, double token_s) {
  Measurement row;
  row.llm = "toy";
  row.gpu = "toy";
  row.tensor_parallel = 1;
  row.prompt_size = prompt_size;
  row.batch_size = batch_size;
  row.token_size = 128;
  row.prompt_s = prompt_s;
  row.token_s = token_s;
  row.e2e_s = prompt_s + 127 * token_s;
  return row;
}

std::vector<Measurement> toy_measurements() {
  std::vector<Measurement> rows;
  for (const double prompt : {128.0, 512.0, 1024.0, 2048.0, 4096.0}) {
    for (const double batch : {1.0, 2.0, 4.0, 8.0}) {
      Measurement row = measured(prompt, batch, 1, 1);
      row.e2e_s = 1e9;  // every token was generated
      row.prompt_s = 0.02 + 1e-4 * row.prompt_tokens() + 3e-9 * row.squared_prompt_tokens();
      row.token_s = 0.03 + 1e-3 * batch + 2e-7 * row.mean_kv_tokens();
      rows.push_back(row);
    }
  }
  return rows;
}

}  // namespace

TEST_CASE("models: straight lines join the points and go on beyond them") {
  const PiecewiseLinear line({1, 2, 4}, {10, 20, 30});
  CHECK(line(1.5) == 15);
  CHECK(line(3) == 25);
  CHECK(line(0) == 0);
  CHECK(line(6) == 40);
  CHECK(PiecewiseLinear({5}, {7})(100) == 7);
}

TEST_CASE("models: a fit finds the slopes that made the measurements") {
  const auto profiles = fit_latencies(toy_measurements(), "", "");
  REQUIRE(profiles.size() == 1);
  const LatencyProfile& fit = profiles[0];
  CHECK(fit.prefill.per_squared_token_s == Approx(3e-9).epsilon(1e-3));
  CHECK(fit.decode.per_kv_token_s == Approx(2e-7).epsilon(1e-3));
  CHECK(fit.prefill.seconds(3000, 3000.0 * 3000) == Approx(0.02 + 0.3 + 0.027).epsilon(1e-3));
  CHECK(fit.decode.cost(6).base_s == Approx(0.036).epsilon(1e-3));
  CHECK(fit.decode_error.all < 1e-6);
}

TEST_CASE("models: the built-in latencies never fall, and are as exact as they should be") {
  for (const std::string& name : builtin_names("profiles/latency")) {
    INFO(name);
    const LatencyProfile profile = *find_latency_profile(name);
    double last_s = 0;
    for (double tokens = 1; tokens < 60'000; tokens *= 1.3) {
      const double now_s = profile.prefill.seconds(tokens, tokens * tokens);
      CHECK(now_s >= last_s);
      last_s = now_s;
    }
    last_s = 0;
    for (int sequences = 1; sequences <= 512; ++sequences) {
      CHECK(profile.decode.cost(sequences).base_s >= last_s);
      last_s = profile.decode.cost(sequences).base_s;
    }
    CHECK(profile.prefill_error.split < 0.04);
    // Two A100 were measured at two speeds for the same batch; docs/latency.md, "How exact".
    CHECK(profile.decode_error.split < (name == "llama2-70b_a100-80gb_tp2" ? 0.03 : 0.025));
    CHECK((profile.prefill_error.split + profile.decode_error.split) / 2 < 0.031);
  }
}

TEST_CASE("models: the batch that cannot have been one batch is named") {
  const auto profile = find_latency_profile("llama2-70b_a100-80gb_tp2");
  REQUIRE(profile->left_out.size() == 1);
  CHECK(profile->left_out[0].find("64 x 512") == 0);
  CHECK(find_latency_profile("bloom-176b_a100-80gb_tp8")->left_out.empty());
}

TEST_CASE("models: idle, decode and prompt draw ever more power, and a cap holds") {
  const Llm llm = load_llm("bloom-176b", "llm");
  for (const char* name : {"dgx-a100", "dgx-h100", "dgx-h100-cap70"}) {
    const Machine machine = load_machine(name, "machine");
    const PowerModel power(llm, machine, {.tensor_parallel = 8});
    INFO(name);
    CHECK(power.idle_w() <= power.decode_w());
    CHECK(power.decode_w() <= power.prompt_w(2048));
    CHECK(power.prompt_w(8192) <=
          machine.rest_w() + 8 * machine.gpu.tdp_w * machine.power_cap + 1e-9);
  }
}

TEST_CASE("metrics: quantiles are exact while few, and within 0.1 % when many") {
  Random random(3, 1);
  Quantiles few;
  Quantiles many;
  std::vector<double> all;
  for (int i = 0; i < 600'000; ++i) {
    const double value = std::exp(4 * random.uniform() - 3);
    if (i < 1001) few.add(value);
    many.add(value);
    all.push_back(value);
  }
  std::vector<double> first(all.begin(), all.begin() + 1001);
  std::sort(first.begin(), first.end());
  CHECK(few.quantile(0.9) == first[900]);
  std::sort(all.begin(), all.end());
  for (const double p : {0.01, 0.5, 0.9, 0.99, 0.999}) {
    CHECK(many.quantile(p) == Approx(all[static_cast<std::size_t>(p * 599'999)]).epsilon(1e-3));
  }
  CHECK(many.quantile(1) == all.back());
}

TEST_CASE("metrics: every quantile of few or many values is one of them in their order") {
  for (const std::size_t count : {2, 500, 5000}) {
    Random random(4, count);
    Quantiles quantiles;
    std::vector<double> sorted;
    for (std::size_t i = 0; i < count; ++i) {
      // Of all sizes, some of them twice, some below 0 by rounding.
      const double size = std::exp(60 * random.uniform() - 30);
      const double value = i % 3 == 0 ? 1 : i % 7 == 0 ? -1e-18 * size : size;
      quantiles.add(value);
      sorted.push_back(value);
    }
    std::sort(sorted.begin(), sorted.end());
    std::vector<double> shares;
    for (std::size_t i = 0; i < count; ++i) {
      shares.push_back(static_cast<double>(i) / static_cast<double>(count - 1));
    }
    const std::vector<double> found = quantiles.quantiles(shares);
    for (std::size_t i = 0; i < count; ++i) {
      REQUIRE(found[i] == Approx(sorted[i]).epsilon(1e-9));
    }
  }
}

TEST_CASE("metrics: quantiles are the same however many are asked for, and how often") {
  Random random(6, 1);
  const std::vector<double> shares{0.999, 0, 0.5, 0.9, 0.5, 1, 0.25};
  Quantiles quantiles;
  std::vector<double> sorted;
  for (int round = 0; round < 20; ++round) {
    for (int i = 0; i < 150; ++i) {
      const auto value = static_cast<double>(random.below(1000));
      quantiles.add(value);
      sorted.push_back(value);
    }
    std::sort(sorted.begin(), sorted.end());
    for (int times = 0; times <= round % 3; ++times) {
      const std::vector<double> found = quantiles.quantiles(shares);
      for (std::size_t i = 0; i < shares.size(); ++i) {
        const double rank = shares[i] * static_cast<double>(sorted.size() - 1);
        const double low = sorted[static_cast<std::size_t>(rank)];
        const double high = sorted[static_cast<std::size_t>(std::ceil(rank))];
        REQUIRE(found[i] == Approx(low + (high - low) * (rank - std::floor(rank))));
      }
    }
  }
}

TEST_CASE("metrics: bins count what was added, below and above those that were counted before") {
  Random random(11, 1);
  BinCounts counts;
  std::vector<std::uint64_t> expected(100'000);
  std::uint64_t least = expected.size();
  std::uint64_t largest = 0;
  for (int i = 0; i < 500; ++i) {
    const std::uint64_t bin = 40'000 + random.below(1 + static_cast<std::uint64_t>(i) * 40) * 2 -
                              random.below(1 + static_cast<std::uint64_t>(i) * 60);
    const std::uint64_t weight = random.below(5);
    counts.add(bin, weight);
    expected[bin] += weight;
    least = std::min(least, bin);
    largest = std::max(largest, bin);
  }
  for (std::uint64_t bin = least; bin <= largest; ++bin) {
    REQUIRE(counts.of(bin) == expected[bin]);
  }
}

TEST_CASE("metrics: a run of growing gaps counts as if they were added one by one") {
  Quantiles run;
  Quantiles each;
  Random random(5, 1);
  for (int i = 0; i < 300; ++i) {
    const double first = 0.03 + 0.05 * random.uniform();
    const double growth = 1e-5 * random.uniform();
    const std::uint64_t n = 1 + random.below(200);
    run.add_run(first, growth, n, 3);
    for (std::uint64_t k = 0; k < n; ++k) {
      for (int copy = 0; copy < 3; ++copy) each.add(first + growth * static_cast<double>(k));
    }
  }
  CHECK(run.count() == each.count());
  CHECK(run.mean() == Approx(each.mean()));
  CHECK(run.deviation() == Approx(each.deviation()));
  CHECK(run.largest() == Approx(each.largest()));
  for (const double p : {0.1, 0.5, 0.9, 0.99}) {
    CHECK(run.quantile(p) == Approx(each.quantile(p)).epsilon(1e-3));
  }
}

TEST_CASE("metrics: quantiles of values that are alike, and of those that nearly all are nothing") {
  Quantiles alike;
  Quantiles nothing;
  for (int i = 0; i < 10'000; ++i) {
    alike.add(7);
    nothing.add(i % 100 == 99 ? 1 + i / 100 : 0);
  }
  CHECK(alike.quantiles({0, 0.5, 1}) == std::vector<double>{7, 7, 7});
  // 9,900 times 0, then 1 to 100.
  CHECK(nothing.quantile(9899.0 / 9999) == 0);
  CHECK(nothing.quantile(9900.0 / 9999) == Approx(1));
  CHECK(nothing.quantile(9949.0 / 9999) == Approx(50));
  CHECK(nothing.quantile(1) == 100);
}

TEST_CASE("metrics: a time series keeps its integral however often it widens") {
  TimeBase time;
  TimeSeries<1> series(time);
  double expected = 0;
  Random random(9, 1);
  double now_s = 0;
  for (int i = 0; i < 20'000; ++i) {
    const double length_s = 3 * random.uniform();
    const double value = random.uniform();
    series.add(now_s, now_s + length_s, {value});
    expected += value * length_s;
    now_s += length_s / 2;
  }
  CHECK(time.size() <= TimeBase::kMost);
  CHECK(series.total(0) == Approx(expected));
}

TEST_CASE("metrics: series of one time base have the same buckets, however far each was filled") {
  TimeBase time;
  TimeSeries<1> early(time);
  TimeSeries<1> late(time);
  early.add(0, 63, {2});
  late.add(0, 63, {1});
  late.add(63, 1000.5, {1});
  CHECK(time.width_s() == 2);
  REQUIRE(time.size() == 501);
  CHECK(early.mean(31, 0) == 1);  // half of it
  CHECK(early.mean(32, 0) == 0);
  CHECK(early.mean(500, 0) == 0);
  CHECK(late.mean(500, 0) == 1);  // half a second long
  CHECK(early.total(0) == 126);
  CHECK(late.total(0) == 1000.5);
}

TEST_CASE("metrics: each bucket of a series has what was added over it, in whatever order") {
  struct Part {
    double from_s;
    double to_s;
    double value;
  };
  const double origin_s = GENERATE(0.0, 1.7);
  TimeBase time(origin_s);
  TimeBase time_beyond(origin_s);
  TimeSeries<2> series(time);
  TimeSeries<2> beyond(time_beyond);  // moved to the other every now and then
  std::vector<Part> parts;
  Random random(10, 1);
  double now_s = 0;
  for (int i = 0; i < 3000; ++i) {
    // Mostly within a bucket, at times over many, and up to the very end of one.
    const double length_s = i % 10 == 0 ? 20 * random.uniform() : 0.05 * random.uniform();
    const double from_s = i % 3 == 0 ? now_s : now_s * random.uniform();
    const double to_s = i % 7 == 0 ? origin_s + std::ceil(from_s + length_s) : from_s + length_s;
    parts.push_back({from_s, to_s, random.uniform()});
    (i % 5 == 0 ? beyond : series).add(from_s, to_s, 1, parts.back().value);
    now_s = std::max(now_s, to_s);
    if (i % 50 == 0) {
      time.reach(now_s - origin_s);
      beyond.move_to(series);
      series.count(now_s, {1, 0});
    }
  }
  time.reach(now_s - origin_s);
  beyond.move_to(series);
  CHECK(series.total(0) == 60);
  for (std::size_t bucket = 0; bucket < time.size(); ++bucket) {
    const double begin_s = origin_s + time.from_s(bucket);
    double expected = 0;
    for (const Part& part : parts) {
      const double both_s =
          std::min(part.to_s, begin_s + time.width_s()) - std::max(part.from_s, begin_s);
      if (both_s > 0) expected += part.value * both_s;
    }
    REQUIRE(series.integrals(bucket)[1] == Approx(expected).margin(1e-9));
  }
}

TEST_CASE("metrics: what happens at one moment counts in the bucket that it ends") {
  TimeBase time(10);
  TimeSeries<1> series(time);
  for (const double time_s : {9.0, 10.0, 10.125, 10.25}) series.count(time_s, {1});
  REQUIRE(time.size() == 2);
  CHECK(series.integrals(0)[0] == 2);
  CHECK(series.integrals(1)[0] == 1);
}

}  // namespace cleave
