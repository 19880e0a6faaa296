#include "sim/scheduling/shortest_queue.h"

namespace cleave {

namespace {

/// Mixed batching on every machine; the instance with the fewest pending tokens.
const Schedulers::Entry kEntry{
    "token_jsq", "both phases on the instance with the fewest pending tokens",
    [](ClusterView& cluster, JsonReader&) {
      return std::make_unique<ShortestQueue>(cluster, ShortestQueue::Rule{pending_tokens, nullptr});
    }};

}  // namespace

}  // namespace cleave
