#include "sim/machine/request_state.h"

#include "sim/base/error.h"

namespace cleave {

void RequestState::refuse(Step next) const {
  broken_invariant("request " + std::to_string(record.number) + ", " + step_name(step_) +
                   ", cannot go on to \"" + step_name(next) + "\"");
}

}  // namespace cleave
