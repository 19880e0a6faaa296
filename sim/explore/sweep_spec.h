#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "sim/explore/constraint.h"

namespace cleave {

/// A family of scenarios: one base, and what varies in it (docs/sweeps.md has the format). Its
/// points are the combinations that satisfy every constraint, numbered from 0; the last path varies
/// fastest. What does not vary is the same at every point, the seed of the workload too: all points
/// see the same requests.
class SweepSpec {
 public:
  /// `spec` as in a file; `settings` ("path=value") change its base. `place` names the file.
  SweepSpec(const Json& spec, const std::string& place,
            const std::vector<std::string>& settings = {});

  std::uint64_t size() const { return constraints_.empty() ? grid_size_ : chosen_.size(); }
  /// The complete scenario of a point, as a document.
  Json scenario(std::uint64_t point) const;

  /// What varies, in order.
  const std::vector<std::string>& paths() const { return paths_; }
  /// The values of paths() at a point; null where a listed point says nothing.
  std::vector<Json> values(std::uint64_t point) const;

  const Json& base() const { return base_; }
  /// Base, axes, constraints and the contents of files: what fixes the points and their results.
  const Json& resolved() const { return resolved_; }
  std::string hash() const;

 private:
  struct Setting {
    std::string path;
    Json value;
  };
  /// One of the things an axis can be: a value of its path, or several paths set together.
  using Choice = std::vector<Setting>;
  using Axis = std::vector<Choice>;

  void read_axes(JsonReader& reader);
  void read_points(JsonReader& reader);
  void read_constraints(JsonReader& reader);
  void add_path(const std::string& path, const JsonReader& reader, const char* key);
  /// `visit` sees the settings of a place in the grid, constraints or not.
  template <class Visit>
  void for_each_setting(std::uint64_t place, const Visit& visit) const;
  /// Those of them that are paths of the scenario, and no names of points.
  template <class Visit>
  void for_each_path(std::uint64_t place, const Visit& visit) const;
  void choose_points();

  Json base_;
  Json resolved_;
  std::vector<std::string> paths_;
  std::vector<Axis> axes_;
  std::vector<Constraint> constraints_;
  std::uint64_t grid_size_ = 1;
  std::vector<std::uint64_t> chosen_;  ///< places in the grid that satisfy the constraints
};

/// Reads a specification: a file, or the name of one in profiles/sweeps.
SweepSpec load_sweep(const std::string& name, const std::vector<std::string>& settings = {});

}  // namespace cleave
