#include "sim/cli/progress.h"

#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>

#include "sim/report/table.h"

namespace cleave {

bool is_terminal(int stream) { return isatty(stream) == 1; }

bool wants_colours(int stream) {
  const char* no_color = std::getenv("NO_COLOR");
  return is_terminal(stream) && (no_color == nullptr || *no_color == '\0');
}

std::string progress_bar(double share) {
  constexpr std::size_t kWidth = 24;
  const auto full = static_cast<std::size_t>(share * static_cast<double>(kWidth));
  return "[" + std::string(full, '#') + std::string(kWidth - full, '.') + "]";
}

std::string rounded_time(double seconds) {
  constexpr long kMinute = 60;
  constexpr long kHour = 3600;
  const long whole = std::lround(seconds);
  if (whole < 2 * kMinute) return std::to_string(whole) + " s";
  if (whole < 2 * kHour) {
    return std::to_string(whole / kMinute) + " min " + std::to_string(whole % kMinute) + " s";
  }
  return std::to_string(whole / kHour) + " h " + std::to_string(whole % kHour / kMinute) + " min";
}

Progress::Progress(double expected_requests) : expected_(expected_requests) {}

Progress::~Progress() {
  if (shown_) std::fputs("\r\033[K", stderr);
}

void Progress::arrived(double time_s) {
  constexpr std::uint64_t kEvery = 4096;
  simulated_s_ = time_s;
  if (++arrived_ % kEvery == 0 && Clock::now() >= next_) show();
}

void Progress::show() {
  using std::chrono::duration;
  next_ += std::chrono::milliseconds(200);
  const double wall_s = duration<double>(Clock::now() - start_).count();
  const double rate = static_cast<double>(arrived_) / wall_s;
  std::string line;
  const double left = expected_ - static_cast<double>(arrived_);
  if (left > 0) {
    const double share = static_cast<double>(arrived_) / expected_;
    line =
        progress_bar(share) + " " + percent(share) + ", " + rounded_time(left / rate) + " left, ";
  }
  line += "simulating " + figure(rate) + " requests/s, at " + figure(simulated_s_) + " s";
  std::fprintf(stderr, "\r\033[K%s", line.c_str());
  shown_ = true;
}

}  // namespace cleave
