#pragma once

#include <filesystem>
#include <list>
#include <string>
#include <system_error>

#include "sim/base/unfinished.h"
#include "sim/metrics/metrics.h"

namespace cleave {

/// A folder of result files that appears complete or not at all: it is filled beside its place
/// under another name, and takes the place when it is complete. Results of an earlier run there are
/// replaced; a folder that holds anything else is refused and left as it is.
class ResultsFolder {
 public:
  /// Throws InputError if `folder` holds something else, or cannot be made.
  explicit ResultsFolder(const std::string& folder);
  ResultsFolder(const ResultsFolder&) = delete;
  ResultsFolder& operator=(const ResultsFolder&) = delete;

  /// Where a file of this name is to be written.
  std::string file(const std::string& name);
  /// Adds all others but requests.csv, and takes the place.
  void complete(const Json& summary, const Metrics& metrics, const Json& scenario);

 private:
  /// The last one made goes first: files before their folder.
  struct UnfinishedOnes : std::list<Unfinished> {
    ~UnfinishedOnes();
  };

  std::filesystem::path beside(const char* ending) const;
  void write(const std::string& name, const std::string& text);
  void take_place();
  bool replace(std::error_code& error);

  std::filesystem::path place_;
  std::filesystem::path partial_;
  UnfinishedOnes unfinished_;
};

}  // namespace cleave
