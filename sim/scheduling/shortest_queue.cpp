#include "sim/scheduling/ranked_pools.h"
#include "sim/scheduling/scheduler.h"

namespace cleave {

namespace {

using Measure = std::int64_t (*)(const InstanceLoad&);
std::int64_t pending_tokens(const InstanceLoad& load) { return load.pending_tokens; }
std::int64_t requests_there(const InstanceLoad& load) { return load.requests; }

struct Rule {
  Measure prompt;
  Measure token;  ///< nullptr: both phases on one instance, chosen by `prompt`
  double transfer_speedup = 1;
};

/// Join the shortest queue, by a figure of load: prompts in the prompt pool and token phases in the
/// token pool, always with a transfer between, or both phases together on any instance.
class ShortestQueue : public Scheduler {
 public:
  ShortestQueue(ClusterView& cluster, Rule rule)
      : loads_(cluster.loads()), rule_(rule), pools_(2, cluster.loads()) {
    for (InstanceId id = 0; id < cluster.loads().size(); ++id) {
      pools_.enter(pool_of(id), id, measure(id));
    }
  }

  Placement place(const Demand& demand) override {
    if (rule_.token != nullptr) {
      const Placement apart{pools_.least(kFirst, demand.prompt_kv_tokens()),
                            pools_.least(kToken, demand.most_kv_tokens())};
      if (apart.prompt != kNoInstance && apart.token != kNoInstance) return apart;
    }
    // Where one pool has nothing for it, the other takes both phases.
    InstanceId both = pools_.least(kFirst, demand.most_kv_tokens());
    if (both == kNoInstance) both = pools_.least(kToken, demand.most_kv_tokens());
    return {both, both};
  }

  void load_changed(InstanceId id) override {
    const bool up = load(id).up();
    if (!up && pools_.contains(id)) pools_.leave(id);
    if (up && !pools_.contains(id)) pools_.enter(pool_of(id), id, measure(id));
    pools_.update(id, measure(id));
  }

  void home_changed(InstanceId id) override {
    if (!pools_.contains(id)) return;
    pools_.leave(id);
    pools_.enter(pool_of(id), id, measure(id));
  }

  bool keeps_phases_apart() const override { return rule_.token != nullptr; }
  double transfer_speedup() const override { return rule_.transfer_speedup; }

 private:
  enum Pool : std::size_t { kFirst, kToken };

  const InstanceLoad& load(InstanceId id) const { return loads_[id]; }
  Pool pool_of(InstanceId id) const {
    return rule_.token != nullptr && load(id).home == PoolRole::kToken ? kToken : kFirst;
  }
  double measure(InstanceId id) const {
    const Measure by = pool_of(id) == kToken ? rule_.token : rule_.prompt;
    return static_cast<double>(by(load(id)));
  }

  std::span<const InstanceLoad> loads_;
  Rule rule_;
  RankedPools pools_;
};

Schedulers::Make by(Rule rule) {
  return [rule](ClusterView& cluster) { return std::make_unique<ShortestQueue>(cluster, rule); };
}

const Schedulers::Entry kJsq{"jsq", "both phases on the instance with the fewest requests",
                             by({requests_there, nullptr})};
const Schedulers::Entry kTokenJsq{"token_jsq",
                                  "both phases on the instance with the fewest pending tokens",
                                  by({pending_tokens, nullptr})};
const Schedulers::Entry kKvJsq{"kv_jsq", "prompt and token pool, each by fewest requests",
                               by({requests_there, requests_there})};
// The published rule of this name only ever subtracts and so prefers the instances that finished
// most; here what is assigned counts.
const Schedulers::Entry kKvTokenJsq{"kv_token_jsq",
                                    "prompt and token pool, each by fewest pending tokens",
                                    by({pending_tokens, pending_tokens})};
// The published stand-in for overlap with the prompt phase.
const Schedulers::Entry kOverlapKvJsq{"overlap_kv_jsq", "kv_jsq with transfers ten times as fast",
                                      by({requests_there, requests_there, 10})};

}  // namespace

}  // namespace cleave
