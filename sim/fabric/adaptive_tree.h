#pragma once

#include <string>
#include <vector>

#include "sim/fabric/fat_tree.h"

namespace cleave {

/// A fat tree whose switches spread what they send over all their links to the next level, as
/// adaptive routing does: the links from the switches of a subtree to the level above are one, of
/// their summed bandwidth, and so are those back.
class AdaptiveTree : public Network {
 public:
  AdaptiveTree(const std::vector<Endpoint>& endpoints, const FatTreeSettings& settings);

 private:
  struct Level {
    std::vector<simgrid::s4u::NetZone*> subtrees;
    std::vector<simgrid::s4u::SplitDuplexLink*> bundles;  ///< of each, to the level above
    std::uint32_t first_link = 0;                         ///< of theirs, each up and down
  };

  void add_subtrees(std::size_t level, const std::vector<simgrid::s4u::NetZone*>& above,
                    double bundle_bytes_per_s);
  void add_machines();
  static std::string name(std::size_t level, std::size_t subtree);
  void find_links(std::uint32_t from, std::uint32_t to, Links& links) const override;

  std::vector<unsigned> down_;  ///< connections of a switch of each level to the one below
  std::vector<Level> levels_;   ///< leaves first; without the whole tree
};

}  // namespace cleave
