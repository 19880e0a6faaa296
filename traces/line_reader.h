#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "traces/mapped_file.h"

namespace cleave {

/// The lines of a trace file, without allocation. Knows what every format shares: line numbers,
/// arrivals that never go back, a trace that is not empty.
class LineReader {
 public:
  explicit LineReader(const std::string& path);

  /// Moves to the next line that is not blank; false at the end of the file.
  bool next_line();
  /// The line without "\n" or "\r\n", and without a byte order mark.
  const char* begin() const { return line_begin_; }
  const char* end() const { return line_end_; }
  std::string_view text() const {
    return {line_begin_, static_cast<std::size_t>(line_end_ - line_begin_)};
  }
  std::uint64_t line() const { return line_; }

  /// Checks an arrival in seconds: in order, and not beyond kMaxArrivalS.
  double admit(double arrival_s);
  /// Throws if no arrival was ever admitted; called at the end of the file.
  void require_requests() const;
  /// Throws InputError "file:line: what".
  [[noreturn]] void fail(const std::string& what) const;

 private:
  MappedFile file_;
  const char* rest_;
  const char* line_begin_;
  const char* line_end_;
  std::uint64_t line_ = 0;
  double last_arrival_s_ = 0;
  bool any_ = false;
};

/// Foreign text as it can stand in a message: quoted, shortened, control characters shown as "?".
std::string quoted(std::string_view text);

}  // namespace cleave
