// Plans against brute force: every cluster that a plan could answer with is simulated, in the
// plan's own run under the first seed and under every seed in one of twenty times E2E P99, and the
// best of those that hold is the answer.

#include <algorithm>
#include <cmath>
#include <vector>

#include "sim/explore/plan.h"
#include "sim/explore/process_pool.h"
#include "sim/scenario/resolve.h"
#include "sim/simulation.h"
#include "tests/catch.h"

namespace cleave {

namespace {

struct Cluster {
  Json pools;
  std::string scheduler;
  Json batching;
  double cost_per_hour = 0;
  double provisioned_w = 0;
  double machines = 0;
  double e2e_p99_s = 0;
};

/// What a test needs of each scenario's summary.
std::vector<Json> simulate_all(const std::vector<Json>& scenarios) {
  std::vector<Json> found(scenarios.size());
  std::size_t next = 0;
  run_jobs(
      usable_cores(),
      [&](std::size_t& job) {
        job = next;
        return next++ < scenarios.size();
      },
      [&](std::size_t job) {
        const Json summary = Simulation(read_scenario(scenarios[job])).alone().run();
        const bool holds = summary["slo"]["holds"].get<bool>();
        return Json{{"holds", holds && !summary["steady"]["overload"].get<bool>()},
                    {"e2e_p99_s", summary["e2e"]["p99"]},
                    {"cost_per_hour", summary["cost"]["price_per_hour"]},
                    {"provisioned_w", summary["power"]["provisioned_w"]}}
            .dump();
      },
      [&](std::size_t job, const JobResult& result) {
        INFO(result.error);
        REQUIRE(result.error.empty());
        found[job] = Json::parse(result.text);
      });
  return found;
}

class BruteForce {
 public:
  explicit BruteForce(const Json& plan)
      : scenario_(merge_scenario(default_scenario(), plan["scenario"])),
        budget_(plan.value("budget", Json::object())),
        seeds_(plan["seeds"].get<std::vector<int>>()) {
    for (const Json& design : plan["designs"]) add(design);
  }

  /// All clusters within the budget that hold at this rate.
  std::vector<Cluster> holding(double rate_rps) {
    const double own_s = scenario_["workload"]["duration_s"];
    const std::vector<Json> first =
        run(clusters_, rate_rps, {seeds_.front()}, [&](const Cluster&) { return own_s; });
    std::vector<Cluster> left;
    for (std::size_t i = 0; i < clusters_.size(); ++i) {
      Cluster& cluster = clusters_[i];
      cluster.cost_per_hour = first[i]["cost_per_hour"];
      cluster.provisioned_w = first[i]["provisioned_w"];
      cluster.e2e_p99_s = first[i]["e2e_p99_s"];
      if (affordable(cluster) && first[i]["holds"].get<bool>()) left.push_back(cluster);
    }
    const std::vector<Json> longer = run(left, rate_rps, seeds_, [&](const Cluster& cluster) {
      return std::max(own_s, 10 * std::ceil(2 * cluster.e2e_p99_s));
    });
    std::vector<Cluster> held;
    for (std::size_t i = 0; i < left.size(); ++i) {
      if (all_hold(longer, i)) held.push_back(left[i]);
    }
    return held;
  }

 private:
  /// All machines and degrees of one pool. Where a test names no degree, those of Llama 2 70B on
  /// GPUs of 80 GB are meant: its 138 GB of weights need two of them.
  static std::vector<Json> sizes(const char* role, const Json& pool, int most) {
    const auto list = [&](const char* key, const Json& otherwise) {
      const Json value = pool.is_object() ? pool.value(key, otherwise) : otherwise;
      return value.is_array() ? value : Json::array({value});
    };
    std::vector<Json> all;
    for (const Json& tensor : list("tensor_parallel", {2, 4, 8})) {
      for (const Json& stages : list("pipeline_parallel", 1)) {
        if (tensor.get<int>() * stages.get<int>() > 8) continue;
        for (int count = 1; count <= most; ++count) {
          all.push_back({{"role", role},
                         {"machine", pool.is_object() ? pool["machine"] : pool},
                         {"tensor_parallel", tensor},
                         {"pipeline_parallel", stages},
                         {"count", count}});
        }
      }
    }
    return all;
  }

  void add(const Json& design) {
    std::vector<Json> clusters{Json::array()};
    for (const char* role : {"prompt", "token", "mixed"}) {
      if (!design.contains(role)) continue;
      const Json pools = design[role].is_array() ? design[role] : Json::array({design[role]});
      for (const Json& pool : pools) {
        std::vector<Json> all;
        for (const Json& cluster : clusters) {
          for (const Json& size : sizes(role, pool, design["most"])) {
            all.push_back(cluster);
            all.back().push_back(size);
          }
        }
        clusters = std::move(all);
      }
    }
    for (const Json& pools : clusters) {
      Cluster cluster;
      cluster.pools = pools;
      for (const Json& pool : pools) cluster.machines += pool["count"].get<int>();
      cluster.scheduler = design.value("scheduler", pools.size() == 1 ? "token_jsq" : "mixed_pool");
      cluster.batching = design.value("batching", Json::object());
      clusters_.push_back(cluster);
    }
  }

  bool affordable(const Cluster& cluster) const {
    return cluster.cost_per_hour <= budget_.value("cost_per_hour", 1e300) * (1 + 1e-9) &&
           cluster.provisioned_w <= budget_.value("power_w", 1e300) * (1 + 1e-9);
  }

  /// Each under these seeds, one after the other.
  template <class Seconds>
  std::vector<Json> run(const std::vector<Cluster>& clusters, double rate_rps,
                        const std::vector<int>& seeds, Seconds seconds) {
    std::vector<Json> scenarios;
    for (const Cluster& cluster : clusters) {
      for (const int seed : seeds) {
        Json scenario = scenario_;
        scenario["pools"] = cluster.pools;
        scenario["batching"].update(cluster.batching);
        scenario["scheduler"]["policy"] = cluster.scheduler;
        scenario["workload"].update(
            {{"rate_rps", rate_rps}, {"seed", seed}, {"duration_s", seconds(cluster)}});
        scenarios.push_back(scenario);
      }
    }
    return simulate_all(scenarios);
  }

  bool all_hold(const std::vector<Json>& found, std::size_t cluster) const {
    const auto begin = found.begin() + static_cast<std::ptrdiff_t>(cluster * seeds_.size());
    return std::all_of(begin, begin + static_cast<std::ptrdiff_t>(seeds_.size()),
                       [](const Json& one) { return one["holds"].get<bool>(); });
  }

  Json scenario_;
  Json budget_;
  std::vector<int> seeds_;
  std::vector<Cluster> clusters_;
};

Json traffic(const char* llm, const char* trace, double rate_rps, double duration_s) {
  return {{"llm", llm},
          {"workload", {{"trace", trace}, {"rate_rps", rate_rps}, {"duration_s", duration_s}}}};
}

/// All GPUs of a machine are one instance.
Json whole(const char* machine) { return {{"machine", machine}, {"tensor_parallel", 8}}; }
Json split(const char* prompt, const char* token, int most) {
  return {{"name", "split"}, {"prompt", whole(prompt)}, {"token", whole(token)}, {"most", most}};
}
Json mixed(const char* machine, int most) {
  return {{"name", machine}, {"mixed", whole(machine)}, {"most", most}};
}

Json answer_to(const Json& plan) {
  return find_plan(read_plan(plan, "plan"), 2, [](auto) {});
}

bool is_same(const Json& pools, const Cluster& cluster) { return pools == cluster.pools; }

/// The answer costs what the best of all clusters costs, and is one of those that hold.
void check_least(const Json& plan, double Cluster::*objective) {
  const Json answer = answer_to(plan);
  const auto holding = BruteForce(plan).holding(plan["scenario"]["workload"]["rate_rps"]);
  INFO(answer["optimum"].dump());
  CHECK(answer["optimum"].is_null() == holding.empty());
  if (answer["optimum"].is_null() || holding.empty()) return;
  const auto least = std::min_element(
      holding.begin(), holding.end(),
      [&](const Cluster& a, const Cluster& b) { return a.*objective < b.*objective; });
  INFO("by brute force: " << least->pools.dump());
  const auto same = std::find_if(holding.begin(), holding.end(), [&](const Cluster& cluster) {
    return is_same(answer["optimum"]["pools"], cluster);
  });
  REQUIRE(same != holding.end());
  CHECK((*same).*objective == Approx((*least).*objective));
  for (const Json& tie : answer["ties"]) {
    CHECK(std::any_of(holding.begin(), holding.end(),
                      [&](const Cluster& cluster) { return is_same(tie["pools"], cluster); }));
  }
}

/// The answer holds at its rate, and no cluster at one that is 3 % higher (a rate is found to 1 %,
/// and beaten by 1 % at least).
void check_fastest(const Json& plan) {
  const Json answer = answer_to(plan);
  REQUIRE_FALSE(answer["optimum"].is_null());
  INFO(answer["optimum"].dump());
  const double rate_rps = answer["optimum"]["rate_rps"];
  BruteForce all(plan);
  const auto holding = all.holding(rate_rps);
  CHECK(std::any_of(holding.begin(), holding.end(), [&](const Cluster& cluster) {
    return is_same(answer["optimum"]["pools"], cluster);
  }));
  CHECK(all.holding(1.03 * rate_rps).empty());
}

}  // namespace

TEST_CASE("plan by brute force: the least cost within a power budget, which ties must keep too") {
  Json plan{{"scenario", traffic("bloom-176b", "azure-2023-conv", 12, 60)},
            {"minimize", "cost"},
            {"budget", {{"power_w", 73000}}},
            {"designs", {split("dgx-h100", "dgx-h100-cap70", 8)}},
            {"seeds", {1}}};
  check_least(plan, &Cluster::cost_per_hour);
  plan.erase("budget");
  check_least(plan, &Cluster::cost_per_hour);
}

TEST_CASE("plan by brute force: the least power within a price") {
  check_least({{"scenario", traffic("llama2-70b", "azure-2023-conv", 12, 40)},
               {"minimize", "power"},
               {"budget", {{"cost_per_hour", 270}}},
               {"designs", {mixed("dgx-h100", 8), split("dgx-h100", "dgx-h100-cap70", 6)}},
               {"seeds", {1, 2}}},
              &Cluster::provisioned_w);
}

TEST_CASE("plan by brute force: with a spare, it holds without a machine of any pool, too") {
  Json plan{{"scenario", traffic("llama2-70b", "azure-2023-conv", 12, 30)},
            {"minimize", "cost"},
            {"designs", {split("dgx-h100", "dgx-h100", 6)}},
            {"seeds", {1}}};
  const std::vector<Cluster> holding = BruteForce(plan).holding(12);
  const auto holds = [&](const Json& pools) {
    return std::any_of(holding.begin(), holding.end(),
                       [&](const Cluster& cluster) { return is_same(pools, cluster); });
  };
  const auto holds_with_one_out = [&](const Cluster& cluster) {
    for (std::size_t i = 0; i < cluster.pools.size(); ++i) {
      Json pools = cluster.pools;
      pools[i]["count"] = pools[i]["count"].get<int>() - 1;
      if (!holds(pools)) return false;
    }
    return true;
  };
  double least = 1e300;
  for (const Cluster& cluster : holding) {
    if (holds_with_one_out(cluster)) least = std::min(least, cluster.cost_per_hour);
  }
  const double without = answer_to(plan)["optimum"]["cost_per_hour"];
  plan["spare_machines"] = 1;
  const Json answer = answer_to(plan);
  CHECK(answer["optimum"]["cost_per_hour"].get<double>() == Approx(least));
  CHECK(least > without);
  for (const Json& change : answer["headroom"]) {
    INFO(change.dump());
    if (change["change"] != "one token machine less" || change["breaks"].empty()) continue;
    CHECK(change["breaks"][0].get<std::string>().find(" machine out") != std::string::npos);
  }
}

TEST_CASE("plan by brute force: the fewest machines within a price and a power") {
  check_least({{"scenario", traffic("llama2-70b", "azure-2023-code", 8, 30)},
               {"minimize", "machines"},
               {"budget", {{"cost_per_hour", 300}, {"power_w", 90000}}},
               {"designs", {mixed("dgx-h100", 8), split("dgx-h100", "dgx-a100", 6)}},
               {"seeds", {1, 2}}},
              &Cluster::machines);
}

TEST_CASE("plan by brute force: what holds in a short run only is no answer") {
  check_least({{"scenario", traffic("bloom-176b", "azure-2023-conv", 12, 15)},
               {"minimize", "cost"},
               {"designs", {split("dgx-h100", "dgx-h100", 6), mixed("dgx-h100", 10)}},
               {"seeds", {1, 2}}},
              &Cluster::cost_per_hour);
}

TEST_CASE("plan by brute force: designs with schedulers of their own") {
  Json plan{{"scenario", traffic("llama2-70b", "azure-2023-conv", 10, 30)},
            {"minimize", "cost"},
            {"designs", {mixed("dgx-h100", 10), split("dgx-h100", "dgx-h100", 6)}},
            {"seeds", {1}}};
  plan["designs"][0]["scheduler"] = "round_robin";
  plan["designs"][1]["scheduler"] = "kv_jsq";
  check_least(plan, &Cluster::cost_per_hour);
}

TEST_CASE("plan by brute force: nothing where no cluster within the budget holds") {
  check_least({{"scenario", traffic("bloom-176b", "azure-2023-conv", 12, 30)},
               {"minimize", "cost"},
               {"budget", {{"power_w", 40000}}},
               {"designs", {split("dgx-h100", "dgx-h100", 4), mixed("dgx-a100", 6)}},
               {"seeds", {1}}},
              &Cluster::cost_per_hour);
}

TEST_CASE("plan by brute force: the most throughput within a price") {
  check_fastest({{"scenario", traffic("bloom-176b", "azure-2023-code", 5, 30)},
                 {"maximize", "throughput"},
                 {"budget", {{"cost_per_hour", 190}}},
                 {"designs", {split("dgx-h100", "dgx-h100", 6), mixed("dgx-h100", 6)}},
                 {"seeds", {1}}});
}

TEST_CASE("plan by brute force: the most throughput within a power") {
  check_fastest({{"scenario", traffic("llama2-70b", "azure-2023-conv", 5, 30)},
                 {"maximize", "throughput"},
                 {"budget", {{"power_w", 40000}}},
                 {"designs", {split("dgx-h100", "dgx-h100-cap70", 5), mixed("dgx-a100", 7)}},
                 {"seeds", {1}}});
}

TEST_CASE("plan by brute force: the degrees of each pool, where none is named") {
  const Json one{{"name", "one"}, {"mixed", "dgx-h100"}, {"most", 5}};
  const Json two{{"name", "two"}, {"prompt", "dgx-h100"}, {"token", "dgx-a100"}, {"most", 3}};
  for (const char* trace : {"azure-2023-conv", "azure-2023-code"}) {
    for (const Json& design : {one, two}) {
      check_least({{"scenario", traffic("llama2-70b", trace, 10, 20)},
                   {"minimize", "cost"},
                   {"designs", {design}},
                   {"seeds", {1}}},
                  &Cluster::cost_per_hour);
    }
  }
}

TEST_CASE("plan by brute force: degrees and stages that are listed") {
  const Json pool{
      {"machine", "dgx-h100"}, {"tensor_parallel", {2, 4}}, {"pipeline_parallel", {1, 2, 4}}};
  check_least({{"scenario", traffic("llama2-70b", "azure-2023-conv", 16, 20)},
               {"minimize", "machines"},
               {"designs", {{{"name", "one"}, {"mixed", pool}, {"most", 5}}}},
               {"seeds", {1}}},
              &Cluster::machines);
}

TEST_CASE("plan by brute force: the most throughput of all degrees") {
  check_fastest(
      {{"scenario", traffic("llama2-70b", "azure-2023-conv", 10, 20)},
       {"maximize", "throughput"},
       {"budget", {{"cost_per_hour", 115}}},
       {"designs", {{{"name", "two"}, {"prompt", "dgx-h100"}, {"token", "dgx-a100"}, {"most", 4}}}},
       {"seeds", {1}}});
}

TEST_CASE("plan by brute force: three pools") {
  const Json tokens = {whole("dgx-a100"), whole("dgx-h100")};
  const Json of_two_gpus{
      {"name", "two GPUs"}, {"prompt", whole("dgx-h100")}, {"token", tokens}, {"most", 5}};
  const Json with_mixed{{"name", "mixed too"},
                        {"prompt", whole("dgx-h100")},
                        {"token", whole("dgx-a100")},
                        {"mixed", whole("dgx-h100")},
                        {"most", 5}};
  for (const Json& design : {of_two_gpus, with_mixed}) {
    INFO(design["name"]);
    check_least({{"scenario", traffic("bloom-176b", "azure-2023-conv", 12, 20)},
                 {"minimize", "cost"},
                 {"designs", {design}},
                 {"seeds", {1}}},
                &Cluster::cost_per_hour);
    check_fastest({{"scenario", traffic("bloom-176b", "azure-2023-conv", 12, 20)},
                   {"maximize", "throughput"},
                   {"budget", {{"power_w", 60000}}},
                   {"designs", {design}},
                   {"seeds", {1}}});
  }
}

TEST_CASE("plan by brute force: designs with batching of their own") {
  Json chunked{{"name", "mixed"}, {"mixed", "dgx-h100"}, {"most", 4}};
  chunked["batching"] = {{"policy", "vllm"}};
  Json apart{{"name", "split"}, {"prompt", "dgx-h100"}, {"token", "dgx-h100"}, {"most", 3}};
  apart["batching"] = {{"max_prompt_tokens", 4096}};
  check_least({{"scenario", traffic("llama2-70b", "azure-2023-conv", 12, 20)},
               {"minimize", "power"},
               {"designs", {chunked, apart}},
               {"seeds", {1}}},
              &Cluster::provisioned_w);
}

}  // namespace cleave
