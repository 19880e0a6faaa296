#include <set>

#include "tests/catch.h"
#include "tests/support/fakes.h"

using namespace cleave;

namespace {

std::unique_ptr<Scheduler> make(ClusterView& cluster, const Json& settings) {
  return policy<Schedulers>("power_of_two", settings)(cluster);
}

/// Where 200 requests go, each adding to the load.
std::vector<InstanceId> placed(const Json& settings) {
  FakeCluster cluster;
  for (int i = 0; i < 10; ++i) cluster.add(PoolRole::kMixed, 1'000'000);
  const auto scheduler = make(cluster, settings);
  std::vector<InstanceId> all;
  for (int i = 0; i < 200; ++i) {
    all.push_back(scheduler->place({100, 10, 10}).token);
    cluster.all[all.back()].pending_tokens += 101;
  }
  return all;
}

long most_loaded(const std::vector<InstanceId>& placed) {
  long most = 0;
  for (InstanceId id = 0; id < 10; ++id) {
    most = std::max(most, std::count(placed.begin(), placed.end(), id));
  }
  return most;
}

}  // namespace

TEST_CASE("power_of_two: the same seed draws the same, another draws otherwise") {
  CHECK(placed(Json::object()) == placed({{"seed", 1}}));
  CHECK(placed({{"seed", 1}}) != placed({{"seed", 2}}));
}

TEST_CASE(
    "power_of_two: two candidates even the load out, one does not, all are the least loaded") {
  CHECK(most_loaded(placed({{"candidates", 1}})) > 25);
  CHECK(most_loaded(placed({{"candidates", 2}})) <= 23);
  CHECK(most_loaded(placed({{"candidates", 10}})) == 20);
}

TEST_CASE("power_of_two: prompts and token phases have their own pools") {
  FakeCluster cluster;
  const InstanceId prompt = cluster.add(PoolRole::kPrompt, 1000);
  const InstanceId token = cluster.add(PoolRole::kToken, 1000);
  const Placement apart = make(cluster, Json::object())->place({100, 10, 10});
  CHECK(apart.prompt == prompt);
  CHECK(apart.token == token);
}

TEST_CASE("power_of_two: its settings are checked") {
  FakeCluster cluster;
  CHECK_THROWS_WITH(make(cluster, {{"candidates", 0}}),
                    Catch::Matchers::Contains("candidates: expected a number from 1"));
}
