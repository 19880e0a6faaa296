#include "sim/metrics/prefix_use.h"

#include "sim/metrics/ratio.h"

namespace cleave {

void PrefixUse::add(const FinishedRequest& request) {
  prompt_tokens += request.prompt_tokens;
  hit_tokens += request.cached_tokens;
  loaded_tokens += request.loaded_tokens;
  ++requests;
  if (request.cached_tokens > 0) ++hit_requests;
}

const FigureTable<PrefixUse>& PrefixUse::figures() {
  static const FigureTable<PrefixUse> table{
      {"prompt_tokens", "tokens", "prefix_cache_prompt_tokens", better::neither(),
       "of all completed requests", [](const PrefixUse& use) { return use.prompt_tokens; }},
      {"hit_tokens", "tokens", "prefix_cache_hit_tokens", better::more(),
       "of these, found in the prefix cache of the instance and not computed again",
       [](const PrefixUse& use) { return use.hit_tokens; }},
      {"hit_rate", "fraction", "prefix_cache_hit_rate", better::more(),
       "`hit_tokens` / `prompt_tokens`",
       [](const PrefixUse& use) {
         return per(static_cast<double>(use.hit_tokens), static_cast<double>(use.prompt_tokens));
       }},
      {"loaded_tokens", "tokens", "prefix_cache_loaded_tokens", better::neither(),
       "of `hit_tokens`, loaded from a tier behind GPU memory before the prompt started",
       [](const PrefixUse& use) { return use.loaded_tokens; }},
      {"hit_request_share", "fraction", "prefix_cache_hit_request_share", better::more(),
       "share of the completed requests that found something", [](const PrefixUse& use) {
         return per(static_cast<double>(use.hit_requests), static_cast<double>(use.requests));
       }}};
  return table;
}

}  // namespace cleave
