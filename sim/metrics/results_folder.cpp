#include "sim/metrics/results_folder.h"

#include <unistd.h>

#include <fstream>
#include <sstream>

#include "sim/base/error.h"

namespace cleave {

namespace fs = std::filesystem;

ResultsFolder::ResultsFolder(const std::string& folder)
    : place_(fs::path(folder).lexically_normal()) {
  if (place_.filename().empty()) place_ = place_.parent_path();
  std::error_code error;
  if (fs::exists(place_, error)) {
    const bool ours = fs::is_directory(place_, error) &&
                      (fs::exists(place_ / "summary.json", error) || fs::is_empty(place_, error));
    if (!ours) {
      throw InputError("--out " + folder +
                       ": holds something that is not a result of cleave; expected a new folder");
    }
  }
  partial_ = place_;
  partial_ += ".partial-" + std::to_string(getpid());
  fs::create_directories(partial_, error);
  if (error) throw InputError("--out " + folder + ": cannot be made: " + error.message());
}

ResultsFolder::~ResultsFolder() {
  std::error_code ignored;
  if (!complete_) fs::remove_all(partial_, ignored);
}

void ResultsFolder::write(const std::string& name, const std::string& text) const {
  std::ofstream out(partial_ / name, std::ios::binary);
  out << text;
  out.close();
  if (!out) throw InputError((partial_ / name).string() + ": cannot be written");
}

void ResultsFolder::complete(const Json& summary, const Metrics& metrics, const Json& scenario) {
  write("summary.json", summary.dump(1) + "\n");
  write("scenario.json", scenario.dump(2) + "\n");
  std::ostringstream machines;
  metrics.pools().write_machines(machines);
  write("machines.csv", machines.str());
  std::ostringstream links;
  links.precision(17);
  links << "link,bandwidth_bytes_per_s,bytes,utilization,utilization_p99,above_90_share\n";
  for (const LinkUse& link : metrics.links()) {
    links << link.name << ',' << link.bandwidth_bps << ',' << link.bytes << ',' << link.mean << ','
          << link.p99 << ',' << link.above_90 << '\n';
  }
  write("links.csv", links.str());
  std::error_code error;
  fs::remove_all(place_, error);
  fs::rename(partial_, place_, error);
  if (error) throw InputError(place_.string() + ": cannot be written: " + error.message());
  complete_ = true;
}

}  // namespace cleave
