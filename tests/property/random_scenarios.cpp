// What holds for every cluster and every workload.

#include <rapidcheck.h>

#include <cmath>
#include <cstdlib>

#include "models/latency/power.h"
#include "tests/catch.h"
#include "tests/property/random_scenario.h"
#include "tests/support/accounts.h"
#include "tests/support/event_log.h"
#include "tests/support/seen_run.h"

namespace cleave {

namespace {

bool near(double a, double b, double margin = 1e-6) {
  return std::abs(a - b) <= margin + 1e-9 * std::max(std::abs(a), std::abs(b));
}

void check_request(const FinishedRequest& r) {
  RC_ASSERT(r.arrival_s <= r.prompt_start_s);
  RC_ASSERT(r.prompt_start_s < r.first_token_s);
  RC_ASSERT(r.first_token_s <= r.completion_s);
  if (r.output_tokens > 1) {
    RC_ASSERT(r.first_token_s <= r.token_start_s);
    RC_ASSERT(r.token_start_s < r.completion_s);
    RC_ASSERT(r.largest_gap_s * (r.output_tokens - 1) >=
              (r.completion_s - r.first_token_s) * (1 - 1e-9));
  }
  if (r.handed_over()) {
    RC_ASSERT(r.transfer_ready_s <= r.transfer_start_s);
    RC_ASSERT(r.transfer_start_s < r.transfer_end_s);
    RC_ASSERT(r.first_token_s <= r.transfer_end_s);
    RC_ASSERT(r.transfer_end_s <= r.token_start_s);
  }
}

void check_counts(const Json& scenario, const SeenRun& run) {
  const Json& requests = run.requests();
  RC_ASSERT(requests["arrived"].get<std::size_t>() ==
            run.finished.size() + run.rejected.size() + run.unfinished.size());
  RC_ASSERT(requests["unfinished"] == run.unfinished.size());
  RC_ASSERT(requests["unfinished"] == requests["stranded"]);
  RC_ASSERT(requests["deadlocks"] == 0);
  if (scenario["faults"].empty()) {
    RC_ASSERT(requests["restarts"] == 0);
    RC_ASSERT(scenario.contains("scaling") || requests["unfinished"] == 0);
  }
  double output = 0;
  std::uint64_t repeated = run.unfinished.size();
  for (const FinishedRequest& request : run.finished) {
    check_request(request);
    output += request.output_tokens;
    repeated += request.restarts + request.preemptions;
  }
  RC_ASSERT(run.tokens_generated() >= output);
  if (repeated == 0) RC_ASSERT(run.tokens_generated() == output);
}

/// Where only so many may be in the cluster, there are never more.
void check_concurrency(const Json& scenario, const SeenRun& run) {
  const Json& workload = scenario["workload"];
  if (!workload.contains("concurrency")) return;
  std::vector<std::pair<double, int>> changes;
  for (const FinishedRequest& request : run.finished) {
    changes.emplace_back(request.arrival_s, 1);
    changes.emplace_back(request.completion_s, -1);
  }
  for (const FinishedRequest& request : run.unfinished) changes.emplace_back(request.arrival_s, 1);
  std::sort(changes.begin(), changes.end());
  int now = 0;
  for (const auto& [time_s, change] : changes) {
    now += change;
    RC_ASSERT(now <= workload["concurrency"].get<int>());
  }
}

/// When instances were not up, in the order of time.
struct Away {
  double from_s = 0;
  double to_s = 0;
  InstanceStatus status = InstanceStatus::kOff;
};

std::vector<std::vector<Away>> away_of(const SeenRun& run, std::size_t instances) {
  std::vector<std::vector<Away>> all(instances);
  const double end_s = run.summary["duration_s"];
  for (const auto& [instance, time_s, status] : run.statuses) {
    std::vector<Away>& away = all[instance];
    if (!away.empty() && away.back().to_s == INFINITY) away.back().to_s = time_s;
    if (status != InstanceStatus::kUp) away.push_back({time_s, INFINITY, status});
  }
  for (auto& away : all) {
    if (!away.empty()) away.back().to_s = std::min(away.back().to_s, end_s);
  }
  return all;
}

/// What is not up is given nothing, and works only to finish; what is off costs and draws nothing.
void check_statuses(const Scenario& scenario, const SeenRun& run) {
  const double end_s = run.summary["duration_s"];
  if (end_s == 0) return;
  std::size_t instances = 0;
  for (const PoolSpec& spec : scenario.pools) instances += spec.instances();
  const std::vector<std::vector<Away>> all = away_of(run, instances);
  for (const Segment& segment : run.segments) {
    for (const Away& away : all[segment.instance]) {
      if (away.status == InstanceStatus::kDraining) continue;
      RC_ASSERT(segment.end_s <= away.from_s || segment.start_s >= away.to_s);
    }
  }
  for (const FinishedRequest& request : run.finished) {
    if (request.restarts + request.preemptions + request.moves > 0) continue;
    for (const InstanceId instance : {request.prompt_instance, request.token_instance}) {
      for (const Away& away : all[instance]) {
        // Who came meanwhile was stranded until it was up again.
        if (request.arrival_s <= away.from_s || request.arrival_s >= away.to_s) continue;
        RC_ASSERT(request.prompt_start_s >= away.to_s);
      }
    }
  }
  double usd = 0;
  std::size_t instance = 0;
  for (std::size_t pool = 0; pool < scenario.pools.size(); ++pool) {
    const PoolSpec& spec = scenario.pools[pool];
    double off_s = 0;
    for (std::uint32_t i = 0; i < spec.instances(); ++i, ++instance) {
      for (const Away& away : all[instance]) {
        if (away.status == InstanceStatus::kOff) off_s += away.to_s - away.from_s;
      }
    }
    const Json& figures = run.summary["pools"][pool];
    RC_ASSERT(near(figures["off_share"].get<double>() * spec.instances() * end_s, off_s));
    RC_ASSERT(near(integral(figures, "off_instances", end_s), off_s));
    const PowerModel power(scenario.llm_of(spec), spec.machine, spec.gpu_share());
    double energy_j = power.idle_w() * (spec.instances() * end_s - off_s);
    for (const Segment& segment : run.segments) {
      if (segment.instance >= instance || segment.instance + spec.instances() < instance) continue;
      const double watts =
          segment.prompts > 0 ? power.prompt_w(segment.prompt_tokens) : power.decode_w();
      energy_j += (watts - power.idle_w()) * (segment.end_s - segment.start_s);
    }
    RC_ASSERT(near(figures["energy_kwh"].get<double>() * 3.6e6, energy_j, 1e-3));
    // A machine is paid by who has it on, and while nobody has, by whose it is.
    const double on_s = spec.count * (end_s - off_s / spec.instances());
    if (spec.borrows_machines_of) {
      const PoolSpec& owner = scenario.pools[*spec.borrows_machines_of];
      usd += on_s * (owner.machine.price_per_hour - owner.off_price_per_hour) / 3600;
    } else {
      usd += (spec.machine.price_per_hour * on_s +
              spec.off_price_per_hour * (spec.count * end_s - on_s)) /
             3600;
    }
  }
  RC_ASSERT(near(run.summary["cost"]["spent_usd"], usd));
}

/// A machine serves one LLM at a time, and each request is served by instances of its own.
void check_llms(const Scenario& scenario, const SeenRun& run) {
  std::vector<std::size_t> llm_of;
  std::vector<std::uint32_t> machine_of;
  for (const PoolSpec& spec : scenario.pools) {
    for (std::uint32_t i = 0; i < spec.instances(); ++i) {
      llm_of.push_back(spec.llm);
      machine_of.push_back(spec.machine_of(i));
    }
  }
  for (const FinishedRequest& request : run.finished) {
    const std::size_t asked = scenario.llm_asked(request.traffic_class);
    RC_ASSERT(llm_of[request.prompt_instance] == asked);
    RC_ASSERT(llm_of[request.token_instance] == asked);
  }
  std::vector<InstanceStatus> status(llm_of.size(), InstanceStatus::kUp);
  for (std::size_t i = 0; i < run.statuses.size(); ++i) {
    status[run.statuses[i].instance] = run.statuses[i].status;
    const bool begins = run.statuses[i].time_s == 0;
    if (begins || run.statuses[i].status != InstanceStatus::kLoading) continue;
    const InstanceId on = run.statuses[i].instance;
    for (InstanceId other = 0; other < llm_of.size(); ++other) {
      const bool same = machine_of[other] == machine_of[on] && llm_of[other] != llm_of[on];
      if (same) RC_ASSERT(status[other] == InstanceStatus::kOff);
    }
  }
}

/// Memory and queues by instance.
void check_instances(const Scenario& scenario, const SeenRun& run) {
  std::size_t instance = 0;
  for (const PoolSpec& spec : scenario.pools) {
    const Llm& llm = scenario.llm_of(spec);
    const double kv_bytes = static_cast<double>(spec.kv.capacity_tokens) * llm.kv_bytes_per_token *
                            llm.kv_copies(spec.tensor_parallel);
    RC_ASSERT(spec.kv_blocks || llm.weight_bytes + kv_bytes <= spec.memory_bytes());
    for (std::uint32_t i = 0; i < spec.instances(); ++i, ++instance) {
      RC_ASSERT(run.most_memory_bytes[instance] <= (llm.weight_bytes + kv_bytes) * (1 + 1e-12));
      RC_ASSERT(run.last_memory_bytes[instance] == llm.weight_bytes);
    }
  }
  for (const std::uint32_t queued : run.last_queued) RC_ASSERT(queued == 0U);
}

/// Series x width = totals; nothing is used more than whole; energy and budget.
void check_series(const Json& summary) {
  const double end_s = summary["duration_s"];
  if (end_s == 0) return;
  double energy_kwh = 0;
  std::vector<double> power;
  for (const Json& pool : summary["pools"]) {
    const auto instances = pool["instances"].get<double>();
    const double utilization = pool["utilization"];
    RC_ASSERT(utilization <= 1 + 1e-9);
    RC_ASSERT(near(integral(pool, "busy_instances", end_s), utilization * instances * end_s));
    RC_ASSERT(
        near(integral(pool, "power_w", end_s), pool["energy_kwh"].get<double>() * 3.6e6, 1e-3));
    RC_ASSERT(near(integral(pool, "queued_requests", end_s),
                   pool["queued_requests_mean"].get<double>() * instances * end_s));
    energy_kwh += pool["energy_kwh"].get<double>();
    const Json& series = pool["over_time"]["power_w"];
    power.resize(std::max(power.size(), series.size()));
    RC_ASSERT(power.size() == series.size());
    for (std::size_t i = 0; i < power.size(); ++i) power[i] += series[i].get<double>();
  }
  const Json& cluster = summary["power"];
  RC_ASSERT(near(energy_kwh, cluster["energy_kwh"]));
  RC_ASSERT(near(cluster["mean_w"].get<double>() * end_s, energy_kwh * 3.6e6, 1e-3));
  const double peak_w = *std::max_element(power.begin(), power.end());
  RC_ASSERT(near(peak_w, cluster["peak_w"], 1e-3));
  RC_ASSERT(cluster["budget"]["holds"].get<bool>() ==
            (cluster["peak_w"].get<double>() <= cluster["budget"]["budget_w"].get<double>()));
  for (const Json& link : summary["links"]) RC_ASSERT(link["utilization"].get<double>() <= 1);
}

/// Means of the measured requests, and the number in the cluster (Little's law), from the requests.
void check_requests_against_summary(const Json& scenario, const SeenRun& run) {
  const Json& window = run.summary["window"];
  const double from_s = window["from_s"];
  const double to_s = window["to_s"];
  double ttft_s = 0;
  double e2e_s = 0;
  std::size_t measured = 0;
  const auto warmup = scenario["workload"].value("warmup_requests", std::uint64_t{0});
  for (const FinishedRequest& request : run.finished) {
    if (request.arrival_s < from_s || request.arrival_s > to_s) continue;
    if (request.number < warmup) continue;
    ++measured;
    ttft_s += request.first_token_s - request.arrival_s;
    e2e_s += request.completion_s - request.arrival_s;
  }
  RC_ASSERT(run.requests()["measured"] == measured);
  if (measured == 0) return;
  const auto count = static_cast<double>(measured);
  RC_ASSERT(near(run.summary["ttft"]["mean"], ttft_s / count));
  RC_ASSERT(near(run.summary["e2e"]["mean"], e2e_s / count));
  if (!run.rejected.empty() || !run.unfinished.empty()) return;
  const double begin_s = window["warmup"] == "given" ? from_s : 0;
  const auto mean_in_cluster = [&](double share) {
    const double first_s = begin_s + share * (to_s - begin_s);
    const double last_s = begin_s + (share + 0.25) * (to_s - begin_s);
    double time_s = 0;
    for (const FinishedRequest& request : run.finished) {
      time_s += std::max(
          0.0, std::min(last_s, request.completion_s) - std::max(first_s, request.arrival_s));
    }
    return time_s / (last_s - first_s);
  };
  constexpr double kWidestFirstS = 0.125;
  if (to_s - begin_s < 20 * kWidestFirstS) return;
  const Json& steady = run.summary["steady"];
  // The edges of the quarters lie within buckets of the series, of which longer runs have hundreds.
  const auto agrees = [&](const char* name, double share) {
    const double expected = mean_in_cluster(share);
    return near(steady[name], expected, 0.5 + 0.02 * expected);
  };
  RC_ASSERT(agrees("in_cluster_second_quarter", 0.25));
  RC_ASSERT(agrees("in_cluster_last_quarter", 0.75));
}

void check_transfers(const SeenRun& run) {
  for (const SeenTransfer& transfer : run.transfers) {
    RC_ASSERT(transfer.end_s - transfer.start_s >= transfer.ideal_s * (1 - 1e-9) - 1e-9);
  }
}

/// Nothing moves faster than its tier, nothing comes from the last tier before something came
/// there, and figures add up.
void check_tiers(const Scenario& scenario, const SeenRun& run) {
  for (std::size_t i = 0; i < scenario.kv_cache.tiers.size(); ++i) {
    const TierSpec& tier = scenario.kv_cache.tiers[i];
    double loaded = 0;
    double written = 0;
    for (const TierMove& move : run.tier_moves) {
      if (move.tier != tier.tier) continue;
      RC_ASSERT(move.end_s - move.asked_s >= tier.latency_s - 1e-9);
      (move.load ? loaded : written) += move.bytes;
      const bool last = i + 1 == scenario.kv_cache.tiers.size();
      if (move.load && last) RC_ASSERT(written > 0);
    }
    RC_ASSERT(near(run.summary["tiers"][i]["loaded_bytes"], loaded));
    RC_ASSERT(near(run.summary["tiers"][i]["written_bytes"], written));
  }
  for (const FinishedRequest& request : run.finished) {
    RC_ASSERT(request.loaded_tokens <= request.cached_tokens);
    RC_ASSERT(request.cached_tokens < request.prompt_tokens);
  }
}

/// What a run costs and draws, whatever is measured of it.
Json totals(const Json& summary) {
  return {summary["cost"]["spent_usd"], summary["cost"]["requests_per_usd"],
          summary["power"]["energy_kwh"], summary["duration_s"], summary["requests"]["completed"]};
}

}  // namespace

TEST_CASE("property: nothing is lost, memory holds, times ascend, figures add up") {
  setenv("RC_PARAMS", "max_success=300", 0);  // by hand: RC_PARAMS=max_success=3000
  int runs = 0;
  const bool holds = rc::check([&] {
    const Json scenario = random_scenario();
    std::optional<Scenario> read;
    try {
      read = read_scenario(scenario_of(scenario));
    } catch (const InputError&) {
      RC_DISCARD("a model that does not fit, or a link that is not there");
    }
    const SeenRun run = see(scenario);
    check_counts(scenario, run);
    check_concurrency(scenario, run);
    check_instances(*read, run);
    check_llms(*read, run);
    check_statuses(*read, run);
    check_transfers(run);
    check_tiers(*read, run);
    check_series(run.summary);
    check_requests_against_summary(scenario, run);
    if (++runs % 2 == 0) {
      RC_ASSERT(see(scenario).summary == run.summary);
    } else if (!scenario["workload"].contains("warmup_requests")) {
      Json warm = scenario;
      warm["results"]["warmup_s"] = 4;
      RC_ASSERT(totals(see(warm).summary) == totals(run.summary));
    }
  });
  WARN(runs << " random runs");
  CHECK(holds);
}

TEST_CASE("property: in steps of any length a run is the same as at once") {
  setenv("RC_PARAMS", "max_success=300", 0);
  const bool holds = rc::check([] {
    const Json document = scenario_of(random_scenario());
    std::optional<Scenario> scenario;
    try {
      scenario = read_scenario(document);
    } catch (const InputError&) {
      RC_DISCARD("a model that does not fit");
    }
    const double step_s = *inRange(1, 2000) / 1000.0;
    const auto heard = [&](bool in_steps) {
      return in_child([&] {
        EventLog log;
        Simulation simulation(*scenario);
        simulation.alone().watch(log);
        while (in_steps && simulation.step_until(simulation.now() + step_s)) {
        }
        const std::string summary = simulation.run().dump();
        return log.text() + summary;
      });
    };
    try {
      RC_ASSERT(heard(true) == heard(false));
    } catch (const InputError&) {
      RC_DISCARD("a link that is not there");
    }
  });
  CHECK(holds);
}

}  // namespace cleave
