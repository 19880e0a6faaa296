#include "sim/metrics/results_folder.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <fstream>
#include <string_view>

#include "sim/base/error.h"
#include "sim/base/files.h"
#include "sim/metrics/link_figures.h"

namespace cleave {

namespace fs = std::filesystem;

namespace {

constexpr std::array<std::string_view, 6> kNames{"summary.json", "scenario.json", "requests.csv",
                                                 "machines.csv", "links.csv",     "series.csv"};

/// What lies in a folder, or at its place, that no run of ours has left there; "" for nothing.
std::string foreign_content(const fs::path& place) {
  std::error_code error;
  if (!fs::exists(place, error)) return "";
  if (!fs::is_directory(place, error)) return "a file";
  bool empty = true;
  for (fs::directory_iterator entry(place, error), end; entry != end; entry.increment(error)) {
    const std::string name = entry->path().filename().string();
    if (std::find(kNames.begin(), kNames.end(), name) == kNames.end()) return name;
    empty = false;
  }
  // A file of the same name alone may be anybody's.
  const bool ours = file_exists(place / "summary.json") && file_exists(place / "scenario.json");
  return empty || ours ? "" : "only a part of the files of a result";
}

}  // namespace

ResultsFolder::ResultsFolder(const std::string& folder) {
  std::error_code error;
  // Absolute first: of a path with nothing there, weakly_canonical() makes no absolute one.
  place_ = fs::weakly_canonical(fs::absolute(behind_links(folder), error), error);
  if (error) throw InputError("--out " + folder + ": cannot be made: " + error.message());
  if (place_.filename().empty()) place_ = place_.parent_path();
  const std::string foreign = foreign_content(place_);
  if (!foreign.empty()) {
    throw InputError("--out " + folder + ": holds something that is not a result of cleave (" +
                     foreign + "); expected a new folder");
  }
  std::vector<fs::path> new_parents;
  for (fs::path up = place_.parent_path(); !fs::exists(up, error); up = up.parent_path()) {
    new_parents.push_back(up);
  }
  for (auto up = new_parents.rbegin(); up != new_parents.rend(); ++up)
    unfinished_.emplace_back(*up);
  partial_ = beside(".partial-");
  unfinished_.emplace_back(partial_);
  fs::create_directories(partial_, error);
  if (error) throw InputError("--out " + folder + ": cannot be made: " + error.message());
}

ResultsFolder::UnfinishedOnes::~UnfinishedOnes() {
  while (!empty()) pop_back();
}

fs::path ResultsFolder::beside(const char* ending) const {
  fs::path path = place_;
  path += ending + std::to_string(getpid());
  return path;
}

std::string ResultsFolder::file(const std::string& name) {
  return unfinished_.emplace_back(partial_ / name).path();
}

void ResultsFolder::write(const std::string& name, const std::string& text) {
  const std::string path = file(name);
  std::ofstream out(path, std::ios::binary);
  out << text;
  out.close();
  if (!out) throw InputError(path + ": cannot be written");
}

void ResultsFolder::complete(const Json& summary, const Metrics& metrics, const Json& scenario) {
  write("summary.json", summary.dump(1) + "\n");
  write("scenario.json", scenario.dump(2) + "\n");
  write("machines.csv", metrics.pools().machines_csv());
  std::string links = link_figures().csv_header();
  for (const LinkUse& link : metrics.links()) {
    link_figures().add_csv_line(links, link, Digits::kSeventeen);
  }
  write("links.csv", links);
  write("series.csv", metrics.pools().series_csv());
  take_place();
}

void ResultsFolder::take_place() {
  // Another run may take the same place at the same moment.
  constexpr int kTries = 10;
  std::error_code error;
  for (int i = 0; i < kTries; ++i) {
    // What somebody has put there during the run stays. Of an earlier result the files now stand
    // under the names of the unfinished ones, and go with them.
    if (foreign_content(place_).empty() &&
        renameat2(AT_FDCWD, partial_.c_str(), AT_FDCWD, place_.c_str(), RENAME_EXCHANGE) == 0) {
      return;
    }
    if (replace(error)) return;
  }
  throw InputError(place_.string() + ": cannot be written: " + error.message());
}

/// Where the file system cannot exchange two folders, or there is nothing yet to exchange with.
bool ResultsFolder::replace(std::error_code& error) {
  std::error_code ignored;
  const fs::path earlier = beside(".earlier-");
  if (foreign_content(place_).empty()) fs::rename(place_, earlier, ignored);
  fs::rename(partial_, place_, error);
  if (error) fs::rename(earlier, place_, ignored);
  if (file_exists(place_)) fs::remove_all(earlier, ignored);
  if (!error) {
    for (Unfinished& file : unfinished_) file.keep();
  }
  return !error;
}

}  // namespace cleave
