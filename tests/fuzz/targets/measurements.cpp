#include "tests/fuzz/target.h"

namespace cleave::fuzz {

namespace {

void feed(std::string_view input) {
  const std::string file = file_of("measurements.csv", input);
  run_cleave({"profile", "fit", file, "--out", no_file("fitted")});
  run_cleave({"profile", "roofline", file, "--out", no_file("roofline.json")});
}

const Entry kEntry{"measurements", {Syntax::kBytes, feed}};

}  // namespace

}  // namespace cleave::fuzz
