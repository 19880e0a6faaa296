#include "sim/results.h"

#include <optional>

#include "sim/core/observer_list.h"
#include "sim/metrics/metrics.h"
#include "sim/metrics/request_log.h"
#include "sim/metrics/results_folder.h"
#include "sim/simulate.h"

namespace cleave {

Json simulate(const Scenario& scenario, const std::string& out, std::vector<Observer*> watchers) {
  Metrics metrics(scenario);
  if (out.empty() && watchers.empty()) return metrics.summary(run_cluster(scenario, metrics));
  std::optional<ResultsFolder> folder;
  std::optional<RequestLog> log;
  watchers.insert(watchers.begin(), &metrics);
  if (!out.empty()) {
    folder.emplace(out);
    log.emplace(folder->file("requests.csv"));
    watchers.push_back(&*log);
  }
  ObserverList all(watchers);
  Json summary = metrics.summary(run_cluster(scenario, all));
  if (folder) {
    log->close();
    folder->complete(summary, metrics, scenario.document);
  }
  return summary;
}

}  // namespace cleave
