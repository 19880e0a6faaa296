// Turning machines on and off, without a cluster: who goes first, and how weights come.

#include "sim/scaling/scaler.h"
#include "sim/scaling/start_up.h"
#include "tests/catch.h"
#include "tests/support/fakes.h"

using namespace cleave;

namespace {

/// Wants what the test says, every second.
struct Wanted : ScalingPolicy {
  explicit Wanted(std::vector<PoolSize>& told) : sizes(told) {}
  double first_s() const override { return 1; }
  double next_s(double now_s) const override { return now_s + 1; }
  void decide(const ScalingView& seen, std::vector<PoolSize>& wanted) override {
    views.push_back(seen);
    wanted = sizes;
  }
  std::vector<PoolSize>& sizes;
  inline static std::vector<ScalingView> views;
};

struct NoCapacity : PoolCapacity {
  double requests_rps(std::size_t, double, double, double) const override { return 0; }
  double start_up_s(std::size_t) const override { return 0; }
};

/// Two prompt machines of two instances each and three token machines, which do as they are told.
struct Cluster : ScalerClient {
  Cluster() : loads_(7) {
    for (InstanceId id = 0; id < 7; ++id) {
      loads_[id].home = id < 4 ? PoolRole::kPrompt : PoolRole::kToken;
      loads_[id].capacity_tokens = 1000;
    }
    Wanted::views.clear();
    scaler.emplace(
        std::vector<ScalerPool>{{0, PoolRole::kPrompt, 2, 2, 1, 2, {}},
                                {0, PoolRole::kToken, 3, 1, 1, 2, {}}},
        [this](const ScalingContext&) { return std::make_unique<Wanted>(sizes); }, capacity,
        std::vector<std::optional<double>>{std::nullopt}, clock, *this);
    scaler->begin();
  }

  std::span<const InstanceLoad> loads() const override { return loads_; }
  std::uint32_t queued(InstanceId) const override { return 1; }
  std::uint64_t stranded(std::size_t) const override { return 0; }
  void turn_off(InstanceId id) override { set(id, InstanceStatus::kOff); }
  void turn_on(InstanceId id) override {
    set(id, loads_[id].status == InstanceStatus::kDraining ? InstanceStatus::kUp
                                                           : InstanceStatus::kLoading);
  }
  void turn_down(InstanceId id) override {
    set(id, loads_[id].status == InstanceStatus::kLoading ? InstanceStatus::kOff
                                                          : InstanceStatus::kDraining);
  }
  void lend(InstanceId id, PoolRole role) override { loads_[id].home = role; }
  bool unblock() override { return false; }
  bool stuck() const override { return false; }
  void set(InstanceId id, InstanceStatus status) { loads_[id].status = status; }
  std::string statuses() const {
    std::string text;
    for (const InstanceLoad& load : loads_) text += status_name(load.status)[0];
    return text;
  }

  FakeClock clock;
  NoCapacity capacity;
  std::vector<InstanceLoad> loads_;
  std::vector<PoolSize> sizes{{2, 0}, {2, 0}};
  std::optional<Scaler> scaler;
};

}  // namespace

TEST_CASE("scaler: machines beyond those of the start are off before the first request") {
  const Cluster cluster;
  CHECK(cluster.statuses() == "uuuuuuo");
}

TEST_CASE("scaler: all instances of a machine go together, the one with the least assigned first") {
  Cluster cluster;
  cluster.loads_[2].reserved_tokens = 1;
  cluster.sizes = {{1, 0}, {1, 0}};
  cluster.loads_[4].reserved_tokens = 100;
  cluster.loads_[5].reserved_tokens = 100;
  cluster.clock.run_until(1);
  CHECK(cluster.statuses() == "dduuudo");  // of equals, the last
}

TEST_CASE("scaler: what drains comes back first, what loads goes first") {
  Cluster cluster;
  cluster.set(5, InstanceStatus::kDraining);
  cluster.sizes = {{2, 0}, {2, 0}};
  cluster.clock.run_until(1);
  CHECK(cluster.statuses() == "uuuuuuo");
  cluster.sizes = {{2, 0}, {3, 0}};
  cluster.clock.run_until(2);
  CHECK(cluster.statuses() == "uuuuuul");
  cluster.sizes = {{2, 0}, {2, 0}};
  cluster.clock.run_until(3);
  CHECK(cluster.statuses() == "uuuuuuo");
}

TEST_CASE("scaler: no pool gets more machines than it has, nor fewer than must stay on") {
  Cluster cluster;
  cluster.sizes = {{9, 0}, {0, 0}};
  cluster.clock.run_until(1);
  CHECK(cluster.statuses() == "uuuuudo");
}

TEST_CASE("scaler: nobody turns on what a fault took out") {
  Cluster cluster;
  cluster.scaler->out_of_service(6, true);
  cluster.sizes = {{2, 0}, {3, 0}};
  cluster.clock.run_until(1);
  CHECK(cluster.statuses() == "uuuuuuo");
  CHECK(Wanted::views.back().pools[1].machines == 2);
  cluster.scaler->out_of_service(6, false);
  cluster.clock.run_until(2);
  CHECK(cluster.statuses() == "uuuuuul");
}

TEST_CASE("scaler: lent machines count on the side that they work for, and come back") {
  Cluster cluster;
  cluster.sizes = {{2, 1}, {2, 0}};
  cluster.loads_[0].reserved_tokens = 5;
  cluster.clock.run_until(2);
  CHECK(cluster.loads_[2].home == PoolRole::kToken);
  CHECK(cluster.loads_[3].home == PoolRole::kToken);
  CHECK(cluster.loads_[0].home == PoolRole::kPrompt);
  CHECK(Wanted::views.back().side(PoolRole::kToken).up == 4);
  CHECK(Wanted::views.back().pools[0].lent == 1);
  cluster.sizes = {{2, 0}, {2, 0}};
  cluster.clock.run_until(3);
  CHECK(cluster.loads_[2].home == PoolRole::kPrompt);
}

TEST_CASE("scaler: a view sums up the instances that are up, and the traffic since the last") {
  Cluster cluster;
  cluster.loads_[4].reserved_tokens = 500;
  cluster.loads_[0].pending_tokens = 70;
  cluster.scaler->traffic(0).arrived(100);
  cluster.scaler->traffic(0).arrived(300);
  cluster.scaler->traffic(0).first_token(0.5);
  cluster.scaler->traffic(0).completed(11, 0.02);
  cluster.clock.run_until(1);
  const ScalingView first = Wanted::views.back();
  CHECK(first.side(PoolRole::kPrompt).up == 4);
  CHECK(first.side(PoolRole::kPrompt).queued == 4);
  CHECK(first.side(PoolRole::kPrompt).pending_tokens == 70);
  CHECK(first.side(PoolRole::kToken).reserved_share == 0.25);
  CHECK(first.traffic.requests_rps == 2);
  CHECK(first.traffic.prompt_tokens == 200);
  CHECK(first.traffic.output_tokens == 11);
  CHECK(first.traffic.ttft_s == 0.5);
  CHECK(first.traffic.tpot_s == 0.02);
  cluster.clock.run_until(2);
  CHECK(Wanted::views.back().traffic.requests_rps == 0);
  CHECK(Wanted::views.back().traffic.output_tokens == 11);  // of all so far
  CHECK_FALSE(Wanted::views.back().traffic.ttft_s);
}

TEST_CASE("scaler: looks do not keep a cluster going for ever in which nothing happens") {
  Cluster cluster;
  CHECK(cluster.clock.at_rest_but_for(0));
  cluster.clock.run();
  CHECK(cluster.clock.now() > 3600);
  CHECK(cluster.clock.now() < 2 * 86400);
}

namespace {

struct Started : StartUpListener {
  void started(InstanceId instance) override { at_s.emplace_back(instance, clock->now()); }
  std::vector<std::pair<InstanceId, double>> at_s;
  const Clock* clock = nullptr;
};

/// One byte a second for all transfers alike.
struct SlowFabric : Fabric {
  explicit SlowFabric(Clock& of_test) : clock(of_test) {}
  TransferId start(InstanceId, InstanceId, double bytes, double, TransferListener& to,
                   std::uint64_t tag) override {
    listener = &to;
    event = clock.at<&SlowFabric::done>(clock.now() + bytes, this, tag);
    return 0;
  }
  void done(std::uint64_t tag) { listener->transfer_done(tag); }
  void cancel(TransferId) override { clock.cancel(event); }
  double ideal_s(InstanceId, InstanceId, double bytes) const override { return bytes; }
  double exchange_bytes_per_s(const std::vector<LinkLoad>&) const override { return 1; }
  Clock& clock;
  TransferListener* listener = nullptr;
  EventId event = kNoEvent;
};

}  // namespace

TEST_CASE("start-up: weights come from disk at its speed, or over the network, then a warm-up") {
  FakeClock clock;
  Started started;
  started.clock = &clock;
  SlowFabric fabric(clock);
  StartUp start({{100, 10, 3}, {100, 0, 3}, {100, 10, 3}}, 3, clock, fabric, started);
  start.begin(0);
  start.begin(1);
  start.begin(2);
  clock.run_until(5);
  start.cancel(2);
  clock.run();
  CHECK(started.at_s == std::vector<std::pair<InstanceId, double>>{{0, 13}, {1, 103}});
}

TEST_CASE("start-up: what is cancelled while its weights come does not come up") {
  FakeClock clock;
  Started started;
  started.clock = &clock;
  SlowFabric fabric(clock);
  StartUp start({{100, 0, 3}}, 1, clock, fabric, started);
  start.begin(0);
  clock.run_until(50);
  start.cancel_all();
  clock.run();
  CHECK(started.at_s.empty());
}

namespace {

/// Three machines of one LLM, which another LLM may borrow. Drained machines are off when the test
/// says so.
struct TwoLlms : ScalerClient {
  TwoLlms() : loads_(6) {
    scaler.emplace(
        std::vector<ScalerPool>{{0, PoolRole::kMixed, 3, 1, 1, 3, {}},
                                {1, PoolRole::kMixed, 3, 1, 0, 0, 0}},
        [this](const ScalingContext& context) {
          return std::make_unique<Wanted>(sizes[context.first_pool]);
        },
        capacity, std::vector<std::optional<double>>(2), clock, *this);
    scaler->begin();
  }
  std::span<const InstanceLoad> loads() const override { return loads_; }
  std::uint32_t queued(InstanceId) const override { return 0; }
  std::uint64_t stranded(std::size_t) const override { return 0; }
  void turn_off(InstanceId id) override { loads_[id].status = InstanceStatus::kOff; }
  void turn_on(InstanceId id) override { loads_[id].status = InstanceStatus::kUp; }
  void turn_down(InstanceId id) override { loads_[id].status = InstanceStatus::kDraining; }
  void lend(InstanceId, PoolRole) override {}
  bool unblock() override { return false; }
  bool stuck() const override { return false; }
  void drained(InstanceId id) {
    turn_off(id);
    scaler->went_off();
  }
  std::string statuses() const {
    std::string text;
    for (const InstanceLoad& load : loads_) text += status_name(load.status)[0];
    return text;
  }

  FakeClock clock;
  NoCapacity capacity;
  std::vector<InstanceLoad> loads_;
  std::vector<std::vector<PoolSize>> sizes{{{3, 0}}, {{3, 0}}};  ///< by pool
  std::optional<Scaler> scaler;
};

}  // namespace

TEST_CASE(
    "scaler: a pool that borrows has the machines that their own pool leaves, when it is off") {
  TwoLlms cluster;
  cluster.clock.run_until(1);
  CHECK(cluster.statuses() == "uuuooo");
  cluster.sizes[0] = {{1, 0}};
  cluster.clock.run_until(2);
  CHECK(cluster.statuses() == "uddooo");  // still busy with what they have
  cluster.drained(2);
  cluster.clock.run_until(2);
  CHECK(cluster.statuses() == "udooou");
  cluster.drained(1);
  cluster.clock.run_until(2);
  CHECK(cluster.statuses() == "uooouu");
}

TEST_CASE("scaler: what was borrowed goes back before anybody else gets it") {
  TwoLlms cluster;
  cluster.sizes[0] = {{1, 0}};
  cluster.clock.run_until(1);
  cluster.drained(1);
  cluster.drained(2);
  cluster.clock.run_until(1);
  REQUIRE(cluster.statuses() == "uooouu");
  cluster.sizes[0] = {{2, 0}};
  cluster.clock.run_until(2);
  CHECK(cluster.statuses() == "uoooud");
  cluster.drained(5);
  cluster.clock.run_until(2);
  CHECK(cluster.statuses() == "uououo");
}

TEST_CASE("scaler: a borrower never holds more than is left, whatever its policy wants") {
  TwoLlms cluster;
  cluster.sizes = {{{3, 0}}, {{9, 0}}};
  cluster.clock.run_until(1);
  CHECK(cluster.statuses() == "uuuooo");
  cluster.scaler->out_of_service(0, true);
  cluster.sizes[0] = {{2, 0}};
  cluster.clock.run_until(2);
  CHECK(cluster.statuses().substr(3) == "ooo");
}

TEST_CASE(
    "scaler: a policy sees of a borrowing pool the machines that it can have, and no others") {
  TwoLlms cluster;
  Wanted::views.clear();
  cluster.clock.run_until(1);
  cluster.sizes[0] = {{1, 0}};
  cluster.clock.run_until(2);
  cluster.clock.run_until(3);
  std::vector<std::uint32_t> seen;
  for (std::size_t i = 1; i < Wanted::views.size(); i += 2) {
    seen.push_back(Wanted::views[i].pools[0].machines);
  }
  CHECK(seen == std::vector<std::uint32_t>{0, 2, 2});
}

TEST_CASE("scaler: nobody comes on when it has ended, whoever waits for a machine") {
  TwoLlms cluster;
  cluster.sizes[0] = {{1, 0}};
  cluster.clock.run_until(1);
  CHECK(cluster.statuses() == "uddooo");
  cluster.scaler->end();
  cluster.drained(1);
  cluster.clock.run_until(2);
  CHECK(cluster.statuses() == "uodooo");
}
