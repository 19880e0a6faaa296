#include "sim/cli/sweep_progress.h"

#include <cstdio>
#include <string>

#include "sim/cli/progress.h"
#include "sim/report/table.h"

namespace cleave {

SweepProgress::SweepProgress(bool quiet) : quiet_(quiet), terminal_(is_terminal(2)) {
  if (!terminal_) next_ += std::chrono::seconds(10);
}

SweepProgress::~SweepProgress() {
  if (shown_ && terminal_) std::fputs("\r\033[K", stderr);
}

void SweepProgress::show(std::uint64_t done, std::uint64_t total, std::uint64_t already,
                         std::uint64_t failed) {
  const Clock::time_point now = Clock::now();
  if (quiet_ || now < next_) return;
  next_ = now + (terminal_ ? std::chrono::milliseconds(200) : std::chrono::seconds(10));
  const double wall_s = std::chrono::duration<double>(now - start_).count();
  const auto since = static_cast<double>(done - already);
  const double share = static_cast<double>(done) / static_cast<double>(total);
  std::string line = progress_bar(share) + " " + percent(share) + ", " +
                     grouped(static_cast<double>(done)) + " of " +
                     grouped(static_cast<double>(total)) + " points";
  if (failed > 0) line += ", " + grouped(static_cast<double>(failed)) + " failed";
  if (since > 0 && wall_s > 0) {
    const double rate = since / wall_s;
    line += ", " + figure(rate) + "/s, " + rounded_time(static_cast<double>(total - done) / rate) +
            " left";
  }
  std::fprintf(stderr, terminal_ ? "\r\033[K%s" : "%s\n", line.c_str());
  shown_ = true;
}

}  // namespace cleave
