#include "sim/scheduling/shortest_queue.h"

namespace cleave {

namespace {

/// Mixed batching on every machine; the instance with the fewest requests.
const Schedulers::Entry kEntry{
    "jsq", "both phases on the instance with the fewest requests",
    [](ClusterView& cluster, JsonReader&) {
      return std::make_unique<ShortestQueue>(cluster, ShortestQueue::Rule{requests_there, nullptr});
    }};

}  // namespace

}  // namespace cleave
