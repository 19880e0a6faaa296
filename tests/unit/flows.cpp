// Flows beside the simulator's own events.

#include "sim/base/child_process.h"
#include "sim/fabric/fabric.h"
#include "tests/catch.h"
#include "tests/support/policies.h"

namespace cleave {

namespace {

/// Four machines with NICs of 1 GB/s at a star without latency; notes when transfers end.
class Star : TransferListener {
 public:
  Star() {
    for (std::uint32_t machine = 0; machine < 4; ++machine) {
      endpoints_.push_back({machine, 1, 1e9, 0, 0});
    }
    fabric_ = policy<Fabrics>("star", {{"latency_s", 0}})({engine_, endpoints_});
  }

  void start(InstanceId from, InstanceId to, double bytes) {
    fabric_->start(from, to, bytes, 0, *this, from);
  }
  void happen(double time_s) { engine_.at<&Star::nothing>(time_s, this); }
  std::string run() {
    engine_.run();
    return text_;
  }

 private:
  void nothing(std::uint64_t) {}
  void transfer_done(std::uint64_t tag) override {
    text_ += std::to_string(tag) + " at " + std::to_string(engine_.now()) + "\n";
  }
  void transfer_failed(std::uint64_t) override {}

  Engine engine_;
  std::vector<Endpoint> endpoints_;
  std::unique_ptr<Fabric> fabric_;
  std::string text_;
};

}  // namespace

TEST_CASE("flows: one that ends together with an event has ended before the next event") {
  const std::string ends = in_child([] {
    Star star;
    star.start(0, 1, 1e9);
    star.start(2, 3, 3e9);
    for (const double time_s : {1.0, 1.5, 2.0}) star.happen(time_s);
    return star.run();
  });
  CHECK(ends == "0 at 1.000000\n2 at 3.000000\n");
}

}  // namespace cleave
