#include "sim/metrics/results_folder.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <sstream>
#include <string_view>

#include "sim/base/error.h"

namespace cleave {

namespace fs = std::filesystem;

namespace {

constexpr std::array<std::string_view, 5> kNames{"summary.json", "scenario.json", "requests.csv",
                                                 "machines.csv", "links.csv"};

/// What lies in a folder, or at its place, that no run of ours has left there; "" for nothing.
std::string foreign_content(const fs::path& place) {
  std::error_code error;
  if (!fs::exists(place, error)) return "";
  if (!fs::is_directory(place, error)) return "a file";
  bool empty = true;
  for (const auto& entry : fs::directory_iterator(place, error)) {
    const std::string name = entry.path().filename().string();
    if (std::find(kNames.begin(), kNames.end(), name) == kNames.end()) return name;
    empty = false;
  }
  // A file of the same name alone may be anybody's.
  const bool ours = fs::exists(place / "summary.json") && fs::exists(place / "scenario.json");
  return empty || ours ? "" : "only a part of the files of a result";
}

}  // namespace

ResultsFolder::ResultsFolder(const std::string& folder) {
  std::error_code error;
  // Absolute first: of a path with nothing there, weakly_canonical() makes no absolute one.
  place_ = fs::weakly_canonical(fs::absolute(folder, error), error);
  if (error) throw InputError("--out " + folder + ": cannot be made: " + error.message());
  if (place_.filename().empty()) place_ = place_.parent_path();
  const std::string foreign = foreign_content(place_);
  if (!foreign.empty()) {
    throw InputError("--out " + folder + ": holds something that is not a result of cleave (" +
                     foreign + "); expected a new folder");
  }
  for (fs::path up = place_.parent_path(); !fs::exists(up, error); up = up.parent_path()) {
    new_parents_.push_back(up);
  }
  partial_ = beside(".partial-");
  fs::create_directories(partial_, error);
  if (error) {
    remove_partial();
    throw InputError("--out " + folder + ": cannot be made: " + error.message());
  }
}

ResultsFolder::~ResultsFolder() {
  if (!complete_) remove_partial();
}

fs::path ResultsFolder::beside(const char* ending) const {
  fs::path path = place_;
  path += ending + std::to_string(getpid());
  return path;
}

void ResultsFolder::remove_partial() const {
  std::error_code ignored;
  fs::remove_all(partial_, ignored);
  for (const fs::path& parent : new_parents_) fs::remove(parent, ignored);
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
  take_place();
}

void ResultsFolder::take_place() {
  // What somebody has put there during the run stays; the old result goes once the new one is in.
  std::error_code error;
  const fs::path earlier = beside(".earlier-");
  if (foreign_content(place_).empty()) fs::rename(place_, earlier, error);
  fs::rename(partial_, place_, error);
  std::error_code ignored;
  if (error) {
    fs::rename(earlier, place_, ignored);
    throw InputError(place_.string() + ": cannot be written: " + error.message());
  }
  fs::remove_all(earlier, ignored);
  complete_ = true;
}

}  // namespace cleave
