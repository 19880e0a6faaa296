// The measured window and what is taken over it, computed again from the segments and requests that
// an observer saw.

#include <algorithm>
#include <cmath>

#include "models/latency/power.h"
#include "sim/base/error.h"
#include "tests/catch.h"
#include "tests/support/seen_run.h"

namespace cleave {

namespace {

struct Window {
  double from_s;
  double to_s;
  explicit Window(const Json& summary)
      : from_s(summary["window"]["from_s"]), to_s(summary["window"]["to_s"]) {}
  double seconds() const { return to_s - from_s; }
  bool holds(double time_s) const { return time_s >= from_s && time_s <= to_s; }
  double overlap_s(double begin_s, double end_s) const {
    return std::max(0.0, std::min(end_s, to_s) - std::max(begin_s, from_s));
  }
};

/// Iterations of a segment that have ended by a time, and the part of the one under way.
double iterations_by(const Segment& segment, double time_s) {
  double left_s = time_s - segment.start_s;
  double iteration_s = segment.first_iteration_s;
  for (std::uint32_t i = 0; i < segment.iterations; ++i, iteration_s += segment.growth_s) {
    if (left_s < iteration_s) return i + std::max(0.0, left_s) / iteration_s;
    left_s -= iteration_s;
  }
  return segment.iterations;
}

const Json kMinute{{"workload", {{"duration_s", 60}}}};

Json with_warmup(const Json& warmup_s) {
  Json changes = kMinute;
  changes["results"] = {{"warmup_s", warmup_s}};
  return changes;
}

}  // namespace

TEST_CASE("window: the requests that arrive in it are measured, whatever the warm-up") {
  for (const Json& warmup_s : {Json("auto"), Json(0), Json(17.3), Json(1000)}) {
    INFO(warmup_s);
    const SeenRun run = see(with_warmup(warmup_s));
    const Window window(run.summary);
    std::uint64_t arrived = 0;
    std::int64_t completed = 0;
    double ttft_s = 0;
    double last_s = 0;
    for (const FinishedRequest& request : run.finished) {
      last_s = std::max(last_s, request.arrival_s);
      if (window.holds(request.completion_s)) ++completed;
      if (!window.holds(request.arrival_s)) continue;
      ++arrived;
      ttft_s += request.first_token_s - request.arrival_s;
    }
    CHECK(run.summary["window"]["warmup"] == (warmup_s == "auto" ? "automatic" : "given"));
    if (warmup_s.is_number()) CHECK(window.from_s == warmup_s);
    CHECK(run.summary["requests"]["measured"] == arrived);
    CHECK(run.summary["window"]["arrived"] == arrived);
    if (warmup_s == 1000) continue;
    CHECK(window.to_s == last_s);
    CHECK(run.summary["window"]["completed"] == completed);
    CHECK(run.summary["ttft"]["mean"].get<double>() ==
          Approx(ttft_s / static_cast<double>(arrived)));
    CHECK(run.summary["offered_rps"].get<double>() ==
          Approx(static_cast<double>(arrived) / window.seconds()));
    CHECK(run.summary["served_rps"].get<double>() ==
          Approx(static_cast<double>(completed) / window.seconds()));
  }
}

TEST_CASE("window: tokens and energy are those of the iterations in it") {
  for (const Json& warmup_s : {Json("auto"), Json(17.3)}) {
    INFO(warmup_s);
    const SeenRun run = see(with_warmup(warmup_s));
    const Scenario scenario = read_scenario(scenario_of(with_warmup(warmup_s)));
    const Window window(run.summary);
    REQUIRE(window.from_s > 0);
    std::vector<PowerModel> power;
    double joules = 0;
    for (const PoolSpec& pool : scenario.pools) {
      const PowerModel model(scenario.llms.front(), pool.machine, pool.gpu_share(),
                             scenario.latency_profiles);
      power.insert(power.end(), pool.instances(), model);
      joules += model.idle_w() * pool.instances() * window.seconds();
    }
    double output = 0;
    for (const Segment& s : run.segments) {
      const double iterations = iterations_by(s, window.to_s) - iterations_by(s, window.from_s);
      output += (s.prompts + 1.0 * s.decodes * s.iterations) / s.iterations * iterations;
      const PowerModel& model = power[s.instance];
      const double watts = s.prompts > 0 ? model.prompt_w(s.prompt_tokens) : model.decode_w();
      joules += (watts - model.idle_w()) * window.overlap_s(s.start_s, s.end_s);
    }
    double prompt = 0;
    for (const FinishedRequest& r : run.finished) {
      prompt += r.prompt_tokens * window.overlap_s(r.prompt_start_s, r.first_token_s) /
                (r.first_token_s - r.prompt_start_s);
    }
    const Json& tokens = run.summary["tokens"];
    CHECK(tokens["output_per_s"].get<double>() == Approx(output / window.seconds()).epsilon(1e-6));
    CHECK(tokens["prompt_per_s"].get<double>() == Approx(prompt / window.seconds()));
    const Json& of_power = run.summary["power"];
    CHECK(of_power["j_per_output_token"].get<double>() == Approx(joules / output).epsilon(1e-6));
    CHECK(of_power["j_per_token"].get<double>() ==
          Approx(joules / (output + prompt)).epsilon(1e-6));
    const double hours = window.seconds() / 3600;
    const double token_price = scenario.pools[1].count * scenario.pools[1].machine.price_per_hour;
    CHECK(run.summary["cost"]["usd_per_million_output_tokens"].get<double>() ==
          Approx(token_price * hours / (output / 1e6)).epsilon(1e-6));
  }
}

TEST_CASE("window: times between tokens are those of the tokens from its beginning on") {
  for (const Json& warmup_s : {Json("auto"), Json(17.3)}) {
    const SeenRun run = see(with_warmup(warmup_s));
    const Window window(run.summary);
    std::uint64_t gaps = 0;
    for (const Segment& s : run.segments) {
      double now_s = s.start_s;
      double iteration_s = s.first_iteration_s;
      for (std::uint32_t i = 0; i < s.iterations; ++i, iteration_s += s.growth_s) {
        now_s += iteration_s;
        if (now_s >= window.from_s) gaps += s.decodes;
      }
      // A dropped cache that is computed again gives a token too; the first token is no gap's end.
      if (s.prompts > 0 && s.end_s >= window.from_s) gaps += s.prompts;
    }
    for (const FinishedRequest& request : run.finished) {
      if (request.first_token_s >= window.from_s) --gaps;
    }
    CHECK(run.summary["itl"]["count"] == gaps);
  }
}

TEST_CASE("window: a warm-up that was found gives the same figures as the same one given") {
  const Json found = see(with_warmup("auto")).summary;
  const Json given = see(with_warmup(found["window"]["from_s"])).summary;
  for (const char* latency : {"ttft", "tpot", "itl", "e2e", "largest_gap", "queueing", "transfer",
                              "exposed_transfer", "prompt_length", "output_length"}) {
    INFO(latency);
    CHECK(found[latency]["count"] == given[latency]["count"]);
    CHECK(found[latency]["p99"].get<double>() == Approx(given[latency]["p99"].get<double>()));
  }
  for (const char* figure : {"arrived", "completed", "output_tokens", "energy_kwh"}) {
    INFO(figure);
    CHECK(found["window"][figure].get<double>() == Approx(given["window"][figure].get<double>()));
  }
  CHECK(found["slo"]["goodput_rps"] == given["slo"]["goodput_rps"]);
}

TEST_CASE("window: rates do not depend on how long the run is, nor on its drain") {
  const auto price = [](double duration_s) {
    return see({{"workload", {{"duration_s", duration_s}}}})
        .summary["cost"]["usd_per_million_output_tokens"]
        .get<double>();
  };
  const double long_run = price(600);
  CHECK(price(120) == Approx(long_run).epsilon(0.03));
  CHECK(price(300) == Approx(long_run).epsilon(0.03));
}

TEST_CASE("window: where all requests arrive at once, it is the whole run") {
  const SeenRun run = see({{"workload",
                            {{"prompt_tokens", 1000},
                             {"output_tokens", 20},
                             {"arrivals", "constant"},
                             {"rate_rps", 1},
                             {"requests", 1},
                             {"duration_s", nullptr}}}});
  const Window window(run.summary);
  CHECK(window.from_s == 0);
  CHECK(window.to_s == run.summary["duration_s"]);
  CHECK(run.summary["window"]["output_tokens"].get<double>() == Approx(20));
  CHECK(run.summary["window"]["prompt_tokens"].get<double>() == Approx(1000));
}

TEST_CASE("window: the warm-up is a number or \"auto\"; the preset has none") {
  CHECK(default_scenario()["results"]["warmup_s"] == "auto");
  ScenarioSources published;
  published.presets = {"splitwise-sim"};
  CHECK(merge_scenario(published)["results"]["warmup_s"] == 0);
  for (const Json& bad : {Json("none"), Json(-1), Json(), Json::array()}) {
    CHECK_THROWS_AS(read_scenario(scenario_of(with_warmup(bad))), InputError);
  }
}

TEST_CASE("window: of a request that began again, the longest gap is that of its last attempt") {
  const SeenRun run = see({{"workload", {{"duration_s", 20}}},
                           {"faults",
                            {{{"at_s", 10}, {"action", "stop"}, {"machine", 30}},
                             {{"at_s", 15}, {"action", "start"}, {"machine", 30}}}}});
  std::size_t again = 0;
  for (const FinishedRequest& request : run.finished) {
    again += request.restarts > 0 ? 1 : 0;
    const double decoding_s = request.completion_s - request.first_token_s;
    CHECK(request.largest_gap_s <= decoding_s + 1e-9);
    CHECK(request.aside_s <= decoding_s + 1e-9);
  }
  CHECK(again > 0);
}

}  // namespace cleave
