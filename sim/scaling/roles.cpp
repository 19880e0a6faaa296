#include <algorithm>

#include "sim/scaling/common_settings.h"
#include "sim/scaling/scaling_policy.h"

namespace cleave {

namespace {

const Setting kTick = tick_setting();
const Setting kBacklog = backlog_setting();
const Setting kKv = kv_setting();
const Setting kMargin{"margin", 2, "times",
                      "so much nearer to its target must one side be before a machine changes",
                      in({1, 100, false})};

/// Prompt and token machines change sides one at a time: to the side that is further above its
/// target, as long as the other stays below its own. All machines stay on.
class Roles : public ScalingPolicy {
 public:
  struct Settings {
    double tick_s, backlog_tokens, kv, margin;
  };

  explicit Roles(const Settings& settings) : settings_(settings) {}

  double first_s() const override { return settings_.tick_s; }
  double next_s(double now_s) const override { return now_s + settings_.tick_s; }

  void decide(const ScalingView& seen, std::vector<PoolSize>& sizes) override {
    const ScaledSide& prompt = seen.side(PoolRole::kPrompt);
    const ScaledSide& token = seen.side(PoolRole::kToken);
    for (std::size_t i = 0; i < sizes.size(); ++i) sizes[i].machines = seen.pools[i].machines;
    if (prompt.up == 0 || token.up == 0) return;
    const double prompts =
        static_cast<double>(prompt.pending_tokens) / prompt.up / settings_.backlog_tokens;
    const double tokens = token.reserved_share / settings_.kv;
    if (prompts > settings_.margin * tokens && may_lose_one(tokens, token.up)) {
      move(seen.pools, PoolRole::kToken, sizes);
    } else if (tokens > settings_.margin * prompts && may_lose_one(prompts, prompt.up)) {
      move(seen.pools, PoolRole::kPrompt, sizes);
    }
  }

 private:
  /// Whether a side of so many instances is below its target without one of them.
  static bool may_lose_one(double pressure, std::uint32_t instances) {
    return instances > 1 && pressure * instances < 0.999 * (instances - 1);
  }

  /// One machine away from a side: one that it was lent, else one of its own.
  static void move(const std::vector<ScaledPool>& pools, PoolRole from,
                   std::vector<PoolSize>& sizes) {
    const PoolRole other = from == PoolRole::kToken ? PoolRole::kPrompt : PoolRole::kToken;
    for (std::size_t i = 0; i < pools.size(); ++i) {
      if (pools[i].role != other || sizes[i].lent == 0) continue;
      --sizes[i].lent;
      return;
    }
    for (std::size_t i = 0; i < pools.size(); ++i) {
      if (pools[i].role != from || sizes[i].lent >= pools[i].on) continue;
      ++sizes[i].lent;
      return;
    }
  }

  Settings settings_;
};

ScalingPolicies::Make read(JsonReader& section) {
  const Roles::Settings settings{kTick.number(section), kBacklog.number(section),
                                 kKv.number(section), kMargin.number(section)};
  return [settings](const ScalingContext& context) {
    const auto has = [&](PoolRole role) {
      return std::any_of(context.pools.begin(), context.pools.end(),
                         [&](const ScaledPool& pool) { return pool.role == role; });
    };
    if (!has(PoolRole::kPrompt) || !has(PoolRole::kToken)) {
      throw InputError(
          "scaling.policy: \"roles\" moves machines between prompt and token pools; expected one "
          "of each");
    }
    return std::make_unique<Roles>(settings);
  };
}

const ScalingPolicies::Entry kEntry{"roles",
                                    "prompt and token machines change sides with the load",
                                    {kTick, kBacklog, kKv, kMargin},
                                    read};

}  // namespace

}  // namespace cleave
