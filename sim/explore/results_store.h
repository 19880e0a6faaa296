#pragma once

#include <memory>
#include <vector>

#include "sim/explore/database.h"
#include "sim/explore/metric_columns.h"
#include "sim/explore/process_pool.h"
#include "sim/explore/sweep_spec.h"

namespace cleave {

/// Keeps other processes from writing to a results database; let go when this process and its
/// children have ended, however they end.
class WriterLock {
 public:
  /// Throws InputError where another process has it.
  explicit WriterLock(const std::string& file);
  ~WriterLock();
  WriterLock(const WriterLock&) = delete;
  WriterLock& operator=(const WriterLock&) = delete;

 private:
  int descriptor_ = -1;
};

/// The results of a sweep in a SQLite file: one row for every point that was run, in a transaction
/// of its own. docs/sweeps.md has the schema.
class ResultsStore {
 public:
  /// Creates the file, or goes on with one that was made for the same sweep. One without a point
  /// that was done begins anew; any other is refused with an InputError, and left as it is.
  ResultsStore(const std::string& file, const SweepSpec& spec);

  /// Whether it is done or has failed; what has died is to be tried again.
  bool has(std::uint64_t point) const { return recorded_[point] != Status::kMissing; }
  bool failed(std::uint64_t point) const { return recorded_[point] == Status::kFailed; }
  /// `result.text` is the compact summary; `scenario` is null where it could not even be made.
  void add(std::uint64_t point, const Json& scenario, const JobResult& result);
  /// Takes out the points that failed or died, to be run again.
  void forget_failures();

 private:
  enum class Status : std::uint8_t { kMissing, kDone, kFailed };

  bool goes_on() const;
  std::string why_another_sweep() const;
  void create();
  void read_recorded();

  const SweepSpec& spec_;
  WriterLock lock_;  // closed after the database: that lets go of SQLite's locks too
  mutable Database database_;
  std::vector<MetricColumn> metrics_;
  std::vector<Status> recorded_;
  std::unique_ptr<Statement> insert_;
};

/// Throws InputError where `database` was not made by `cleave sweep`, or by a program with another
/// schema.
void check_is_results(Database& database);

/// What the table "sweep" says about `key`.
std::string sweep_fact(Database& database, const std::string& key);
/// The same of "points" and of "paths".
std::uint64_t sweep_size(Database& database);
std::vector<std::string> varied_paths(Database& database);

struct MergeCount {
  std::uint64_t merged = 0;  ///< points in the result
  std::uint64_t points = 0;  ///< of the sweep
};
/// Puts the points of `inputs` into the database `name`, which is created where it does not exist.
/// A point that succeeded in one of them counts as such. All must be of the same sweep.
MergeCount merge_results(const std::string& name, const std::vector<std::string>& inputs);

}  // namespace cleave
