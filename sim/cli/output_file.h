#pragma once

#include <filesystem>
#include <fstream>
#include <optional>
#include <ostream>
#include <string>

#include "sim/base/unfinished.h"

namespace cleave {

/// A file that a subcommand writes: whole, or not at all. Text goes to a temporary file beside it,
/// which commit() renames; without commit() nothing is left. What already stands under the name
/// stays until then. "-" is standard output; pipes and devices are written straight away.
/// Errors are InputErrors that name the option and the file.
class OutputFile {
 public:
  /// `place` is the option that gave `name` ("--out").
  OutputFile(std::string name, std::string place);
  OutputFile(const OutputFile&) = delete;
  OutputFile& operator=(const OutputFile&) = delete;

  std::ostream& stream();
  /// For what writes files itself: where it all is until commit(). Throws where it goes to no file.
  std::string path() const;
  bool is_stdout() const { return name_ == "-"; }
  const std::string& name() const { return name_; }
  /// Call once everything was written. Throws if the disk did not take it all.
  void commit();

 private:
  [[noreturn]] void fail(const std::string& why) const;

  std::string name_;
  std::string place_;
  std::filesystem::path target_;
  std::optional<Unfinished> partial_;  ///< nothing where there is nothing to rename
  std::ofstream file_;
};

}  // namespace cleave
