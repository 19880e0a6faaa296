#include "sim/metrics/tier_use.h"

#include "sim/metrics/ratio.h"

namespace cleave {

void TierLog::add(const TierMove& move) {
  TierUse& use = uses_[static_cast<std::size_t>(move.tier)];
  if (!move.load) {
    use.written_bytes += move.bytes;
    return;
  }
  ++use.loads;
  use.loaded_tokens += move.tokens;
  use.loaded_bytes += move.bytes;
  use.load_s.add(move.end_s - move.asked_s);
}

const FigureTable<TierUse>& TierUse::figures() {
  static const FigureTable<TierUse> table{
      {"tier", "", "host memory, disks, or a store for all",
       [](const TierUse& use) { return std::string(tier_name(use.tier)); }},
      {"bytes", "bytes", "that it has for KV caches, of all machines together",
       [](const TierUse& use) { return use.bytes; }},
      {"loaded_tokens", "tokens",
       "whose KV cache was loaded from it; those loaded twice, as they were lost before the prompt "
       "started, count twice",
       [](const TierUse& use) { return use.loaded_tokens; }},
      {"hit_rate", "fraction", "`loaded_tokens` / the prompt tokens of all completed requests",
       [](const TierUse& use) { return per(use.loaded_tokens, use.prompt_tokens); }},
      {"loads", "", "from it; of a request one, or more where it has parts of its prompt",
       [](const TierUse& use) { return use.loads; }},
      {"load", "s", "of the time that each took, waiting for others included",
       [](const TierUse& use) { return &use.load_s; }},
      {"loaded_bytes", "bytes", "that came from it",
       [](const TierUse& use) { return use.loaded_bytes; }},
      {"written_bytes", "bytes", "that went to it",
       [](const TierUse& use) { return use.written_bytes; }}};
  return table;
}

}  // namespace cleave
