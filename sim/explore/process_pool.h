#pragma once

#include <cstddef>
#include <exception>
#include <functional>
#include <string>

namespace cleave {

/// What became of a job: its text, or the sentence that says why there is none.
struct JobResult {
  std::string text;
  std::string error;  ///< "" where the job succeeded
  /// It is not to blame: a signal ended it, or a mistake of ours. Tried again, or by a later
  /// version, it may succeed.
  bool died = false;
  std::exception_ptr thrown = nullptr;  ///< what `error` tells of
};

/// Runs jobs in child processes, at most `parallel` at a time. `next` gives the number of the next
/// job to start (false: no more, for now and ever); `work(job)` runs in the child; `done` is called
/// here, one job at a time, in the order in which they end. What `next` or `done` throws ends the
/// jobs that still run.
void run_jobs(std::size_t parallel, const std::function<bool(std::size_t& job)>& next,
              const std::function<std::string(std::size_t job)>& work,
              const std::function<void(std::size_t job, const JobResult& result)>& done);

/// How many processes to run at once: the cores this process may use.
std::size_t usable_cores();

}  // namespace cleave
