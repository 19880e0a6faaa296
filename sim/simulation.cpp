#include "sim/simulation.h"

#include <algorithm>
#include <optional>
#include <stdexcept>
#include <utility>
#include <vector>

#include "sim/cluster_run.h"
#include "sim/core/observer_list.h"
#include "sim/metrics/metrics.h"
#include "sim/metrics/objective_events.h"
#include "sim/metrics/request_log.h"
#include "sim/metrics/results_folder.h"
#include "sim/scenario/pool_latency.h"
#include "sim/scenario/resolve.h"

namespace cleave {

/// What it holds refers to one another, and so stays in its place.
struct Simulation::State {
  explicit State(Scenario the_scenario) : scenario(std::move(the_scenario)), metrics(scenario) {}

  void check_not_started() const {
    if (run || failed) throw std::logic_error("this simulation has started already");
  }

  void start() {
    if (run) return;
    if (!out.empty()) {
      if (is_brief) throw std::logic_error("result files need what brief() leaves out");
      if (objectives) {
        throw std::logic_error("result files need what only_objectives() leaves out");
      }
      folder.emplace(out);
      log.emplace(folder->file("requests.csv"));
    }
    Observer& counted = objectives ? static_cast<Observer&>(*objectives) : metrics;
    std::vector<Observer*> all{&counted};
    all.insert(all.end(), watchers.begin(), watchers.end());
    if (log) all.push_back(&*log);
    list.emplace(std::move(all));
    Observer& observer = log || !watchers.empty() ? static_cast<Observer&>(*list) : counted;
    run = start_run(scenario, observer, alone);
  }

  /// Does a part of the run. What it throws ends the run: it is then left in the middle of an
  /// event.
  template <class Part>
  auto go_on(Part part) {
    if (failed) throw std::logic_error("this simulation has ended with an error");
    failed = true;
    start();
    const auto result = part();
    failed = false;
    return result;
  }

  bool step_until(double time_s) {
    const bool more = run->run_until(time_s);
    now_s = more ? std::max(now_s, time_s) : run->now();
    return more;
  }

  Json finish() {
    const RunTotals totals = run->run();
    now_s = totals.end_s;
    if (objectives) return metrics.objectives(totals);
    Json result = metrics.summary(totals);
    if (folder) {
      log->close();
      folder->complete(result, metrics, scenario.document);
    }
    return result;
  }

  Scenario scenario;
  Metrics metrics;
  std::string out;
  std::vector<Observer*> watchers;
  bool alone = false;
  bool is_brief = false;
  std::optional<ObjectiveEvents> objectives;  ///< where nothing else is asked for
  double now_s = 0;
  bool failed = false;
  std::optional<ResultsFolder> folder;
  std::optional<RequestLog> log;
  std::optional<ObserverList> list;
  std::unique_ptr<ClusterRun> run;
  std::optional<Json> summary;  ///< once it has ended
};

Simulation::Simulation(Scenario scenario) : state_(std::make_unique<State>(std::move(scenario))) {}
Simulation::~Simulation() = default;
Simulation::Simulation(Simulation&& other) noexcept = default;

Simulation Simulation::from(const Json& changes) {
  Scenario scenario = read_scenario(complete_scenario(changes));
  ProfileUse().add(scenario).check();
  return Simulation(std::move(scenario));
}

Simulation& Simulation::watch(Observer& watcher) {
  state_->check_not_started();
  state_->watchers.push_back(&watcher);
  return *this;
}

Simulation& Simulation::results_in(const std::string& folder) {
  state_->check_not_started();
  state_->out = folder;
  return *this;
}

Simulation& Simulation::alone() {
  state_->check_not_started();
  state_->alone = true;
  return *this;
}

Simulation& Simulation::brief() {
  state_->check_not_started();
  state_->is_brief = true;
  state_->metrics.be_brief();
  return *this;
}

Simulation& Simulation::only_objectives() {
  state_->check_not_started();
  state_->objectives.emplace(state_->metrics);
  return *this;
}

Simulation& Simulation::until_lost(const ExpectedRequests& expected, double longer) {
  state_->check_not_started();
  state_->metrics.end_when_lost(expected, longer);
  return *this;
}

Json Simulation::run() {
  State& state = *state_;
  if (state.summary) return *state.summary;
  try {
    state.summary = state.go_on([&] { return state.finish(); });
  } catch (const SloLost& lost) {
    state.summary = Json{{"lost", {{"limits", lost.limits}, {"at_s", lost.at_s}}}};
  }
  return *state.summary;
}

bool Simulation::step_until(double time_s) {
  State& state = *state_;
  if (state.summary) return false;
  return state.go_on([&] { return state.step_until(time_s); });
}

double Simulation::now() const { return state_->now_s; }

const ClusterView& Simulation::cluster() const {
  state_->go_on([] { return true; });
  return state_->run->cluster();
}

const Scenario& Simulation::scenario() const { return state_->scenario; }

}  // namespace cleave
