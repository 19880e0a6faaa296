#pragma once

#include <vector>

#include "sim/base/indexed_heap.h"
#include "sim/core/content.h"
#include "sim/machine/pending_queue.h"
#include "sim/machine/request_list.h"
#include "sim/machine/request_state.h"

namespace cleave {

/// All requests in the cluster, and their places in the structures they wait in, by RequestId.
/// Places of requests that left are used again.
struct RequestTable {
  std::vector<RequestState> states;
  std::vector<Content> contents;   ///< where there are prefix caches: of prompt and output
  std::vector<RequestLink> links;  ///< in a batch, put aside or in a queue of prompts
  IndexedHeap<int>::Positions finish_positions;
  IndexedHeap<int>::Positions waiting_positions;
  PendingQueue::Places pending;

  RequestState& operator[](RequestId request) { return states[request]; }
  const RequestState& operator[](RequestId request) const { return states[request]; }

  /// A request that stands outside.
  RequestId add() {
    RequestId request = 0;
    if (free_.empty()) {
      request = static_cast<RequestId>(states.size());
      states.emplace_back();
      contents.emplace_back();
      links.emplace_back();
      finish_positions.push_back(0);
      waiting_positions.push_back(0);
      pending.resize(2 * states.size(), PendingQueue::kNowhere);
    } else {
      request = free_.back();
      free_.pop_back();
      states[request] = {};
    }
    states[request].go(Step::kOutside);
    return request;
  }
  void remove(RequestId request) {
    states[request].go(Step::kGone);
    free_.push_back(request);
  }

 private:
  std::vector<RequestId> free_;
};

}  // namespace cleave
