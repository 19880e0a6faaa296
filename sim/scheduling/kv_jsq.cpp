#include "sim/scheduling/shortest_queue.h"

namespace cleave {

namespace {

/// Two fixed pools, always a transfer; each by fewest requests.
const Schedulers::Entry kEntry{"kv_jsq", "prompt and token pool, each by fewest requests",
                               [](ClusterView& cluster, JsonReader&) {
                                 return std::make_unique<ShortestQueue>(
                                     cluster, ShortestQueue::Rule{requests_there, requests_there});
                               }};

}  // namespace

}  // namespace cleave
