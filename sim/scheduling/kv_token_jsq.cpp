#include "sim/scheduling/shortest_queue.h"

namespace cleave {

namespace {

/// Two fixed pools, always a transfer; each by fewest pending tokens. (The published rule of this
/// name only ever subtracts and so prefers the instances that finished most; here what is assigned
/// counts.)
const Schedulers::Entry kEntry{"kv_token_jsq",
                               "prompt and token pool, each by fewest pending tokens",
                               [](ClusterView& cluster, JsonReader&) {
                                 return std::make_unique<ShortestQueue>(
                                     cluster, ShortestQueue::Rule{pending_tokens, pending_tokens});
                               }};

}  // namespace

}  // namespace cleave
