#include "sim/cli/sweep_progress.h"

#include <string>

#include "sim/report/table.h"

namespace cleave {

void SweepProgress::show(std::uint64_t done, std::uint64_t total, std::uint64_t already,
                         std::uint64_t failed) {
  if (!status_.due()) return;
  const auto since = static_cast<double>(done - already);
  const double share = static_cast<double>(done) / static_cast<double>(total);
  std::string line = progress_bar(share) + " " + percent(share) + ", " +
                     grouped(static_cast<double>(done)) + " of " +
                     grouped(static_cast<double>(total)) + " points";
  if (failed > 0) line += ", " + grouped(static_cast<double>(failed)) + " failed";
  if (since > 0) {
    const double rate = since / status_.seconds();
    line += ", " + figure(rate) + "/s, " + rounded_time(static_cast<double>(total - done) / rate) +
            " left";
  }
  status_.show(line);
}

}  // namespace cleave
