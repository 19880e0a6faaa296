#include "sim/scheduling/shortest_queue.h"

namespace cleave {

namespace {

/// kv_jsq whose transfers are ten times as fast, the published stand-in for overlap with the prompt
/// phase.
const Schedulers::Entry kEntry{"overlap_kv_jsq", "kv_jsq with transfers ten times as fast",
                               [](ClusterView& cluster, JsonReader&) {
                                 return std::make_unique<ShortestQueue>(
                                     cluster,
                                     ShortestQueue::Rule{requests_there, requests_there, 10});
                               }};

}  // namespace

}  // namespace cleave
