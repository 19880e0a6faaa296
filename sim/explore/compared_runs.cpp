#include "sim/explore/compared_runs.h"

#include <algorithm>
#include <filesystem>
#include <map>
#include <utility>

#include "sim/base/error.h"
#include "sim/explore/named_points.h"
#include "sim/explore/process_pool.h"
#include "sim/scenario/pool_latency.h"
#include "sim/scenario/resolve.h"
#include "sim/simulation.h"

namespace cleave {

namespace {

namespace fs = std::filesystem;
using BySeed = std::map<std::uint64_t, Json>;

/// What the user gave: a run, a scenario to be run, or runs of several seeds.
struct Input {
  std::string name;
  std::optional<Json> summary;
  std::optional<Json> scenario;
  BySeed by_seed;
};

/// A summary has what identifies its run; nothing else is taken for granted.
void check_summary(const Json& summary, const std::string& name) {
  JsonReader reader(summary, name);
  reader.number("schema_version");
  reader.text("workload_hash");
  reader.text("scenario_hash");
  reader.object("requests").number("arrived");
}

std::uint64_t seed_of(const Json& scenario, const std::string& place) {
  constexpr std::int64_t kMost = 1'000'000'000'000;
  JsonReader reader(scenario, place);
  return static_cast<std::uint64_t>(reader.object("workload").integer("seed", 0, kMost, 1));
}

Json with_seed(Json scenario, std::uint64_t seed) {
  scenario["workload"]["seed"] = seed;
  return scenario;
}

Json read_and_check(const std::string& name) {
  ScenarioSources sources;
  sources.file = name;
  try {
    const Json document = merge_scenario(sources);
    ProfileUse().add(read_scenario(document)).check();
    return document;
  } catch (const InputError& error) {
    const std::string what = error.what();
    throw InputError(what.starts_with(name) ? what : name + ": " + what);
  }
}

/// The points that a database has under a name, by seed; their scenarios must be alike in all else.
BySeed read_points(const std::string& name, const PointsName& points) {
  BySeed by_seed;
  std::optional<Json> alike;
  for (const NamedPoint& point : read_named_points(points)) {
    check_summary(point.summary, name);
    const std::uint64_t seed = seed_of(point.scenario, name);
    const Json others = with_seed(point.scenario, 0);
    if (alike.value_or(others) != others || !by_seed.emplace(seed, point.summary).second) {
      throw InputError(name +
                       ": has points that differ in more than workload.seed; expected one scenario "
                       "with several seeds" +
                       (points.name.empty() ? ", or DB:NAME for the points of one name" : ""));
    }
    alike = others;
  }
  return by_seed;
}

Input read_input(const std::string& name) {
  if (const auto points = points_name(name)) return {name, {}, {}, read_points(name, *points)};
  std::string file = name;
  std::error_code ignored;
  if (fs::is_directory(name, ignored)) {
    file = (fs::path(name) / "summary.json").string();
    if (!fs::exists(file, ignored)) {
      throw InputError(name +
                       ": has no summary.json; expected a folder of results, a summary or a "
                       "scenario");
    }
  }
  const Json document = load_json(file);
  if (file != name || (document.is_object() && document.contains("schema_version"))) {
    check_summary(document, file);
    return {name, document, {}, {}};
  }
  return {name, {}, read_and_check(name), {}};
}

/// The seeds that both sides are to have; none where each is one run as it is.
std::vector<std::uint64_t> seeds_of(const std::vector<Input>& inputs, std::uint64_t wanted) {
  std::vector<std::uint64_t> seeds;
  for (const Input& input : inputs) {
    if (!seeds.empty()) break;
    for (const auto& [seed, summary] : input.by_seed) seeds.push_back(seed);
  }
  for (const Input& input : inputs) {
    if (!seeds.empty() || wanted == 1) break;
    if (!input.scenario) continue;
    const std::uint64_t first = seed_of(*input.scenario, input.name);
    for (std::uint64_t i = 0; i < wanted; ++i) seeds.push_back(first + i);
  }
  return seeds;
}

/// What is there already must be of these seeds.
void check_seeds(const Input& input, const std::vector<std::uint64_t>& seeds) {
  std::string expected;
  for (const std::uint64_t seed : seeds) {
    expected += (expected.empty() ? "" : ", ") + std::to_string(seed);
  }
  if (input.summary && !seeds.empty()) {
    throw InputError(input.name +
                     ": is one run; expected a scenario, or a sweep's database, for the seeds " +
                     expected);
  }
  if (input.by_seed.empty()) return;
  std::vector<std::uint64_t> has;
  for (const auto& [seed, summary] : input.by_seed) has.push_back(seed);
  if (has != seeds) {
    throw InputError(input.name + ": has runs of other seeds; expected the seeds " + expected);
  }
}

/// A simulation to do, and whose it is.
struct Job {
  std::size_t input;
  Json scenario;
};

/// The summaries of `jobs`, in their order.
std::vector<Json> simulate(const std::vector<Job>& jobs, const std::vector<Input>& inputs,
                           std::size_t parallel) {
  std::vector<Json> summaries(jobs.size());
  std::vector<std::string> errors(jobs.size());
  std::size_t next = 0;
  run_jobs(
      parallel,
      [&](std::size_t& job) {
        job = next++;
        return job < jobs.size();
      },
      [&](std::size_t job) {
        return Simulation(read_scenario(jobs[job].scenario)).alone().run().dump();
      },
      [&](std::size_t job, const JobResult& result) {
        const std::string& name = inputs[jobs[job].input].name;
        if (result.thrown != nullptr && !result.died) {
          errors[job] = name + ": " + result.error;
        } else if (result.thrown != nullptr) {
          std::rethrow_exception(result.thrown);
        } else {
          summaries[job] = parse_json(result.text, name);
        }
      });
  // The first in order, whichever ended first.
  for (const std::string& error : errors) {
    if (!error.empty()) throw InputError(error);
  }
  return summaries;
}

/// Several runs that are all the same have no noise to tell a change from.
void check_noise(const ComparedRuns& runs) {
  const Json& first = runs.summaries.front();
  const auto same = [&](const Json& summary) {
    return summary.value("ttft", Json()) == first.value("ttft", Json()) &&
           summary.value("e2e", Json()) == first.value("e2e", Json());
  };
  if (runs.summaries.size() > 1 &&
      std::all_of(runs.summaries.begin(), runs.summaries.end(), same)) {
    throw InputError(runs.name +
                     ": serves the same requests in the same way under every seed; expected a "
                     "workload that workload.seed draws, or one run without --seeds");
  }
}

}  // namespace

std::vector<ComparedRuns> load_compared(const std::string& base, const std::string& changed,
                                        const SeedsWanted& wanted) {
  const std::vector<Input> inputs{read_input(base), read_input(changed)};
  const std::vector<std::uint64_t> seeds = seeds_of(inputs, wanted.count);
  if (wanted.count > 1 && seeds.size() != wanted.count) {
    throw InputError("--seeds " + std::to_string(wanted.count) + ": expected " +
                     (seeds.empty() ? "scenarios to run, found runs that are done"
                                    : "as many as " + base + " and " + changed + " have, " +
                                          std::to_string(seeds.size())));
  }
  std::vector<Job> jobs;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    check_seeds(inputs[i], seeds);
    if (!inputs[i].scenario) continue;
    if (seeds.empty()) jobs.push_back({i, *inputs[i].scenario});
    for (const std::uint64_t seed : seeds) {
      jobs.push_back({i, with_seed(*inputs[i].scenario, seed)});
    }
  }
  std::vector<ComparedRuns> runs;
  for (const Input& input : inputs) {
    runs.push_back({input.name, {}});
    if (input.summary) runs.back().summaries.push_back(*input.summary);
    for (const auto& [seed, summary] : input.by_seed) runs.back().summaries.push_back(summary);
  }
  std::vector<Json> simulated = simulate(jobs, inputs, wanted.parallel);
  for (std::size_t i = 0; i < jobs.size(); ++i) {
    runs[jobs[i].input].summaries.push_back(std::move(simulated[i]));
  }
  check_noise(runs.front());
  return runs;
}

}  // namespace cleave
