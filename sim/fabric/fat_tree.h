#pragma once

#include <optional>
#include <vector>

#include "sim/fabric/network.h"

namespace cleave {

struct FatTreeSettings {
  FlowSettings flow;
  std::vector<unsigned> down;  ///< empty: hosts and spines say it
  std::vector<unsigned> up;
  unsigned hosts = 0;
  unsigned spines = 0;
  double oversubscription = 1;
  std::optional<double> link_gbps;
};

/// Connections of a switch of each level, from the leaves, to the levels below and above, as
/// SimGrid counts them: up[0] is 1, a machine's own.
struct FatTreeShape {
  std::vector<unsigned> down;
  std::vector<unsigned> up;
  double link_bytes_per_s = 0;  ///< of each link between switches
};
/// Throws InputError where there is no place for so many machines.
FatTreeShape fat_tree_shape(const FatTreeSettings& settings, std::size_t machines,
                            double fastest_nics_bytes_per_s);

}  // namespace cleave
