#include "sim/cli/progress.h"

#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include "sim/report/table.h"

namespace cleave {

bool is_terminal(int stream) { return isatty(stream) == 1; }

bool wants_colours(int stream) {
  const char* no_color = std::getenv("NO_COLOR");
  return is_terminal(stream) && (no_color == nullptr || *no_color == '\0');
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
  std::string line = grouped(static_cast<double>(done_)) + " requests done, " + figure(rate) +
                     "/s, simulated " + figure(simulated_s_) + " s";
  if (expected_ > static_cast<double>(arrived_)) {
    line += ", " + percent(static_cast<double>(arrived_) / expected_) + ", " +
            figure((expected_ - static_cast<double>(arrived_)) / rate) + " s left";
  }
  std::fprintf(stderr, "\r\033[K%s", line.c_str());
  shown_ = true;
}

}  // namespace cleave
