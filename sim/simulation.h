#pragma once

#include <memory>
#include <optional>
#include <string>

#include "sim/core/observer.h"
#include "sim/core/records.h"
#include "sim/scenario/scenario.h"
#include "sim/scheduling/scheduler.h"

namespace cleave {

/// The requests that a run of it will measure; nothing where completed requests decide which
/// arrive. Reads its whole workload. Throws InputError.
std::optional<ExpectedRequests> expected_requests(const Scenario& scenario);

/// One run of a scenario: at once to its end, or in steps between which its cluster can be looked
/// at. This is the one entry to the simulator, for `cleave` itself and for programs of others.
///
/// A process can have any number of them, one after another or side by side, from one thread. The
/// first to start runs in the process itself, those after it in processes of their own, forked from
/// a copy that the first leaves: the network engine's clock cannot be set back. Watchers are called
/// in this process all the same.
///
/// Throws InputError for what the scenario or a file has wrong, BrokenInvariant for a mistake of
/// ours. A simulation that has thrown while it ran can only be destroyed.
class Simulation {
 public:
  /// Of a scenario as read_scenario() gives it.
  explicit Simulation(Scenario scenario);
  /// Of the default scenario with `changes` on top, an object like a scenario file.
  static Simulation from(const Json& changes);
  ~Simulation();
  Simulation(Simulation&& other) noexcept;
  Simulation& operator=(Simulation&&) = delete;

  // Before it starts:

  /// Tells `watcher` of all that happens. It must outlive the run, and may throw to end it.
  Simulation& watch(Observer& watcher);
  /// Writes all result files to `folder` at the end; "" for none.
  Simulation& results_in(const std::string& folder);
  /// Ends the run as soon as some limit of its SLO is broken for certain; run() then gives
  /// {"lost": {"limits": ["ttft p99", ...], "at_s"}} instead of a summary, and no files are
  /// written. `expected` is expected_requests() of its scenario; `longer`: how many times as long
  /// everything takes as the run says.
  Simulation& until_lost(const ExpectedRequests& expected, double longer = 1);
  /// The summary leaves out what is drawn, and the units: cdf, pools[].over_time and
  /// pools[].batch_tokens_cdf. Not with results_in(), whose page draws them.
  Simulation& brief();
  /// run() gives only what says whether objectives are kept: of the summary "requests", "e2e",
  /// "classes", "slo" and "steady", and {"tokens": {"prompt", "output"}} of completed requests;
  /// what machines and networks do is not counted. Not with results_in().
  Simulation& only_objectives();
  /// This process will start no other simulation: it saves the copy for them.
  Simulation& alone();

  /// Runs from where it is to the end, and gives the summary (fields: docs/output.md), which is the
  /// same after any steps.
  Json run();
  /// Runs what happens up to and including `time_s`; false once nothing is left to happen.
  bool step_until(double time_s);

  /// The time that it was stepped to; once nothing is left to happen, that of the last event.
  double now() const;
  /// What a scheduler may see.
  const ClusterView& cluster() const;
  const Scenario& scenario() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace cleave
