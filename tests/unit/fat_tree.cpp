// Fat trees, by hand: what switches spread, and what goes by its destination.

#include <map>

#include "sim/base/child_process.h"
#include "sim/fabric/fabric.h"
#include "tests/catch.h"
#include "tests/support/policies.h"

namespace cleave {

namespace {

struct Pair {
  InstanceId from;
  InstanceId to;
};

/// Machines with NICs of 1 GB/s in a tree without latency.
class Tree : TransferListener {
 public:
  Tree(std::uint32_t machines, Json settings) {
    for (std::uint32_t machine = 0; machine < machines; ++machine) {
      endpoints_.push_back({machine, 1, 1e9, 0, 0});
    }
    settings["latency_s"] = 0;
    fabric_ = policy<Fabrics>("fat-tree", settings)({engine_, endpoints_});
  }

  /// Seconds until the last of flows of 1 GB that start together has arrived.
  double seconds(const std::vector<Pair>& flows) {
    for (const Pair& pair : flows) fabric_->start(pair.from, pair.to, 1e9, 0, *this, 0);
    engine_.run();
    return end_s_;
  }
  std::vector<LinkUse> links() const { return fabric_->link_use(); }

 private:
  void transfer_done(std::uint64_t) override { end_s_ = engine_.now(); }
  void transfer_failed(std::uint64_t) override {}

  Engine engine_;
  std::vector<Endpoint> endpoints_;
  std::unique_ptr<Fabric> fabric_;
  double end_s_ = 0;
};

double seconds(std::uint32_t machines, const Json& settings, const std::vector<Pair>& flows) {
  return std::stod(
      in_child([&] { return std::to_string(Tree(machines, settings).seconds(flows)); }));
}

/// Leaves of two machines under two spines.
Json leaves(const std::string& routing, double oversubscription) {
  return {{"routing", routing},
          {"hosts_per_leaf", 2},
          {"spines", 2},
          {"oversubscription", oversubscription}};
}

}  // namespace

TEST_CASE("fat tree: adaptive routing shares all links up, static those to the destination") {
  // Machines 2 and 4 are reached through the same spine.
  const std::vector<Pair> same_spine{{0, 2}, {1, 4}};
  CHECK(seconds(6, leaves("adaptive", 1), same_spine) == Approx(1));
  CHECK(seconds(6, leaves("static", 1), same_spine) == Approx(2));
  const std::vector<Pair> two_spines{{0, 2}, {1, 5}};
  CHECK(seconds(6, leaves("adaptive", 1), two_spines) == Approx(1));
  CHECK(seconds(6, leaves("static", 1), two_spines) == Approx(1));
}

TEST_CASE("fat tree: oversubscription is of a leaf's links up together") {
  CHECK(seconds(4, leaves("adaptive", 2), {{0, 2}, {1, 3}}) == Approx(2));
  CHECK(seconds(4, leaves("static", 2), {{0, 2}, {1, 3}}) == Approx(2));
  // One flow has all links, or the one to its destination.
  CHECK(seconds(4, leaves("adaptive", 2), {{0, 2}}) == Approx(1));
  CHECK(seconds(4, leaves("static", 2), {{0, 2}}) == Approx(2));
  CHECK(seconds(4, leaves("adaptive", 4), {{0, 1}}) == Approx(1));
  // Down as up.
  CHECK(seconds(6, leaves("adaptive", 2), {{0, 4}, {2, 5}}) == Approx(2));
}

TEST_CASE("fat tree: the links of three levels add up") {
  // Of a leaf two links of 0.25 GB/s, of a pod of two leaves four.
  const Json settings{{"down", {2, 2, 2}}, {"up", {1, 2, 2}}, {"link_gbps", 2}};
  CHECK(seconds(8, settings, {{0, 1}}) == Approx(1));
  CHECK(seconds(8, settings, {{0, 2}}) == Approx(2));
  CHECK(seconds(8, settings, {{0, 4}, {2, 6}}) == Approx(2));
  CHECK(seconds(8, settings, {{0, 4}, {1, 6}, {2, 5}, {3, 7}}) == Approx(4));
  CHECK(seconds(5, settings, {{0, 4}}) == Approx(2));
}

TEST_CASE("fat tree: links are named, and carry what crosses them") {
  const std::string text = in_child([] {
    Tree tree(4, leaves("adaptive", 1));
    tree.seconds({{0, 3}});
    std::string used;
    for (const LinkUse& link : tree.links()) {
      if (link.bytes == 1e9) used += link.name + "\n";
    }
    return used + std::to_string(tree.links().size());
  });
  CHECK(text == "machine-0-nic-up\nmachine-3-nic-down\nleaf-0-up\nleaf-1-down\n12");
}

}  // namespace cleave
