// Schedulers over a cluster that is nothing but its loads.

#include <set>

#include "tests/catch.h"
#include "tests/support/fakes.h"

using namespace cleave;

namespace {

std::unique_ptr<Scheduler> make(const std::string& name, ClusterView& cluster,
                                const Json& settings = Json::object()) {
  return policy<Schedulers>(name, settings)(cluster);
}

const Demand kLarge{90'000, 200, 200};

}  // namespace

TEST_CASE("scheduler: no policy gives a request to an instance that cannot hold it, or is down") {
  for (const std::string& name : Schedulers::names()) {
    INFO(name);
    FakeCluster cluster;
    const InstanceId small = cluster.add(PoolRole::kPrompt, 50'000, 0);
    const InstanceId large = cluster.add(PoolRole::kPrompt, 100'000, 1);
    const InstanceId token = cluster.add(PoolRole::kToken, 50'000, 1);
    const auto scheduler = make(name, cluster);
    const Placement placed = scheduler->place(kLarge);
    CHECK(placed.prompt == large);
    CHECK(placed.token == large);
    cluster.all[large].status =
        GENERATE(InstanceStatus::kOff, InstanceStatus::kLoading, InstanceStatus::kDraining);
    scheduler->load_changed(large);
    CHECK(scheduler->place(kLarge).prompt == kNoInstance);
    const Placement fitting = scheduler->place({1000, 10, 10});
    CHECK((fitting.prompt == small || fitting.prompt == token));
    CHECK((fitting.token == small || fitting.token == token));
  }
}

TEST_CASE("scheduler: large requests are spread over all that can hold them") {
  for (const std::string& name : Schedulers::names()) {
    INFO(name);
    FakeCluster cluster;
    for (std::uint32_t i = 0; i < 8; ++i) {
      cluster.add(PoolRole::kMixed, i % 2 == 0 ? 100'000 : 50'000, i);
    }
    const auto scheduler = make(name, cluster);
    std::set<InstanceId> used;
    for (int i = 0; i < 4; ++i) {
      const InstanceId id = scheduler->place(kLarge).token;
      REQUIRE(id != kNoInstance);
      used.insert(id);
      cluster.all[id].pending_tokens += 90'000;
      cluster.all[id].reserved_tokens += 90'200;
      ++cluster.all[id].requests;
      scheduler->load_changed(id);
    }
    // A policy that draws at random may draw one of them twice.
    CHECK(used.size() >= 3);
    for (const InstanceId id : used) CHECK(id % 2 == 0);
  }
}

TEST_CASE("scheduler: mixed_pool fills token machines of different size alike") {
  FakeCluster cluster;
  cluster.add(PoolRole::kPrompt, 100'000);
  const InstanceId small = cluster.add(PoolRole::kToken, 100'000);
  const InstanceId large = cluster.add(PoolRole::kToken, 300'000);
  for (const bool by_share : {true, false}) {
    for (InstanceLoad& load : cluster.all) load.reserved_tokens = 0;
    const auto scheduler =
        make("mixed_pool", cluster, {{"memory_rank", by_share ? "share" : "tokens"}});
    for (int i = 0; i < 80; ++i) {
      const InstanceId id = scheduler->place({900, 100, 100}).token;
      cluster.all[id].reserved_tokens += 1000;
      scheduler->load_changed(id);
    }
    CHECK(cluster.all[small].reserved_tokens == (by_share ? 20'000 : 40'000));
    CHECK(cluster.all[large].reserved_tokens == (by_share ? 60'000 : 40'000));
  }
}

TEST_CASE("scheduler: a machine lent for one phase stays lent where the other finds no place") {
  FakeCluster cluster;
  const InstanceId first = cluster.add(PoolRole::kPrompt, 10'000);
  const InstanceId second = cluster.add(PoolRole::kPrompt, 10'000);
  struct Watched : FakeCluster {
    std::vector<InstanceId> lent;
    bool has_queue(InstanceId) const override { return true; }
    void moved(InstanceId id, PoolRole) override { lent.push_back(id); }
  } watched;
  watched.all = cluster.all;
  watched.all[first].pending_tokens = watched.all[second].pending_tokens = 9'000;
  const auto scheduler = make("mixed_pool", watched);
  // No prompt queue has room, and no token machine is there to take the prompt.
  const Placement placed = scheduler->place({1000, 10, 10});
  CHECK(placed.prompt == placed.token);
  CHECK(watched.lent == std::vector<InstanceId>{first});
  CHECK(placed.token == second);
}

TEST_CASE("scheduler: routers go where the prompt is, until that costs more than it saves") {
  const auto name = GENERATE(std::string("dynamo_kv"), std::string("prefix_affinity"));
  INFO(name);
  FakeCluster cluster;
  for (std::uint32_t i = 0; i < 4; ++i) cluster.add(PoolRole::kMixed, 100'000, i);
  cluster.cached[2] = 8000;
  const auto scheduler = make(name, cluster);
  CHECK(scheduler->place({10'000, 100, 100}).prompt == 2);
  cluster.all[2].pending_tokens = 60'000;
  cluster.all[2].reserved_tokens = 90'000;
  cluster.all[2].requests = 30;
  CHECK(scheduler->place({10'000, 100, 100}).prompt != 2);
  CHECK(scheduler->place({10'000, 100, 100}).prompt == 0);
}

TEST_CASE("scheduler: what lower tiers have counts less than what the prefix cache has") {
  const auto name = GENERATE(std::string("dynamo_kv"), std::string("prefix_affinity"));
  INFO(name);
  const auto chosen = [&](std::uint32_t cached, Tier tier, std::uint32_t below,
                          const Json& settings = Json::object()) {
    FakeCluster cluster;
    for (std::uint32_t i = 0; i < 2; ++i) cluster.add(PoolRole::kMixed, 100'000, i);
    cluster.cached[0] = cached;
    cluster.below[1][tier] = below;
    return make(name, cluster, settings)->place({10'000, 100, 100}).prompt;
  };
  const double host = name == "dynamo_kv" ? 0.75 : 0.8;
  CHECK(chosen(1000, Tier::kHost, static_cast<std::uint32_t>(1010 / host)) == 1);
  CHECK(chosen(1000, Tier::kHost, static_cast<std::uint32_t>(990 / host)) == 0);
  CHECK(chosen(1000, Tier::kDisk, 1500, {{"disk_credit", 0.5}}) == 0);
  CHECK(chosen(1000, Tier::kDisk, 2500, {{"disk_credit", 0.5}}) == 1);
  CHECK(chosen(1000, Tier::kStore, 9000, {{"store_credit", 0}}) == 0);
}

TEST_CASE("scheduler: mixed_pool looks into prefix caches where prefix_credit says so") {
  FakeCluster cluster;
  for (std::uint32_t i = 0; i < 3; ++i) cluster.add(PoolRole::kPrompt, 100'000, i);
  const InstanceId token = cluster.add(PoolRole::kToken, 100'000, 3);
  cluster.cached[1] = 3000;
  CHECK(make("mixed_pool", cluster)->place({4000, 100, 100}).prompt == 0);
  const auto scheduler = make("mixed_pool", cluster, {{"prefix_credit", 1}});
  CHECK(scheduler->place({4000, 100, 100}).prompt == 1);
  CHECK(scheduler->place({4000, 100, 100}).token == token);
  cluster.all[1].pending_tokens = 3001;
  scheduler->load_changed(1);
  CHECK(scheduler->place({4000, 100, 100}).prompt == 0);
}

TEST_CASE("scheduler: prompts of which little is missing are computed where they decode") {
  FakeCluster cluster;
  const InstanceId prompt = cluster.add(PoolRole::kPrompt, 100'000, 0);
  const InstanceId token = cluster.add(PoolRole::kToken, 100'000, 1);
  const auto place = [&](const Json& settings, std::uint32_t tokens) {
    return make("dynamo_kv", cluster, settings)->place({tokens, 100, 100});
  };
  CHECK(place({}, 1000).prompt == prompt);
  cluster.cached[token] = 3000;
  const Json bounding{{"local_prefill", "isl_bounding"}};
  CHECK(place(bounding, 4000).prompt == token);   // 1,000 missing, a quarter
  CHECK(place(bounding, 6000).prompt == prompt);  // 3,000
  CHECK(place(bounding, 12'000).prompt == prompt);
  cluster.cached[token] = 300;
  CHECK(place(bounding, 1100).prompt == prompt);  // 800, more than 0.7 of it
  const Json uncached{{"local_prefill", "uncached"}, {"local_prefill_tokens", 512}};
  CHECK(place(uncached, 812).prompt == token);
  CHECK(place(uncached, 813).prompt == prompt);
  const Json load{{"local_prefill", "prefill_load"}, {"prefill_busy_tokens", 5000}};
  CHECK(place(load, 20'000).prompt == prompt);
  cluster.all[prompt].pending_tokens = 5001;
  CHECK(place(load, 20'000).prompt == token);
  CHECK(place({{"local_prefill", "isl_or_load"}, {"prefill_busy_tokens", 5000}}, 20'000).prompt ==
        token);
  cluster.all[token].reserved_tokens = 95'000;
  const Json guarded{
      {"local_prefill", "prefill_load"}, {"prefill_busy_tokens", 5000}, {"decode_busy_share", 0.9}};
  CHECK(place(guarded, 2000).prompt == prompt);
}

TEST_CASE("scheduler: dynamo_kv draws where it has a temperature, the same for the same seed") {
  FakeCluster cluster;
  for (std::uint32_t i = 0; i < 3; ++i) cluster.add(PoolRole::kMixed, 100'000, i);
  cluster.all[1].pending_tokens = 5000;
  cluster.all[2].pending_tokens = 10'000;
  const auto drawn = [&](double temperature, int seed) {
    const auto scheduler =
        make("dynamo_kv", cluster, {{"router_temperature", temperature}, {"seed", seed}});
    std::vector<int> counts(3);
    for (int i = 0; i < 600; ++i) ++counts[scheduler->place({1000, 10, 10}).prompt];
    return counts;
  };
  CHECK(drawn(0, 1) == std::vector<int>{600, 0, 0});
  const std::vector<int> warm = drawn(1, 1);  // weights 1, e^-0.5, e^-1
  CHECK(warm[0] == Approx(600 / 1.974).margin(60));
  CHECK(warm[1] == Approx(600 * 0.607 / 1.974).margin(60));
  CHECK(warm == drawn(1, 1));
  CHECK(warm != drawn(1, 2));
}
