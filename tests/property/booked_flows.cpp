// Transfers whose shares the ledger knows against SimGrid solving every one of them: the same ends,
// the same use of links, on every topology.

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "sim/base/child_process.h"
#include "sim/base/random.h"
#include "sim/fabric/fabric.h"
#include "tests/catch.h"
#include "tests/support/policies.h"

namespace cleave {

namespace {

/// Networks a topology; CLEAVE_SCENARIOS asks for more.
std::uint64_t networks() {
  const char* asked = std::getenv("CLEAVE_SCENARIOS");
  return asked == nullptr ? 250 : std::strtoull(asked, nullptr, 10);
}

struct Flow {
  InstanceId from = 0;
  InstanceId to = 0;
  double start_s = 0;
  double bytes = 0;
  double limit_bytes_per_s = 0;
  double cancel_s = 0;  ///< 0: never
};
struct Change {
  double at_s = 0;
  std::size_t link = 0;
  double share = 1;
};
struct Network {
  std::string topology;
  Json settings;
  double speedup = 1;
  std::vector<Endpoint> endpoints;
  std::vector<Flow> flows;
  std::vector<Change> changes;
};

Json random_settings(const std::string& topology, Random& random) {
  const auto up_to = [&](std::size_t n) { return 1 + random.below(n); };
  constexpr double kLatencies[] = {0, 1e-6, 2e-4};
  Json settings{{"latency_s", kLatencies[random.below(3)]}};
  if (topology == "fat-tree") {
    settings["hosts_per_leaf"] = up_to(4);
    settings["spines"] = up_to(3);
    settings["routing"] = random.below(2) == 0 ? "adaptive" : "static";
    if (random.below(3) == 0) settings.update({{"down", {2, 2, 3}}, {"up", {1, 2, 1}}});
    settings["oversubscription"] = 0.5 * static_cast<double>(up_to(8));
  } else if (topology == "dragonfly") {
    settings.update({{"groups", 2}, {"chassis", 2}, {"routers", 1 + up_to(2)}, {"nodes", 3}});
    settings["link_gbps"] = 8 * up_to(16);
  }
  return settings;
}

Network random_network(const std::string& topology, std::uint64_t seed) {
  Random random(seed, 7);
  const auto below = [&](std::size_t n) { return random.below(n); };
  const auto up_to = [&](std::size_t n) { return static_cast<double>(1 + random.below(n)); };
  Network network;
  network.topology = topology;
  network.settings = random_settings(topology, random);
  network.speedup = below(4) == 0 ? 2.5 : 1;
  const bool alike = below(2) == 0;
  const auto machines = static_cast<std::uint32_t>(2 + below(10));
  for (std::uint32_t machine = 0; machine < machines; ++machine) {
    const double nic_bytes_per_s = alike ? 5e9 : 1e9 * up_to(16);
    for (std::size_t i = below(4) == 0 ? 2 : 1; i-- > 0;) {
      network.endpoints.push_back({machine, 1, nic_bytes_per_s, 2e10, 0, 1});
    }
  }
  constexpr double kPaces[] = {0.002, 0.05, 1};  // from saturated to hardly anything at once
  const double pace = kPaces[below(3)];
  const bool whole = below(2) == 0;  // ends that coincide
  double now_s = 0;
  for (std::size_t i = 10 + below(60); i-- > 0;) {
    if (below(3) > 0) now_s += pace * (whole ? up_to(3) : random.uniform());
    Flow flow;
    flow.from = static_cast<InstanceId>(below(network.endpoints.size()));
    flow.to = static_cast<InstanceId>((flow.from + 1 + below(network.endpoints.size() - 1)) %
                                      network.endpoints.size());
    flow.start_s = now_s;
    flow.bytes = whole ? 5e9 * pace * up_to(3) : 1e9 * pace * random.uniform() + 1.5;
    if (below(2) == 0) flow.limit_bytes_per_s = whole ? 5e8 * up_to(5) : 1e8 * up_to(100);
    if (below(12) == 0) flow.cancel_s = now_s + pace * random.uniform();
    network.flows.push_back(flow);
  }
  for (std::size_t i = below(5); i-- > 0;) {
    const double share = below(3) == 0 ? 0 : 0.1 + 0.9 * random.uniform();
    const std::size_t link = below(1000);
    const double at_s = now_s * random.uniform() + 3e-4;
    network.changes.push_back({at_s, link, share});
    // What a cut link stopped would wait for ever.
    network.changes.push_back({at_s + pace * (0.01 + random.uniform()), link, 1});
  }
  return network;
}

/// Start, end and outcome of every flow, then what the links carried.
class Run : public TransferListener {
 public:
  Run(const Network& network, bool book) : network_(network), seen_(2 * network.flows.size()) {
    Json settings = network.settings;
    fabric_ = policy<Fabrics>(network.topology,
                              settings)({engine_, network.endpoints, network.speedup, book});
    links_ = fabric_->link_use();
    ids_.resize(network.flows.size(), kNoTransfer);
    for (std::size_t i = 0; i < network.flows.size(); ++i) {
      engine_.at<&Run::start>(network.flows[i].start_s, this, i);
      if (network.flows[i].cancel_s > 0) {
        engine_.at<&Run::cancel>(network.flows[i].cancel_s, this, i);
      }
    }
    for (std::size_t i = 0; i < network.changes.size(); ++i) {
      engine_.at<&Run::change>(network.changes[i].at_s, this, i);
    }
    engine_.run();
    for (const LinkUse& link : fabric_->link_use()) {
      seen_.insert(seen_.end(), {link.bytes, link.mean, link.p99});
    }
  }
  const std::vector<double>& seen() const { return seen_; }

 private:
  void start(std::uint64_t i) {
    const Flow& flow = network_.flows[i];
    ids_[i] = fabric_->start(flow.from, flow.to, flow.bytes, flow.limit_bytes_per_s, *this, i);
  }
  void cancel(std::uint64_t i) {
    if (ids_[i] == kNoTransfer) return;
    fabric_->cancel(ids_[i]);
    seen_[2 * i] = engine_.now();
    seen_[2 * i + 1] = 3;
  }
  void change(std::uint64_t i) {
    const Change& change = network_.changes[i];
    fabric_->scale_link(links_[change.link % links_.size()].name, change.share);
  }
  void transfer_done(std::uint64_t tag) override { ended(tag, 1); }
  void transfer_failed(std::uint64_t tag) override { ended(tag, 2); }
  void ended(std::uint64_t i, double outcome) {
    ids_[i] = kNoTransfer;
    seen_[2 * i] = engine_.now();
    seen_[2 * i + 1] = outcome;
  }

  const Network& network_;
  Engine engine_;
  std::unique_ptr<Fabric> fabric_;
  std::vector<LinkUse> links_;
  std::vector<TransferId> ids_;
  std::vector<double> seen_;
};

std::vector<double> run(const Network& network, bool book) {
  const std::string bytes = in_child([&] {
    const Run run(network, book);
    return std::string(reinterpret_cast<const char*>(run.seen().data()),
                       run.seen().size() * sizeof(double));
  });
  std::vector<double> seen(bytes.size() / sizeof(double));
  std::memcpy(seen.data(), bytes.data(), bytes.size());
  return seen;
}

}  // namespace

TEST_CASE("property: what the ledger knows is what SimGrid would find") {
  double worst_s = 0;
  std::size_t flows = 0;
  std::size_t failed = 0;
  for (const char* topology : {"star", "fat-tree", "dragonfly"}) {
    for (std::uint64_t seed = 0; seed < networks(); ++seed) {
      const Network network = random_network(topology, seed);
      INFO(topology << ", network " << seed << ": " << network.settings.dump());
      const std::vector<double> expected = run(network, false);
      const std::vector<double> seen = run(network, true);
      REQUIRE(seen.size() == expected.size());
      for (std::size_t i = 0; i < network.flows.size(); ++i) {
        INFO("flow " << i << " of " << network.flows[i].bytes << " bytes");
        CHECK(seen[2 * i + 1] == expected[2 * i + 1]);
        // SimGrid's own ends are within 1e-9 s.
        CHECK(seen[2 * i] == Approx(expected[2 * i]).epsilon(1e-9).margin(2e-9));
        worst_s = std::max(worst_s, std::abs(seen[2 * i] - expected[2 * i]));
        failed += seen[2 * i + 1] == 2 ? 1 : 0;
      }
      for (std::size_t i = 2 * network.flows.size(); i < seen.size(); ++i) {
        CHECK(seen[i] == Approx(expected[i]).epsilon(1e-6).margin(1e-6));
      }
      flows += network.flows.size();
    }
  }
  CHECK(failed > 0);
  WARN(3 * networks() << " networks, " << flows << " flows, " << failed
                      << " of them cut; largest difference " << worst_s << " s");
}

}  // namespace cleave
