// What holds for every cluster and every workload.

#include <rapidcheck.h>

#include <cmath>
#include <cstdlib>

#include "models/latency/power.h"
#include "sim/fabric/fabric.h"
#include "sim/machine/batching_policy.h"
#include "sim/scheduling/scheduler.h"
#include "sim/transfer/transfer_policy.h"
#include "tests/catch.h"
#include "tests/support/accounts.h"
#include "tests/support/event_log.h"
#include "tests/support/seen_run.h"

namespace cleave {

namespace {

/// Anything of the range from the first run on: RapidCheck's own begins small, and with it all that
/// happens by chance.
rc::Gen<int> inRange(int least, int end) {
  return rc::gen::resize(rc::kNominalSize, rc::gen::inRange(least, end));
}

template <class T>
T one_of(const std::vector<T>& values) {
  return *rc::gen::elementOf(values);
}
bool chance(int percent) { return *inRange(0, 100) < percent; }

Json random_pool(const char* role) {
  Json random = pool(role, *inRange(1, 5),
                     one_of<const char*>({"dgx-a100", "dgx-h100", "dgx-h100-cap70", "dgx-h200"}));
  if (chance(30)) {
    const int stages = *inRange(1, 5);
    random["pipeline_parallel"] = stages;
    random["tensor_parallel"] = 8 / stages;
  } else if (chance(30)) {
    random["tensor_parallel"] = 4;  // two instances a machine
  }
  return random;
}

Json random_faults(int machines, bool links) {
  Json faults = Json::array();
  const auto add = [&](int at_s, const char* action, int machine) -> Json& {
    faults.push_back({{"at_s", at_s}, {"action", action}, {"machine", machine}});
    return faults.back();
  };
  for (int i = *inRange(0, 3); i > 0; --i) {
    const int machine = *inRange(0, machines);
    const int at_s = *inRange(0, 20);
    add(at_s, chance(30) ? "drain" : "stop", machine);
    if (!chance(80)) continue;
    Json& start = add(at_s + *inRange(1, 20), "start", machine);
    if (chance(30)) start["load_s"] = *inRange(0, 10);
  }
  if (chance(20)) {
    add(*inRange(0, 20), "slow", *inRange(0, machines))["factor"] = one_of<double>({0.5, 3, 20});
  }
  if (links && chance(20)) {
    const std::string link = "machine-" + std::to_string(*inRange(0, machines)) + "-nic-" +
                             one_of<const char*>({"up", "down"});
    const int at_s = *inRange(0, 20);
    const double share = one_of<double>({0, 0.1});
    faults.push_back({{"at_s", at_s}, {"action", "scale_link"}, {"link", link}, {"share", share}});
    if (chance(60)) {
      faults.push_back(
          {{"at_s", at_s + 5}, {"action", "scale_link"}, {"link", link}, {"share", 1}});
    }
  }
  return faults;
}

Json random_workload() {
  Json random{{"trace", one_of<const char*>({"azure-2023-code", "azure-2023-conv"})},
              {"seed", *inRange(0, 1000)}};
  if (chance(30)) random["length_range"] = {0.5, one_of<double>({0.8, 1, 1.5})};
  if (chance(20)) random["warmup_requests"] = *inRange(1, 50);
  if (chance(30)) {
    const bool closed = chance(80);
    random["arrivals"] = closed ? "closed" : "infinite";
    random["requests"] = *inRange(1, 200);
    if (!closed) return random;
    random["concurrency"] = *inRange(1, 40);
    random["think_s"] = one_of<double>({0, 0, 0.5});
    random["ramp_up_s"] = one_of<double>({0, 0, 7});
    return random;
  }
  random["arrivals"] = "poisson";
  random["rate_rps"] = *inRange(1, 40);
  random["duration_s"] = *inRange(5, 20);
  if (chance(30)) random["concurrency"] = *inRange(1, 40);
  return random;
}

Json random_batching() {
  const std::string policy = one_of(BatchingPolicies::names());
  if (policy == "splitwise") {
    return {{"policy", policy},
            {"max_prompt_tokens", *inRange(256, 4096)},
            {"max_sequences", *inRange(1, 64)},
            {"max_preemptions", *inRange(1, 6)},
            {"memory", one_of<const char*>({"paged", "reserved"})}};
  }
  Json random{{"policy", policy}};
  if (chance(30)) return random;
  random["max_num_seqs"] = random["max_running_requests"] = random["max_batch_size"] =
      *inRange(1, 64);
  random["max_num_batched_tokens"] = random["chunked_prefill_size"] = random["max_num_tokens"] =
      *inRange(64, 2048);
  random["enable_chunked_prefill"] = random["enable_chunked_context"] = chance(80);
  random["scheduler_reserve_full_isl"] = chance(50);
  random["capacity_scheduler_policy"] =
      one_of<const char*>({"guaranteed_no_evict", "max_utilization"});
  return random;
}

Json random_transfer() {
  Json random{{"policy", one_of(TransferPolicies::names())},
              {"admission", one_of<const char*>({"wait", "poll"})},
              {"setup_s", one_of<double>({0, 5e-5, 0.1})},
              {"descriptor_s", one_of<double>({0, 2.4e-6, 1e-4})}};
  if (chance(50)) random["descriptors_per_block"] = one_of<double>({0.5, 1, 1000});
  return random;
}

Json random_scenario() {
  const std::string policy = one_of(Schedulers::names());
  const bool split = policy.rfind("kv_", 0) == 0 || policy.rfind("overlap", 0) == 0 ||
                     policy == "mixed_pool" || policy == "local_jsq";
  Json pools = {random_pool(split ? "prompt" : "mixed"), random_pool(split ? "token" : "mixed")};
  if (chance(30)) pools.push_back(random_pool("mixed"));
  int machines = 0;
  for (const Json& each : pools) machines += each["count"].get<int>();
  const std::string topology = one_of(Fabrics::names());
  const Json workload = random_workload();
  Json random = {
      {"faults", chance(60) ? random_faults(machines, topology != "pipe") : Json::array()},
      {"llm", one_of<const char*>({"llama2-70b", "bloom-176b"})},
      {"weights", {{"format", one_of(format_names())}}},
      {"kv_cache",
       {{"grouped_query", *rc::gen::arbitrary<bool>()},
        {"format", one_of(format_names())},
        {"memory_fraction", one_of<double>({0.9, 1})},
        {"watermark", one_of<double>({0, 0.01})},
        {"block_tokens", one_of<int>({1, 16})}}},
      {"workload", workload},
      {"pools", pools},
      {"scheduler",
       {{"policy", policy}, {"output_length", one_of<const char*>({"known", "mean"})}}},
      {"batching", random_batching()},
      {"kv_transfer", random_transfer()},
      {"fabric", {{"topology", topology}, {"nic_gbps", *inRange(1, 400)}}},
      {"power", {{"budget_w", 1000 * *inRange(5, 150)}}},
      {"results",
       {{"warmup_s",
         workload.contains("warmup_requests") ? Json("auto") : one_of<Json>({"auto", 0, 3})}}}};
  if (chance(30)) random["kv_cache"]["blocks"] = *inRange(300, 3000);
  return random;
}

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
  if (r.moved()) {
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
    RC_ASSERT(requests["unfinished"] == 0);
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
    if (request.restarts + request.preemptions > 0) continue;
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
    const PowerModel power(scenario.llm, spec.machine, spec.gpu_share());
    double energy_j = power.idle_w() * (spec.instances() * end_s - off_s);
    for (const Segment& segment : run.segments) {
      if (segment.instance >= instance || segment.instance + spec.instances() < instance) continue;
      const double watts =
          segment.prompts > 0 ? power.prompt_w(segment.prompt_tokens) : power.decode_w();
      energy_j += (watts - power.idle_w()) * (segment.end_s - segment.start_s);
    }
    RC_ASSERT(near(figures["energy_kwh"].get<double>() * 3.6e6, energy_j, 1e-3));
    usd +=
        spec.machine.price_per_hour * spec.machines() * (end_s - off_s / spec.instances()) / 3600;
  }
  RC_ASSERT(near(run.summary["cost"]["spent_usd"], usd));
}

/// Memory and queues by instance.
void check_instances(const Scenario& scenario, const SeenRun& run) {
  const Llm& llm = scenario.llm;
  std::size_t instance = 0;
  for (const PoolSpec& spec : scenario.pools) {
    const double kv_bytes = static_cast<double>(spec.kv.capacity_tokens) * llm.kv_bytes_per_token *
                            llm.kv_copies(spec.tensor_parallel);
    RC_ASSERT(llm.weight_bytes + kv_bytes <= spec.memory_bytes());
    for (std::uint32_t i = 0; i < spec.instances(); ++i, ++instance) {
      RC_ASSERT(run.most_memory_bytes[instance] <= (llm.weight_bytes + kv_bytes) * (1 + 1e-12));
      RC_ASSERT(run.last_memory_bytes[instance] == scenario.llm.weight_bytes);
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
  if (to_s <= begin_s) return;
  const Json& steady = run.summary["steady"];
  // The edges of the quarters lie within buckets of the series, of which there are hundreds.
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
    check_statuses(*read, run);
    check_transfers(run);
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
