// What the parts cost, one by one.
#include <benchmark/benchmark.h>

#include "models/latency/latency_profile.h"
#include "sim/base/indexed_heap.h"
#include "sim/base/random.h"
#include "sim/engine/calendar.h"
#include "sim/metrics/quantiles.h"
#include "sim/metrics/time_base.h"
#include "traces/distribution.h"
#include "traces/workload.h"

namespace cleave {

namespace {

void do_nothing(void*, std::uint64_t) {}

/// One event out, one in, with so many waiting.
void calendar(benchmark::State& state) {
  Calendar calendar;
  Random random(1, 1);
  for (std::int64_t i = 0; i < state.range(0); ++i) {
    calendar.add(random.uniform(), Rank::kNormal, do_nothing, nullptr, 0);
  }
  for (auto step : state) {
    const Calendar::Event event = calendar.pop();
    calendar.add(event.time_s + random.uniform(), Rank::kNormal, do_nothing, nullptr, 0);
  }
}
BENCHMARK(calendar)->Arg(40)->Arg(1000)->Arg(10000);

/// A load changes, the least loaded is asked for.
void indexed_heap(benchmark::State& state) {
  const auto size = static_cast<std::uint32_t>(state.range(0));
  IndexedHeap<double>::Positions positions(size);
  IndexedHeap<double> heap(positions);
  Random random(1, 2);
  for (std::uint32_t i = 0; i < size; ++i) heap.push(random.uniform(), i);
  for (auto step : state) {
    heap.update(random.uniform(), static_cast<std::uint32_t>(random.below(size)));
    benchmark::DoNotOptimize(heap.top().id);
  }
}
BENCHMARK(indexed_heap)->Arg(40)->Arg(1000)->Arg(10000);

void quantiles_add(benchmark::State& state) {
  Quantiles quantiles;
  Random random(1, 3);
  for (auto step : state) quantiles.add(random.uniform());
}
BENCHMARK(quantiles_add);

/// All gaps of a run of 100 iterations of 60 sequences.
void quantiles_add_run(benchmark::State& state) {
  Quantiles quantiles;
  Random random(1, 4);
  for (auto step : state) quantiles.add_run(0.06 + 0.01 * random.uniform(), 1e-5, 100, 60);
}
BENCHMARK(quantiles_add_run);

void time_series_add(benchmark::State& state) {
  TimeBase time;
  TimeSeries<4> series(time);
  double now_s = 0;
  for (auto step : state) {
    series.add(now_s, now_s + 0.5, {1, 2, 3, 4});
    now_s += 0.01;
  }
}
BENCHMARK(time_series_add);

void prefill_latency(benchmark::State& state) {
  const auto profile = find_latency_profile("bloom-176b_h100-80gb_tp8");
  double tokens = 1;
  for (auto step : state) {
    tokens = tokens < 8000 ? tokens + 7 : 1;
    benchmark::DoNotOptimize(profile->prefill.seconds(tokens, tokens * tokens));
  }
}
BENCHMARK(prefill_latency);

void generated_request(benchmark::State& state) {
  Workload workload;
  workload.trace = "azure-2023-conv";
  workload.distribution = load_distribution(workload.trace, "workload.trace");
  workload.arrivals = "poisson";
  workload.rate_rps = 70;
  workload.requests = std::uint64_t{1} << 50;
  Clients clients = open_workload(workload);
  Request request;
  for (auto step : state) {
    clients.send(request);
    benchmark::DoNotOptimize(request);
  }
}
BENCHMARK(generated_request);

}  // namespace

}  // namespace cleave
