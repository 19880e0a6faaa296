#include "sim/explore/sweep.h"

#include <algorithm>

#include "sim/base/error.h"
#include "sim/scenario/pool_latency.h"
#include "sim/scenario/resolve.h"
#include "sim/simulation.h"

namespace cleave {

namespace {

/// That every file of latency.profiles is used by some point; looks no further than it must.
void check_profiles(const SweepSpec& spec) {
  ProfileUse profiles;
  for (std::uint64_t point = 0; point < spec.size(); ++point) {
    try {
      profiles.add(read_scenario(spec.scenario(point)));
    } catch (const InputError&) {
      continue;  // recorded when its turn comes
    }
    if (profiles.all_used()) return;
  }
  profiles.check();
}

}  // namespace

void check_readable(const SweepSpec& spec) {
  constexpr std::uint64_t kMostTried = 1000;
  std::string first;
  const std::uint64_t tried = std::min(spec.size(), kMostTried);
  for (std::uint64_t point = 0; point < tried; ++point) {
    try {
      read_scenario(spec.scenario(point));
    } catch (const InputError& error) {
      if (first.empty()) first = error.what();
      continue;
    }
    check_profiles(spec);
    return;
  }
  throw InputError("no point of the sweep can run; the first: " + first);
}

PointQueue::PointQueue(const SweepSpec& spec, ResultsStore& store, Shard shard,
                       std::function<void(const PointQueue&)> changed)
    : spec_(spec), store_(store), shard_(shard), changed_(std::move(changed)) {
  for (std::uint64_t point = 0; point < spec.size(); ++point) {
    if (!shard.has(point)) continue;
    ++total_;
    if (store.has(point)) ++already_;
    if (store.failed(point)) ++failed_;
  }
}

bool PointQueue::next(std::size_t& point, std::string& scenario) {
  for (; next_ < spec_.size(); ++next_) {
    if (!shard_.has(next_) || store_.has(next_)) continue;
    point = next_;
    try {
      const Json document = spec_.scenario(next_);
      scenario = document.dump();
      running_.emplace(point, document);
      ++next_;
      return true;
    } catch (const InputError& error) {
      store(point, nullptr, {"", error.what()});
    }
  }
  return false;
}

void PointQueue::record(std::size_t point, const JobResult& result) {
  store(point, running_.at(point), result);
  running_.erase(point);
}

void PointQueue::store(std::size_t point, const Json& scenario, const JobResult& result) {
  store_.add(point, scenario, result);
  ++done_;
  if (!result.error.empty()) ++failed_;
  changed_(*this);
}

std::string run_point(const std::string& scenario) {
  Simulation simulation(read_scenario(Json::parse(scenario)));
  return compact_summary(simulation.alone().brief().run()).dump();
}

void run_point_jobs(std::size_t parallel,
                    const std::function<bool(std::size_t& point, std::string& scenario)>& next,
                    const std::function<void(std::size_t point, const JobResult& result)>& done) {
  // A job is started as soon as it is handed out: one text is enough.
  std::string scenario;
  run_jobs(
      parallel, [&](std::size_t& point) { return next(point, scenario); },
      [&](std::size_t) { return run_point(scenario); }, done);
}

void run_points(PointQueue& queue, std::size_t parallel) {
  run_point_jobs(
      parallel,
      [&](std::size_t& point, std::string& scenario) { return queue.next(point, scenario); },
      [&](std::size_t point, const JobResult& result) { queue.record(point, result); });
}

}  // namespace cleave
