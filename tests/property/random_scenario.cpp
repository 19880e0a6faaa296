#include "tests/property/random_scenario.h"

#include <string>
#include <vector>

#include "models/catalogue/format.h"
#include "sim/fabric/fabric.h"
#include "sim/machine/batching_policy.h"
#include "sim/scaling/scaling_policy.h"
#include "sim/scheduling/scheduler.h"
#include "sim/transfer/admission.h"
#include "sim/transfer/transfer_policy.h"
#include "tests/support/seen_run.h"
#include "traces/workload.h"

namespace cleave {

namespace {

template <class T>
T pick(const std::vector<T>& values) {
  return *rc::gen::elementOf(values);
}
bool chance(int percent) { return *inRange(0, 100) < percent; }

Json random_pool(const char* role) {
  Json random = pool(role, *inRange(1, 5),
                     pick<const char*>({"dgx-a100", "dgx-h100", "dgx-h100-cap70", "dgx-h200"}));
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
  if (chance(10)) {
    faults.push_back({{"at_s", 0},
                      {"action", "failures"},
                      {"machines", "0-" + std::to_string(*inRange(0, machines))},
                      {"mtbf_h", 0.003},
                      {"repair_s", *inRange(1, 20)},
                      {"seed", *inRange(0, 100)}});
  }
  if (chance(20)) {
    add(*inRange(0, 20), "slow", *inRange(0, machines))["factor"] = pick<double>({0.5, 3, 20});
  }
  if (links && chance(20)) {
    const std::string link = "machine-" + std::to_string(*inRange(0, machines)) + "-nic-" +
                             pick<const char*>({"up", "down"});
    const int at_s = *inRange(0, 20);
    const double share = pick<double>({0, 0.1});
    faults.push_back({{"at_s", at_s}, {"action", "scale_link"}, {"link", link}, {"share", share}});
    if (chance(60)) {
      faults.push_back(
          {{"at_s", at_s + 5}, {"action", "scale_link"}, {"link", link}, {"share", 1}});
    }
  }
  return faults;
}

/// Sizes at random times, or what a policy makes of the load with settings that keep it busy.
Json random_scaling(const Json& pools, bool split, bool links) {
  std::vector<std::string> names = ScalingPolicies::names();
  if (!split) std::erase(names, "roles");
  Json random{{"policy", pick(names)},
              {"warm_up_s", pick<double>({0, 0.5, 5})},
              {"gb_per_s", pick<double>({20, 200, 1e5})},
              {"weights_from", links && chance(50) ? "network" : "disk"},
              {"tick_s", pick<double>({0.3, 1, 3})},
              {"target_backlog", pick<int>({100, 2000})},
              {"target_kv", pick<double>({0.02, 0.7})},
              {"down_window_s", pick<double>({0, 2})},
              {"history_s", pick<double>({0.5, 5})},
              {"margin", pick<double>({1, 2})}};
  Json sizes = Json::array();
  for (int at_s = *inRange(0, 5); at_s < 25; at_s += *inRange(1, 8)) {
    Json counts = Json::array();
    for (const Json& each : pools) counts.push_back(*inRange(0, each.value("count", 3) + 1));
    sizes.push_back({at_s, counts});
  }
  random["sizes"] = sizes;
  return random;
}

Json random_classes() {
  Json classes = Json::array();
  for (int i = *inRange(1, 4); i > 0; --i) {
    Json each{{"name", "class " + std::to_string(i)}, {"share", *inRange(1, 5)}};
    if (chance(30)) {
      each["prompt_tokens"] = *inRange(1, 3000);
      each["output_tokens"] = *inRange(1, 300);
    }
    if (chance(40)) {
      each["slo"] = {{"limits", {{"ttft", {{"p90", pick<double>({0.1, 1, 10})}}}}}};
      each["shed_late"] = chance(60);
    }
    if (chance(30)) each["admission"] = {{"rate_rps", *inRange(1, 20)}, {"burst", *inRange(1, 5)}};
    classes.push_back(each);
  }
  return classes;
}

/// Pools of another LLM, on machines of their own or on those that the first pool has off.
Json pools_of_another(const std::string& llm, bool split, bool borrow) {
  Json pools = Json::array();
  for (const char* role : split ? std::vector{"prompt", "token"} : std::vector{"mixed"}) {
    Json each = random_pool(role);
    if (borrow && chance(60)) each = {{"role", role}, {"borrows_machines_of", 0}};
    each["llm"] = llm;
    pools.push_back(each);
  }
  return pools;
}

Json random_workload() {
  Json random{{"trace", pick<const char*>({"azure-2023-code", "azure-2023-conv"})},
              {"seed", *inRange(0, 1000)}};
  if (chance(30)) {
    random["system_prompts"] = {
        {"groups", *inRange(1, 5)}, {"tokens", {1, *inRange(2, 1500)}}, {"zipf", 1}};
  }
  if (chance(30)) {
    random["sessions"] = {{"turns", {1, *inRange(1, 5)}},
                          {"think_s", pick<double>({0, 0.5})},
                          {"input_tokens", {1, *inRange(2, 500)}}};
  }
  if (chance(30)) random["length_range"] = {0.5, pick<double>({0.8, 1, 1.5})};
  if (chance(20)) random["warmup_requests"] = *inRange(1, 50);
  if (chance(30)) {
    const bool closed = chance(80);
    random["arrivals"] = closed ? "closed" : "infinite";
    random["requests"] = *inRange(1, 200);
    if (!closed) return random;
    random["concurrency"] = *inRange(1, 40);
    random["think_s"] = pick<double>({0, 0, 0.5});
    random["ramp_up_s"] = pick<double>({0, 0, 7});
    return random;
  }
  random["arrivals"] = "poisson";
  random["rate_rps"] = *inRange(1, 40);
  random["duration_s"] = *inRange(5, 20);
  if (chance(30)) random["concurrency"] = *inRange(1, 40);
  return random;
}

Json random_batching() {
  const std::string policy = pick(BatchingPolicies::names());
  if (policy == "splitwise") {
    return {{"policy", policy},
            {"max_prompt_tokens", *inRange(256, 4096)},
            {"max_sequences", *inRange(1, 64)},
            {"max_preemptions", *inRange(1, 6)},
            {"memory", pick<const char*>({"paged", "reserved"})}};
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
      pick<const char*>({"guaranteed_no_evict", "max_utilization"});
  return random;
}

Json random_tiers() {
  Json tiers = Json::array();
  for (const char* tier : {"host", "disk", "store"}) {
    if (chance(40)) continue;
    tiers.push_back({{"tier", tier},
                     {"gib", *inRange(1, 500)},
                     {"gb_per_s", pick<double>({0.1, 5, 50})},
                     {"latency_s", pick<double>({0, 1e-4, 0.5})},
                     {"write", pick<const char*>({"through", "back"})}});
  }
  return tiers;
}

Json random_transfer() {
  Json random{{"policy", pick(TransferPolicies::names())},
              {"admission", pick<const char*>({"wait", "poll"})},
              {"setup_s", pick<double>({0, 5e-5, 0.1})},
              {"descriptor_s", pick<double>({0, 2.4e-6, 1e-4})}};
  if (chance(50)) random["descriptors_per_block"] = pick<double>({0.5, 1, 1000});
  return random;
}

}  // namespace

rc::Gen<int> inRange(int least, int end) {
  return rc::gen::resize(rc::kNominalSize, rc::gen::inRange(least, end));
}

Json random_scenario() {
  const std::string policy = pick(Schedulers::names());
  const bool looks = policy == "dynamo_kv" || policy == "prefix_affinity";
  const bool split = (looks && chance(50)) || policy.rfind("kv_", 0) == 0 ||
                     policy.rfind("overlap", 0) == 0 || policy == "mixed_pool" ||
                     policy == "local_jsq";
  Json pools = {random_pool(split ? "prompt" : "mixed"), random_pool(split ? "token" : "mixed")};
  if (chance(30)) pools.push_back(random_pool("mixed"));
  int machines = 0;
  for (const Json& each : pools) machines += each["count"].get<int>();
  const std::string topology = pick(Fabrics::names());
  const Json workload = random_workload();
  const Json batching = random_batching();
  const std::string hybrid = CLEAVE_SOURCE_DIR "/tests/property/hybrid.json";
  const std::string llm = pick<std::string>({"llama2-70b", "bloom-176b", hybrid});
  const std::string other = llm == "llama2-70b" ? "bloom-176b" : "llama2-70b";
  const bool scaled = chance(40);
  const bool several = !workload.contains("sessions") && chance(30);
  if (several) {
    const Json more = pools_of_another(other, split, scaled);
    for (const Json& each : more) {
      machines += each.value("count", 0);
      pools.push_back(each);
    }
  }
  Json random = {
      {"faults", chance(60) ? random_faults(machines, topology != "pipe") : Json::array()},
      {"llm", llm},
      {"weights", {{"format", pick(format_names())}}},
      {"kv_cache",
       {{"grouped_query", *rc::gen::arbitrary<bool>()},
        {"format", pick(format_names())},
        {"memory_fraction", pick<double>({0.9, 1})},
        {"watermark", pick<double>({0, 0.01})},
        {"block_tokens", pick<int>({1, 16})}}},
      {"workload", workload},
      {"pools", pools},
      {"scheduler",
       {{"policy", policy},
        {"output_length", pick<const char*>({"known", "mean"})},
        {"local_prefill", pick<const char*>({"never", "isl_bounding", "isl_or_load"})}}},
      {"batching", batching},
      {"kv_transfer", random_transfer()},
      {"fabric", {{"topology", topology}, {"nic_gbps", *inRange(1, 400)}}},
      {"power", {{"budget_w", 1000 * *inRange(5, 150)}}},
      {"results",
       {{"warmup_s",
         workload.contains("warmup_requests") ? Json("auto") : pick<Json>({"auto", 0, 3})}}}};
  if (!several && chance(30)) random["kv_cache"]["blocks"] = *inRange(300, 3000);
  if (scaled) {
    random["scaling"] = random_scaling(pools, split, topology != "pipe");
    while (several && random["scaling"]["policy"] == "none") {
      random["scaling"] = random_scaling(pools, split, topology != "pipe");
    }
    if (random["scaling"]["policy"] != "none") {
      for (Json& fault : random["faults"]) fault.erase("load_s");
      for (Json& each : random["pools"]) {
        if (each.contains("borrows_machines_of")) continue;
        const int count = each["count"];
        each["min_count"] = *inRange(0, count + 1);
        each["start_count"] = *inRange(each["min_count"].get<int>(), count + 1);
        each["off_price_per_hour"] = pick<double>({0, 5});
      }
    }
  }
  if (chance(50)) random["scaling"]["draining"] = "move";
  if (several || chance(30)) {
    random["classes"] = random_classes();
    if (several) {
      random["classes"].push_back({{"name", "other"}, {"share", *inRange(1, 5)}, {"llm", other}});
    }
  }
  if (batching["policy"] == "splitwise") return random;
  random["kv_cache"]["prefix_caching"] = llm != hybrid && chance(60);
  if (random["kv_cache"]["prefix_caching"] && !several && chance(50)) {
    const Json tiers = random_tiers();
    random["kv_cache"]["tiers"] = tiers;
    const bool store = !tiers.empty() && tiers.back()["tier"] == "store";
    if (store && topology != "pipe" && chance(40)) {
      random["faults"].push_back({{"at_s", *inRange(0, 20)},
                                  {"action", "scale_link"},
                                  {"link", pick<const char*>({"store-nic-up", "store-nic-down"})},
                                  {"share", pick<double>({0, 0.1})}});
    }
  }
  return random;
}

}  // namespace cleave
