#pragma once

#include <string>
#include <vector>

#include "sim/base/child_process.h"
#include "sim/scenario/resolve.h"
#include "sim/simulation.h"

namespace cleave {

/// The default scenario with `changes` on top, simulated in a process of its own.
inline Json simulate_changes(const Json& changes) {
  return Json::parse(in_child([&] {
    return Simulation(read_scenario(merge_scenario(default_scenario(), changes)))
        .alone()
        .run()
        .dump();
  }));
}

/// Keeps every finished request of a run, by its number.
struct FinishedList : Observer {
  std::vector<FinishedRequest> requests;
  void finished(const FinishedRequest& request) override {
    if (requests.size() <= request.number) requests.resize(request.number + 1);
    requests[request.number] = request;
  }
};

/// Simulates in a process of its own; `tell` turns what it saw into text there.
template <class Tell>
std::string simulate_and_tell(const Json& changes, Tell tell) {
  return in_child([&] {
    FinishedList list;
    const Json summary = Simulation(read_scenario(merge_scenario(default_scenario(), changes)))
                             .alone()
                             .watch(list)
                             .run();
    return tell(summary, list.requests);
  });
}

}  // namespace cleave
