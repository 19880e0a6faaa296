#include <algorithm>
#include <vector>

#include "sim/scheduling/scheduler.h"

namespace cleave {

namespace {

/// One instance after another, in the order of the scenario: both phases together, or prompts in
/// turn in the prompt pool and token phases in the token pool.
class RoundRobin : public Scheduler {
 public:
  enum class Phases : std::uint8_t { kTogether, kApart };

  RoundRobin(ClusterView& cluster, Phases phases)
      : cluster_(cluster), split_(phases == Phases::kApart) {
    for (InstanceId id = 0; id < cluster.loads().size(); ++id) {
      const bool token = split_ && cluster.loads()[id].home == PoolRole::kToken;
      (token ? token_ : first_).instances.push_back(id);
    }
  }

  Placement place(const Demand& demand) override {
    const std::int64_t whole = demand.most_kv_tokens();
    if (split_) {
      const InstanceId prompt = turn(first_, demand.prompt_kv_tokens());
      const InstanceId token = turn(token_, whole);
      if (prompt != kNoInstance && token != kNoInstance) return {prompt, token};
      // Where one pool has nothing for it, the other takes both phases.
      if (token != kNoInstance) return {token, token};
      if (prompt != kNoInstance && cluster_.loads()[prompt].capacity_tokens >= whole) {
        return {prompt, prompt};
      }
    }
    const InstanceId both = turn(first_, whole);
    return {both, both};
  }

  bool keeps_phases_apart() const override { return split_; }

  void home_changed(InstanceId id) override {
    if (!split_) return;
    first_.drop(id);
    token_.drop(id);
    const bool token = cluster_.loads()[id].home == PoolRole::kToken;
    (token ? token_ : first_).instances.push_back(id);
  }

 private:
  struct Ring {
    void drop(InstanceId id) {
      const auto at = std::find(instances.begin(), instances.end(), id);
      if (at == instances.end()) return;
      if (static_cast<std::size_t>(at - instances.begin()) < next) --next;
      instances.erase(at);
      if (next == instances.size()) next = 0;
    }

    std::vector<InstanceId> instances;
    std::size_t next = 0;
  };

  /// The next that is up and can hold so much, or kNoInstance.
  InstanceId turn(Ring& ring, std::int64_t kv_tokens) {
    for (std::size_t tried = 0; tried < ring.instances.size(); ++tried) {
      const InstanceId id = ring.instances[ring.next];
      ring.next = (ring.next + 1) % ring.instances.size();
      const InstanceLoad& load = cluster_.loads()[id];
      if (load.up() && load.capacity_tokens >= kv_tokens) return id;
    }
    return kNoInstance;
  }

  ClusterView& cluster_;
  bool split_;
  Ring first_;
  Ring token_;
};

const Schedulers::Entry kBoth{
    "round_robin", "both phases on one instance, each in turn", [](ClusterView& cluster) {
      return std::make_unique<RoundRobin>(cluster, RoundRobin::Phases::kTogether);
    }};
const Schedulers::Entry kSplit{
    "kv_round_robin", "prompt and token pool, each in turn", [](ClusterView& cluster) {
      return std::make_unique<RoundRobin>(cluster, RoundRobin::Phases::kApart);
    }};

}  // namespace

}  // namespace cleave
