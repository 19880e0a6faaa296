#pragma once

#include <cstdint>
#include <string>

#include "sim/base/error.h"

namespace cleave {

/// Collects what is wrong with a file, to say it all at once: a line each, the first 20 of them.
class Defects {
 public:
  explicit Defects(std::string file) : file_(std::move(file)) {}

  /// `line` is where, from 1; 0: nowhere in particular.
  void add(std::uint64_t line, const std::string& what) {
    constexpr std::size_t kMost = 20;
    if (++count_ > kMost) {
      ++unsaid_;
      return;
    }
    if (!text_.empty()) text_ += '\n';
    text_ += place(line) + ": " + what;
  }
  /// Throws InputError if there are any.
  void check() const {
    if (count_ == 0) return;
    throw InputError(unsaid_ == 0 ? text_ : text_ + "\nand " + std::to_string(unsaid_) + " more");
  }
  /// "measured.csv:12"
  std::string place(std::uint64_t line) const {
    return line == 0 ? file_ : file_ + ":" + std::to_string(line);
  }

 private:
  std::string file_;
  std::string text_;
  std::size_t count_ = 0;
  std::size_t unsaid_ = 0;
};

}  // namespace cleave
