#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "traces/lengths.h"
#include "traces/transform.h"

namespace cleave {

/// A class of requests as one of several that share a workload.
struct SharedClass {
  std::uint32_t number = 0;  ///< Request::traffic_class
  double share = 0;          ///< of the requests, whatever the sum of all shares
  std::uint32_t priority = 0;
  std::shared_ptr<Lengths> lengths;  ///< null: those that the workload gives
};

/// Each request of one of the classes, as often as their shares say.
SourcePtr draw_classes(SourcePtr source, std::vector<SharedClass> classes, std::uint64_t seed);

/// Each request with the priority of its class.
SourcePtr give_priorities(SourcePtr source, std::vector<std::uint32_t> of_classes);

/// All requests of `source` of this class.
SourcePtr of_class(SourcePtr source, std::uint32_t number, std::uint32_t priority);

/// The requests of all sources by arrival; of equal times, those of the earlier source first.
/// Sessions of different sources stay apart.
SourcePtr merge(std::vector<SourcePtr> sources);

}  // namespace cleave
