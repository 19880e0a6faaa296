#pragma once

#include <cstdlib>
#include <fstream>
#include <sstream>
#include <string>

#include "tests/catch.h"

namespace cleave::testing {

inline const std::string kHow = R"(CLEAVE_UPDATE=1 build/tests/test_cli "[figures]" puts it right)";

inline std::string document(const std::string& name = "docs/output.md") {
  std::ifstream in(CLEAVE_SOURCE_DIR "/" + name, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

/// That a document is as expected; where CLEAVE_UPDATE is set, it becomes so.
inline void check_document(const std::string& name, const std::string& expected) {
  if (std::getenv("CLEAVE_UPDATE") != nullptr) {
    std::ofstream(CLEAVE_SOURCE_DIR "/" + name, std::ios::binary) << expected;
  }
  std::istringstream lines(document(name));
  std::istringstream expected_lines(expected);
  std::string line;
  std::string expected_line;
  for (std::size_t number = 1; std::getline(expected_lines, expected_line); ++number) {
    INFO(name << ", line " << number << ": " << kHow);
    std::getline(lines, line);
    REQUIRE(line == expected_line);
  }
  INFO(name << ", behind its end: " << kHow);
  CHECK_FALSE(std::getline(lines, line));
}

}  // namespace cleave::testing
