#include "sim/explore/measured_point.h"
#include "tests/fuzz/target.h"

namespace cleave::fuzz {

namespace {

void feed(std::string_view input) {
  for (const MeasuredPoint& point : read_measured(file_of("measured", input), {})) {
    point.scenario.dump();
  }
}

const Entry kEntry{"measured", {Syntax::kBytes, feed}};

}  // namespace

}  // namespace cleave::fuzz
