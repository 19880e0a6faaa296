#include <algorithm>

#include "sim/scheduling/ranked_pools.h"
#include "sim/scheduling/scheduler.h"

namespace cleave {

namespace {

/// Prompt and token instances that share machines: the prompt goes where the fewest prompt tokens
/// are pending, its token phase to the emptiest token instance of the same machine, so that the KV
/// cache stays on the links between its GPUs. Where that machine has no token instance up, the
/// emptiest of all takes it.
class LocalJsq : public Scheduler {
 public:
  explicit LocalJsq(ClusterView& cluster) : loads_(cluster.loads()), pools_(2, cluster.loads()) {
    for (InstanceId id = 0; id < cluster.loads().size(); ++id) {
      const std::uint32_t machine = load(id).machine;
      if (tokens_of_machine_.size() <= machine) tokens_of_machine_.resize(machine + 1);
      if (pool_of(id) == kToken) tokens_of_machine_[machine].push_back(id);
      pools_.enter(pool_of(id), id, measure(id));
    }
  }

  Placement place(const Demand& demand) override {
    const std::int64_t whole = demand.most_kv_tokens();
    const InstanceId prompt = pools_.least(kPrompt, demand.prompt_kv_tokens());
    InstanceId token = prompt == kNoInstance ? kNoInstance : neighbour(prompt, whole);
    if (token == kNoInstance) token = pools_.least(kToken, whole);
    if (prompt != kNoInstance && token != kNoInstance) return {prompt, token};
    const InstanceId both = token != kNoInstance ? token : pools_.least(kPrompt, whole);
    return {both, both};
  }

  bool keeps_phases_apart() const override { return true; }

  void load_changed(InstanceId id) override {
    const bool up = load(id).up();
    if (!up && pools_.contains(id)) pools_.leave(id);
    if (up && !pools_.contains(id)) pools_.enter(pool_of(id), id, measure(id));
    pools_.update(id, measure(id));
  }

  void home_changed(InstanceId id) override {
    std::vector<InstanceId>& tokens = tokens_of_machine_[load(id).machine];
    tokens.erase(std::remove(tokens.begin(), tokens.end(), id), tokens.end());
    if (pool_of(id) == kToken) tokens.push_back(id);
    if (!pools_.contains(id)) return;
    pools_.leave(id);
    pools_.enter(pool_of(id), id, measure(id));
  }

 private:
  enum Pool : std::size_t { kPrompt, kToken };

  const InstanceLoad& load(InstanceId id) const { return loads_[id]; }
  Pool pool_of(InstanceId id) const { return load(id).home == PoolRole::kToken ? kToken : kPrompt; }
  double measure(InstanceId id) const {
    return static_cast<double>(pool_of(id) == kToken ? load(id).reserved_tokens
                                                     : load(id).pending_tokens);
  }
  /// The emptiest token instance on the machine of `prompt` that can hold so much.
  InstanceId neighbour(InstanceId prompt, std::int64_t kv_tokens) const {
    InstanceId best = kNoInstance;
    for (const InstanceId id : tokens_of_machine_[load(prompt).machine]) {
      if (!load(id).up() || load(id).capacity_tokens < kv_tokens) continue;
      if (best == kNoInstance || measure(id) < measure(best)) best = id;
    }
    return best;
  }

  std::span<const InstanceLoad> loads_;
  RankedPools pools_;
  std::vector<std::vector<InstanceId>> tokens_of_machine_;  ///< at most one for each GPU
};

const Schedulers::Entry kEntry{
    "local_jsq", "prompt pool by pending tokens; the token phase stays on the same machine",
    [](ClusterView& cluster) { return std::make_unique<LocalJsq>(cluster); }};

}  // namespace

}  // namespace cleave
