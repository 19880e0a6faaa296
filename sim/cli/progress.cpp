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

StatusLine::StatusLine(bool quiet)
    : quiet_(quiet),
      terminal_(is_terminal(2)),
      first_(start_ + std::chrono::seconds(terminal_ ? 1 : 10)),
      next_(first_) {}

StatusLine::~StatusLine() {
  // Shown by now, here or in a forked process.
  if (!quiet_ && terminal_ && Clock::now() >= first_) std::fputs("\r\033[K", stderr);
}

void StatusLine::show(const std::string& line) {
  next_ = Clock::now() + (terminal_ ? std::chrono::milliseconds(200) : std::chrono::seconds(10));
  std::fprintf(stderr, terminal_ ? "\r\033[K%s" : "%s\n", line.c_str());
}

double StatusLine::seconds() const {
  return std::chrono::duration<double>(Clock::now() - start_).count();
}

Progress::Progress(double expected_requests) : expected_(expected_requests) {}

void Progress::arrived(double time_s) {
  constexpr std::uint64_t kEvery = 4096;
  simulated_s_ = time_s;
  if (++arrived_ % kEvery == 0 && status_.due()) status_.show(line());
}

std::string Progress::line() const {
  const double rate = static_cast<double>(arrived_) / status_.seconds();
  const double left = expected_ - static_cast<double>(arrived_);
  std::string line;
  if (left > 0) {
    const double share = static_cast<double>(arrived_) / expected_;
    line =
        progress_bar(share) + " " + percent(share) + ", " + rounded_time(left / rate) + " left, ";
  }
  return line + "simulating " + figure(rate) + " requests/s, at " + figure(simulated_s_) + " s";
}

}  // namespace cleave
