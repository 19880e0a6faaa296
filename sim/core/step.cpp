#include "sim/core/step.h"

namespace cleave {

const char* step_name(Step step) {
  static constexpr std::array<const char*, static_cast<std::size_t>(Step::kCount)> kNames{
      "gone",
      "outside",
      "waits for its prompt phase",
      "waits for some of its cache to be loaded",
      "in its prompt phase",
      "in its prompt phase, its cache waits for room",
      "in its prompt phase, its cache leaves",
      "in its prompt phase, what is done of its cache arrived",
      "stopped in its prompt phase",
      "cache waits for room",
      "cache on its way",
      "cache being synchronised",
      "waits for its token phase",
      "decodes",
      "put aside",
      "waits for its cache to be computed again",
      "waits for some of its dropped cache to be loaded",
      "cache computed again",
      "stopped in its token phase"};
  return kNames[static_cast<std::size_t>(step)];
}

}  // namespace cleave
