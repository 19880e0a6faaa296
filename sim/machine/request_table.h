#pragma once

#include <vector>

#include "sim/machine/pending_queue.h"
#include "sim/machine/task.h"

namespace cleave {

/// All requests in the cluster, and the nodes of the structures they wait in, by RequestId. Places
/// of requests that left are used again.
struct RequestTable {
  std::vector<RequestState> states;
  std::vector<RequestLink> links;  ///< batch, blocked list or prompt queue
  IndexedHeap<int>::Positions finish_positions;
  IndexedHeap<int>::Positions waiting_positions;
  PendingNodes pending;

  RequestState& operator[](RequestId request) { return states[request]; }
  const RequestState& operator[](RequestId request) const { return states[request]; }

  RequestId add() {
    if (!free_.empty()) {
      const RequestId request = free_.back();
      free_.pop_back();
      states[request] = {};
      states[request].active = true;
      return request;
    }
    states.emplace_back();
    links.emplace_back();
    finish_positions.push_back(0);
    waiting_positions.push_back(0);
    pending.nodes.resize(2 * states.size());
    states.back().active = true;
    return static_cast<RequestId>(states.size() - 1);
  }
  void remove(RequestId request) {
    states[request].active = false;
    free_.push_back(request);
  }

 private:
  std::vector<RequestId> free_;
};

}  // namespace cleave
