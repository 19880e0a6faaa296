#include <algorithm>
#include <cmath>
#include <vector>

#include "sim/base/random.h"
#include "sim/scheduling/pool_choice.h"
#include "sim/scheduling/tier_credit.h"

namespace cleave {

namespace {

const Setting kCredit{"overlap_score_credit", 1.0, "",
                      "of a prompt's tokens in the prefix cache, so much counts as computed",
                      in({0, 100, false})};
const Setting kPrefill{"prefill_load_scale", 1.0, "",
                       "weight of prompts to compute beside KV memory taken", in({0, 1000, false})};
const Setting kTemperature{"router_temperature", 0.0, "",
                           "0: the least cost; above: drawn, the likelier the less it costs",
                           in({0, 1000, false})};
const Setting kSeed{"seed", 1, "", "of the draws", whole(0, 1'000'000'000)};
constexpr TierCredit kTiers{0.75, 0.25, 0};

std::vector<Setting> own_settings() {
  std::vector<Setting> all{kCredit, kPrefill, kTemperature, kSeed};
  for (const Setting& setting : TierCredit::settings()) all.push_back(setting);
  return all;
}

/// Dynamo's router (docs/components/router/router-concepts.md): the instance of least cost, which
/// is what it has to compute, with this prompt but without what its prefix cache has of it, and
/// what its KV memory holds, with this request. In tokens, not blocks. Prompt instances of a split
/// cluster by the first part, token instances by the second, where what is cached need not be sent.
class DynamoKv : public Scheduler {
 public:
  struct Settings {
    double credit = 1;
    double prefill = 1;
    double temperature = 0;
    std::uint64_t seed = 1;
    TierCredit tiers;
    LocalPrefill local;
  };

  DynamoKv(ClusterView& cluster, const Settings& settings)
      : cluster_(cluster),
        settings_(settings),
        pools_(cluster, settings.local),
        random_(settings.seed, 0) {}

  Placement place(const Demand& demand) override {
    return pools_.place(demand, [&](const std::vector<InstanceId>& instances,
                                    std::int64_t kv_tokens, PoolChoice::Phases phases) {
      candidates_.clear();
      for (const InstanceId id : instances) {
        if (pools_.can_take(id, kv_tokens)) candidates_.push_back({id, cost(id, demand, phases)});
      }
      return choose();
    });
  }

  void home_changed(InstanceId id) override { pools_.home_changed(id); }
  bool keeps_phases_apart() const override { return pools_.keeps_phases_apart(); }

 private:
  struct Candidate {
    InstanceId id;
    double cost;
  };

  double cost(InstanceId id, const Demand& demand, PoolChoice::Phases phases) const {
    const InstanceLoad& load = cluster_.loads()[id];
    // Tiers are of no use to what is sent.
    const double known = settings_.credit * (phases == PoolChoice::Phases::kToken
                                                 ? cluster_.cached_tokens(id, demand)
                                                 : settings_.tiers.known(cluster_, id, demand));
    const double prefill =
        std::max(0.0, static_cast<double>(load.pending_tokens) + demand.prompt_tokens - known);
    const double memory = static_cast<double>(load.reserved_tokens) + demand.prompt_tokens;
    if (phases == PoolChoice::Phases::kPrompt) return settings_.prefill * prefill;
    if (phases == PoolChoice::Phases::kToken) return memory - known;
    return settings_.prefill * prefill + memory;
  }

  InstanceId choose() {
    if (candidates_.empty()) return kNoInstance;
    const auto cheaper = [](const Candidate& a, const Candidate& b) { return a.cost < b.cost; };
    const auto ends = std::minmax_element(candidates_.begin(), candidates_.end(), cheaper);
    const Candidate& least = *ends.first;
    const double range = ends.second->cost - least.cost;
    if (settings_.temperature == 0 || range == 0) return least.id;
    const auto weight = [&](const Candidate& each) {
      return std::exp(-(each.cost - least.cost) / (range * settings_.temperature));
    };
    double sum = 0;
    for (const Candidate& each : candidates_) sum += weight(each);
    double left = random_.uniform() * sum;
    for (const Candidate& each : candidates_) {
      left -= weight(each);
      if (left < 0) return each.id;
    }
    return candidates_.back().id;
  }

  ClusterView& cluster_;
  Settings settings_;
  PoolChoice pools_;
  Random random_;
  std::vector<Candidate> candidates_;
};

const Schedulers::Entry kEntry{
    "dynamo_kv", "Dynamo's router: prompts to compute beside prefix caches, and KV memory taken",
    LocalPrefill::settings_beside(own_settings()), [](JsonReader& section) {
      DynamoKv::Settings settings;
      settings.credit = kCredit.number(section);
      settings.prefill = kPrefill.number(section);
      settings.temperature = kTemperature.number(section);
      settings.seed = static_cast<std::uint64_t>(kSeed.integer(section));
      settings.tiers = kTiers.read(section);
      settings.local = LocalPrefill::read(section);
      return [settings](ClusterView& cluster) {
        return std::make_unique<DynamoKv>(cluster, settings);
      };
    }};

}  // namespace

}  // namespace cleave
