#pragma once

#include <sys/wait.h>

#include <cstdio>
#include <stdexcept>
#include <string>
#include <vector>

#include "tests/support/temp_folder.h"

namespace cleave::testing {

inline bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

/// How a program ended and what it printed.
struct Outcome {
  int exit_code = -1;  ///< -1 if a signal ended it
  std::string out;
  std::string err;
};

inline std::string shell_quoted(const std::string& text) {
  std::string quoted = "'";
  for (const char c : text) quoted += c == '\'' ? std::string("'\\''") : std::string(1, c);
  return quoted + "'";
}

/// Runs a program with arguments taken as they are, and nothing to read.
inline Outcome run_program(const std::string& program, const std::vector<std::string>& arguments) {
  const TempFolder folder;
  std::string command = shell_quoted(program);
  for (const std::string& argument : arguments) command.append(" ").append(shell_quoted(argument));
  command.append(" </dev/null 2>").append(shell_quoted(folder.path("stderr")));
  std::FILE* pipe = ::popen(command.c_str(), "r");
  if (pipe == nullptr) throw std::runtime_error(command + ": cannot be started");
  Outcome outcome;
  char bytes[4096];
  for (std::size_t count = 0; (count = std::fread(bytes, 1, sizeof bytes, pipe)) > 0;) {
    outcome.out.append(bytes, count);
  }
  const int status = ::pclose(pipe);
  if (WIFEXITED(status)) outcome.exit_code = WEXITSTATUS(status);
  outcome.err = folder.read("stderr");
  return outcome;
}

/// Runs the built program.
inline Outcome run_cleave(const std::vector<std::string>& arguments) {
  return run_program(CLEAVE_BINARY, arguments);
}

}  // namespace cleave::testing
