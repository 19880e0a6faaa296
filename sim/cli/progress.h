#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "sim/core/observer.h"

namespace cleave {

/// Whether to write for a person: `stream` (1 or 2) is a terminal; colours also want NO_COLOR
/// unset.
bool is_terminal(int stream);
bool wants_colours(int stream);

/// "[######..................]" for a quarter.
std::string progress_bar(double share);
/// "90 s", "12 min 5 s", "3 h 20 min".
std::string rounded_time(double seconds);

/// A line on stderr that is written again and again where that is a terminal, at most five times a
/// second from the second second on, and taken away at the end. Elsewhere the line is added every
/// ten seconds.
class StatusLine {
 public:
  explicit StatusLine(bool quiet = false);
  ~StatusLine();
  StatusLine(const StatusLine&) = delete;
  StatusLine& operator=(const StatusLine&) = delete;

  /// Whether it is time to show() the next one.
  bool due() const { return !quiet_ && Clock::now() >= next_; }
  void show(const std::string& line);
  double seconds() const;  ///< since it was made

 private:
  using Clock = std::chrono::steady_clock;

  bool quiet_;
  bool terminal_;
  Clock::time_point start_ = Clock::now();
  Clock::time_point first_;
  Clock::time_point next_;
};

/// Says how far a run is, on a terminal.
class Progress : public Observer {
 public:
  explicit Progress(double expected_requests);
  void arrived(double time_s) override;

 private:
  std::string line() const;

  StatusLine status_;
  double expected_;
  double simulated_s_ = 0;
  std::uint64_t arrived_ = 0;
};

}  // namespace cleave
