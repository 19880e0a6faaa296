#pragma once

#include <functional>
#include <map>

#include "sim/explore/results_store.h"
#include "sim/explore/shard.h"

namespace cleave {

/// Throws InputError where no point has a scenario that can be read: a mistake in the specification
/// rather than in some points. The first ones speak for the others.
void check_readable(const SweepSpec& spec);

/// The points of a sweep (or of a shard of it) that its database does not have yet: hands them out
/// and takes the results, in whatever order they come.
class PointQueue {
 public:
  /// `changed` is called after every result.
  PointQueue(const SweepSpec& spec, ResultsStore& store, Shard shard,
             std::function<void(const PointQueue&)> changed);

  /// The next point to run and its scenario; false: no more.
  bool next(std::size_t& point, std::string& scenario);
  void record(std::size_t point, const JobResult& result);

  std::uint64_t total() const { return total_; }
  std::uint64_t already() const { return already_; }  ///< recorded before this began
  std::uint64_t done() const { return done_; }        ///< recorded since, failures too
  std::uint64_t failed() const { return failed_; }    ///< of all that are recorded

 private:
  void store(std::size_t point, const Json& scenario, const JobResult& result);

  const SweepSpec& spec_;
  ResultsStore& store_;
  Shard shard_;
  std::function<void(const PointQueue&)> changed_;
  std::map<std::size_t, Json> running_;  ///< scenarios by point
  std::uint64_t next_ = 0;
  std::uint64_t total_ = 0;
  std::uint64_t already_ = 0;
  std::uint64_t done_ = 0;
  std::uint64_t failed_ = 0;
};

/// Runs a scenario given as JSON text; the compact summary. Once per process.
std::string run_point(const std::string& scenario);

/// Runs all points of `queue`, `parallel` at a time, each in a process of its own.
void run_points(PointQueue& queue, std::size_t parallel);

/// run_jobs() for points whose scenarios come as text: `next` gives both.
void run_point_jobs(std::size_t parallel,
                    const std::function<bool(std::size_t& point, std::string& scenario)>& next,
                    const std::function<void(std::size_t point, const JobResult& result)>& done);

}  // namespace cleave
