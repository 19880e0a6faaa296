// Transfers through the network against a max-min fair sharing of our own, computed step by step.

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>
#include <vector>

#include "sim/base/child_process.h"
#include "sim/base/random.h"
#include "sim/fabric/fabric.h"
#include "tests/catch.h"
#include "tests/support/policies.h"

namespace cleave {

namespace {

constexpr int kNetworks = 300;
constexpr double kLatencyS = 1e-6;

struct Flow {
  std::size_t from = 0;
  std::size_t to = 0;
  double start_s = 0;
  double bytes = 0;
  double limit = 0;  ///< bytes per second; 0: none
  double left = 0;
  double end_s = 0;
};
struct Change {
  double at_s = 0;
  std::size_t machine = 0;
  bool up = false;
  double share = 1;
};
struct Network {
  std::vector<double> nic;  ///< of each machine and direction, bytes per second
  std::vector<Flow> flows;
  std::vector<Change> changes;  ///< by time
};

Network random_network(std::uint64_t seed) {
  Random random(seed, 0);
  const auto below = [&](std::size_t n) { return random.below(n); };
  const auto up_to = [&](std::size_t n) { return static_cast<double>(1 + random.below(n)); };
  Network network;
  const std::size_t machines = 2 + below(9);
  for (std::size_t i = 0; i < machines; ++i) network.nic.push_back(1e9 * up_to(16));
  const double pace = below(2) == 0 ? 0.02 : 1;  // crowded or not
  double now_s = 0;
  for (std::size_t i = 10 + below(50); i-- > 0;) {
    if (below(3) > 0) now_s += pace * random.uniform();  // else several at one instant
    Flow flow;
    flow.from = below(machines);
    flow.to = (flow.from + 1 + below(machines - 1)) % machines;
    flow.start_s = now_s;
    flow.bytes = flow.left = 1e6 * up_to(4000);
    if (below(3) == 0) flow.limit = 1e8 * up_to(100);
    network.flows.push_back(flow);
  }
  for (std::size_t i = below(4); i-- > 0;) {
    const double at_s = now_s * random.uniform() + 3e-4;
    network.changes.push_back({at_s, below(machines), below(2) == 0, 0.1 + 0.9 * random.uniform()});
  }
  std::sort(network.changes.begin(), network.changes.end(),
            [](const Change& a, const Change& b) { return a.at_s < b.at_s; });
  return network;
}

/// Rates of the flows that run: the most limited first, be it by its own limit or its share of a
/// link, until each has one.
std::vector<double> fair_rates(const std::vector<Flow*>& running, std::vector<double> room) {
  const std::size_t machines = room.size() / 2;
  std::vector<double> rates(running.size(), -1);
  const auto links = [&](const Flow& flow) {
    return std::array<std::size_t, 2>{flow.from, machines + flow.to};
  };
  for (std::size_t done = 0; done < running.size();) {
    std::vector<int> count(room.size());
    for (std::size_t i = 0; i < running.size(); ++i) {
      if (rates[i] >= 0) continue;
      for (const std::size_t link : links(*running[i])) ++count[link];
    }
    const auto cap = [&](const Flow& flow) {
      double least = flow.limit > 0 ? flow.limit : INFINITY;
      for (const std::size_t link : links(flow)) least = std::min(least, room[link] / count[link]);
      return least;
    };
    std::size_t most_limited = running.size();
    for (std::size_t i = 0; i < running.size(); ++i) {
      if (rates[i] >= 0) continue;
      if (most_limited == running.size() || cap(*running[i]) < cap(*running[most_limited])) {
        most_limited = i;
      }
    }
    rates[most_limited] = cap(*running[most_limited]);
    for (const std::size_t link : links(*running[most_limited])) room[link] -= rates[most_limited];
    ++done;
  }
  return rates;
}

std::vector<double> ends_by_hand(Network network) {
  const std::size_t machines = network.nic.size();
  std::vector<double> room;
  for (int direction = 0; direction < 2; ++direction) {
    room.insert(room.end(), network.nic.begin(), network.nic.end());
  }
  double now_s = 0;
  std::size_t next_change = 0;
  for (;;) {
    std::vector<Flow*> running;
    double next_s = INFINITY;
    for (Flow& flow : network.flows) {
      const double begin_s = flow.start_s + 2 * kLatencyS;
      if (flow.end_s > 0) continue;
      if (begin_s > now_s) {
        next_s = std::min(next_s, begin_s);
      } else {
        running.push_back(&flow);
      }
    }
    if (next_change < network.changes.size()) {
      next_s = std::min(next_s, network.changes[next_change].at_s);
    }
    const std::vector<double> rates = fair_rates(running, room);
    for (std::size_t i = 0; i < running.size(); ++i) {
      next_s = std::min(next_s, now_s + running[i]->left / rates[i]);
    }
    if (next_s == INFINITY) break;
    for (std::size_t i = 0; i < running.size(); ++i) {
      Flow& flow = *running[i];
      const bool ends = now_s + flow.left / rates[i] <= next_s;
      flow.left -= rates[i] * (next_s - now_s);
      if (ends) flow.end_s = next_s;
    }
    now_s = next_s;
    while (next_change < network.changes.size() && network.changes[next_change].at_s <= now_s) {
      const Change& change = network.changes[next_change++];
      room[change.machine + (change.up ? 0 : machines)] =
          network.nic[change.machine] * change.share;
    }
  }
  std::vector<double> ends;
  for (const Flow& flow : network.flows) ends.push_back(flow.end_s);
  return ends;
}

/// The same network as flows of the fabric.
class Run : public TransferListener {
 public:
  explicit Run(const Network& network) : network_(network), ends_(network.flows.size()) {
    for (std::size_t i = 0; i < network.nic.size(); ++i) {
      endpoints_.push_back({static_cast<std::uint32_t>(i), 1, network.nic[i], 0, 0});
    }
    fabric_ = policy<Fabrics>("star", {{"latency_s", kLatencyS}})({engine_, endpoints_});
    for (std::size_t i = 0; i < network.flows.size(); ++i) {
      engine_.at<&Run::start>(network.flows[i].start_s, this, i);
    }
    for (std::size_t i = 0; i < network.changes.size(); ++i) {
      engine_.at<&Run::change>(network.changes[i].at_s, this, i);
    }
    engine_.run();
  }
  const std::vector<double>& ends() const { return ends_; }

 private:
  void start(std::uint64_t i) {
    const Flow& flow = network_.flows[i];
    fabric_->start(static_cast<InstanceId>(flow.from), static_cast<InstanceId>(flow.to), flow.bytes,
                   flow.limit, *this, i);
  }
  void change(std::uint64_t i) {
    const Change& change = network_.changes[i];
    fabric_->scale_link(
        "machine-" + std::to_string(change.machine) + (change.up ? "-nic-up" : "-nic-down"),
        change.share);
  }
  void transfer_done(std::uint64_t tag) override { ends_[tag] = engine_.now(); }
  void transfer_failed(std::uint64_t tag) override { ends_[tag] = -1; }

  const Network& network_;
  Engine engine_;
  std::vector<Endpoint> endpoints_;
  std::unique_ptr<Fabric> fabric_;
  std::vector<double> ends_;
};

}  // namespace

TEST_CASE("property: transfers share links max-min fairly, whatever the links' speeds") {
  double worst_s = 0;
  for (std::uint64_t seed = 0; seed < kNetworks; ++seed) {
    const Network network = random_network(seed);
    const std::string bytes = in_child([&] {
      const Run run(network);
      return std::string(reinterpret_cast<const char*>(run.ends().data()),
                         run.ends().size() * sizeof(double));
    });
    const std::vector<double> expected = ends_by_hand(network);
    REQUIRE(bytes.size() == expected.size() * sizeof(double));
    std::vector<double> ends(expected.size());
    std::memcpy(ends.data(), bytes.data(), bytes.size());
    for (std::size_t i = 0; i < ends.size(); ++i) {
      INFO("network " << seed << ", flow " << i);
      CHECK(ends[i] == Approx(expected[i]).epsilon(1e-9).margin(1e-8));
      worst_s = std::max(worst_s, std::abs(ends[i] - expected[i]));
    }
  }
  WARN(kNetworks << " networks, largest difference " << worst_s << " s");
}

}  // namespace cleave
