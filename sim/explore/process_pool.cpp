#include "sim/explore/process_pool.h"

#include <poll.h>
#include <sched.h>

#include <algorithm>
#include <list>
#include <vector>

#include "sim/base/child_process.h"
#include "sim/base/error.h"

namespace cleave {

namespace {

struct Job {
  std::size_t number;
  ChildProcess process;
};

JobResult collect(ChildProcess& process) {
  try {
    return {process.result(), ""};
  } catch (const std::exception& error) {
    const bool died = dynamic_cast<const ChildDied*>(&error) != nullptr ||
                      dynamic_cast<const BrokenInvariant*>(&error) != nullptr;
    return {"", sentence_of(error), died, std::current_exception()};
  }
}

}  // namespace

void run_jobs(std::size_t parallel, const std::function<bool(std::size_t& job)>& next,
              const std::function<std::string(std::size_t job)>& work,
              const std::function<void(std::size_t job, const JobResult& result)>& done) {
  std::list<Job> running;
  bool more = true;
  while (more || !running.empty()) {
    while (more && running.size() < std::max<std::size_t>(1, parallel)) {
      std::size_t job = 0;
      more = next(job);
      if (more) running.push_back({job, ChildProcess([&] { return work(job); })});
    }
    std::vector<pollfd> waiting;
    for (const Job& job : running) waiting.push_back({job.process.descriptor(), POLLIN, 0});
    if (waiting.empty()) continue;
    poll(waiting.data(), waiting.size(), -1);
    auto ready = waiting.begin();
    for (auto job = running.begin(); job != running.end(); ++ready) {
      if (ready->revents == 0 || !job->process.read()) {
        ++job;
        continue;
      }
      const JobResult result = collect(job->process);
      const std::size_t number = job->number;
      job = running.erase(job);
      done(number, result);
    }
  }
}

std::size_t usable_cores() {
  cpu_set_t cores;
  CPU_ZERO(&cores);
  if (sched_getaffinity(0, sizeof cores, &cores) != 0) return 1;
  return static_cast<std::size_t>(std::max(1, CPU_COUNT(&cores)));
}

}  // namespace cleave
