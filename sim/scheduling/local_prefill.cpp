#include "sim/scheduling/local_prefill.h"

namespace cleave {

namespace {

struct Known {
  Setting rule{
      "local_prefill", "never", "",
      "prompts computed where they decode: never; isl_bounding: of which few tokens are "
      "missing there; prefill_load: where the prompt instance is busy; isl_or_load: either; "
      "uncached: up to local_prefill_tokens are missing",
      one_of({"never", "isl_bounding", "prefill_load", "isl_or_load", "uncached"})};
  Setting tokens{"local_prefill_tokens", 2048, "tokens",
                 "missing ones that are few: fewer with isl_bounding, at most with uncached",
                 whole(0, 100'000'000)};
  Setting share{"local_prefill_share", 0.7, "",
                "of the prompt: fewer are missing, with isl_bounding", in({0, 1, false})};
  Setting busy_tokens{"prefill_busy_tokens", 8192, "tokens",
                      "pending on a prompt instance that is busy, more than these",
                      whole(0, 1'000'000'000)};
  Setting busy_memory{"decode_busy_share", 1.0, "",
                      "of its KV memory taken: a decode instance with more takes no prompts",
                      in({0, 1, false})};
};
// Policies of other files ask for it before this file's own constants are there.
const Known& known() {
  static const Known settings;
  return settings;
}

}  // namespace

std::vector<Setting> LocalPrefill::settings_beside(std::vector<Setting> own) {
  for (const Setting* setting : {&known().rule, &known().tokens, &known().share,
                                 &known().busy_tokens, &known().busy_memory}) {
    own.push_back(*setting);
  }
  return own;
}

LocalPrefill LocalPrefill::read(JsonReader& section) {
  const std::vector<std::string>& names = known().rule.accepts.names;
  LocalPrefill read;
  const std::string rule = known().rule.choice(section);
  for (std::size_t i = 0; i < names.size(); ++i) {
    if (names[i] == rule) read.rule_ = static_cast<Rule>(i);
  }
  read.tokens_ = known().tokens.integer(section);
  read.share_ = known().share.number(section);
  read.busy_tokens_ = known().busy_tokens.integer(section);
  read.busy_memory_ = known().busy_memory.number(section);
  return read;
}

bool LocalPrefill::wanted(const ClusterView& cluster, const Demand& demand,
                          const Placement& placement) const {
  if (rule_ == Rule::kNever) return false;
  const InstanceLoad& decode = cluster.loads()[placement.token];
  const auto taken = static_cast<double>(decode.reserved_tokens + demand.kv_tokens());
  if (taken > busy_memory_ * static_cast<double>(decode.capacity_tokens)) return false;
  const std::int64_t missing =
      std::int64_t{demand.prompt_tokens} - cluster.cached_tokens(placement.token, demand);
  if (rule_ == Rule::kUncached) return missing <= tokens_;
  const bool few =
      missing < tokens_ && static_cast<double>(missing) < share_ * demand.prompt_tokens;
  const bool busy = cluster.loads()[placement.prompt].pending_tokens > busy_tokens_;
  if (rule_ == Rule::kIslBounding) return few;
  return rule_ == Rule::kPrefillLoad ? busy : few || busy;
}

}  // namespace cleave
