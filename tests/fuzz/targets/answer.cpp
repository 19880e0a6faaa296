#include "tests/fuzz/target.h"

namespace cleave::fuzz {

namespace {

/// What cleave plan --json prints, or the points of a sweep as a list.
void feed(std::string_view input) {
  run_cleave({"report", file_of("answer.json", input), "-o", no_file("answer.html")});
}

const Entry kEntry{"answer", {Syntax::kJson, feed}};

}  // namespace

}  // namespace cleave::fuzz
