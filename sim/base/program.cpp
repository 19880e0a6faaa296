#include "sim/base/program.h"

#include "sim/base/version.h"

namespace cleave {

namespace {

std::string& version() {
  static std::string text = kVersion;
  return text;
}

}  // namespace

const std::string& program_version() { return version(); }

void add_to_program(const std::string& plugin) { version() += " with " + plugin; }

}  // namespace cleave
