#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "sim/metrics/observer.h"

namespace cleave {

/// Whether to write for a person: `stream` (1 or 2) is a terminal; colours also want NO_COLOR
/// unset.
bool is_terminal(int stream);
bool wants_colours(int stream);

/// "[######..................]" for a quarter.
std::string progress_bar(double share);
/// "90 s", "12 min 5 s", "3 h 20 min".
std::string rounded_time(double seconds);

/// A line on stderr that says how far a run is, from its second second on; nothing where stderr is
/// no terminal.
class Progress : public Observer {
 public:
  explicit Progress(double expected_requests);
  ~Progress() override;
  void arrived(double time_s) override;

 private:
  using Clock = std::chrono::steady_clock;
  void show();

  bool shown_ = false;
  double expected_;
  double simulated_s_ = 0;
  std::uint64_t arrived_ = 0;
  Clock::time_point start_ = Clock::now();
  Clock::time_point next_ = start_ + std::chrono::seconds(1);
};

}  // namespace cleave
