// A scheduler of one's own, as a plugin; docs/library.md explains it.

#include "sim/plugin.h"
#include "sim/scheduling/scheduler.h"

using namespace cleave;

namespace {

const Setting kFull{"full", 0.5, "fraction", "an instance is full with so much of its memory taken",
                    in(kFraction)};

/// Fills instances in their order: the first that is not full takes a request, both phases of it.
class InOrder : public Scheduler {
 public:
  InOrder(ClusterView& cluster, double full) : loads_(cluster.loads()), full_(full) {}

  Placement place(const Demand& demand) override {
    InstanceId last = kNoInstance;
    for (InstanceId id = 0; id < loads_.size(); ++id) {
      const InstanceLoad& load = loads_[id];
      if (!load.up() || load.capacity_tokens < demand.most_kv_tokens()) continue;
      last = id;
      const double taken = static_cast<double>(load.reserved_tokens + demand.kv_tokens());
      if (taken <= full_ * static_cast<double>(load.capacity_tokens)) break;
    }
    return {last, last};
  }

 private:
  std::span<const InstanceLoad> loads_;
  double full_;
};

const Schedulers::Entry kEntry{
    "in_order", "the first instance that is not full", {kFull}, [](JsonReader& section) {
      const double full = kFull.number(section);
      return [=](ClusterView& cluster) { return std::make_unique<InOrder>(cluster, full); };
    }};

}  // namespace
