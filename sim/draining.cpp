#include <algorithm>
#include <vector>

#include "sim/cluster.h"

namespace cleave {

namespace {

bool not_begun(const RequestState& state) {
  return state.step() == Step::kPromptWaits && state.untouched() && state.generated == 0;
}

}  // namespace

void Cluster::drain(InstanceId id) {
  if (loads_[id].status == InstanceStatus::kLoading) set_status(id, InstanceStatus::kOff);
  if (loads_[id].status != InstanceStatus::kUp) return;
  set_status(id, InstanceStatus::kDraining);
  if (scenario_.scaling.drains_by_moving) {
    // Behind all that happens at this time: nothing goes to an instance that begins to drain, too.
    engine_.at<&Cluster::empty_out>(engine_.now(), this, id);
  }
  off_if_drained(id);
}

void Cluster::empty_out(std::uint64_t instance) {
  const auto id = static_cast<InstanceId>(instance);
  if (loads_[id].status != InstanceStatus::kDraining) return;
  instances_[id].empty_out(true);
  place_waiting_again(id);
}

// An engine may have an iteration under way when nothing is assigned to it any more.
void Cluster::off_if_drained(InstanceId id) {
  const InstanceLoad& load = loads_[id];
  if (load.status == InstanceStatus::kDraining && !load.in_use() && instances_[id].idle()) {
    set_status(id, InstanceStatus::kOff);
  }
}

// Requests of which nothing is computed yet and that were meant for an instance, in the order in
// which they arrived.
void Cluster::place_waiting_again(InstanceId id) {
  std::vector<RequestId> meant;
  for (RequestId request = 0; request < requests_.states.size(); ++request) {
    const FinishedRequest& record = requests_[request].record;
    const bool here = record.prompt_instance == id || record.token_instance == id;
    if (here && not_begun(requests_[request])) meant.push_back(request);
  }
  std::sort(meant.begin(), meant.end(), [&](RequestId a, RequestId b) {
    return requests_[a].record.number < requests_[b].record.number;
  });
  // One that goes makes room, in which another may begin.
  for (const RequestId request : meant) {
    if (not_begun(requests_[request])) place_again(request);
  }
}

// Where some instance that is up could take all of it.
void Cluster::place_again(RequestId request) {
  const std::int64_t tokens = demand_of(request).most_kv_tokens();
  const Fleet& fleet = *served_for(requests_[request].record).fleet;
  const auto could = [&](const InstanceLoad& load) {
    return load.up() && load.capacity_tokens >= tokens;
  };
  const auto first = loads_.begin() + fleet.first();
  if (std::none_of(first, loads_.begin() + fleet.end(), could)) return;
  take_back(request);
  begin(request);
}

// Of the instances that take token phases and are up, the one with the least of its memory
// reserved; kNoInstance: none could hold it.
InstanceId Cluster::roomiest(InstanceId from, const Demand& demand) const {
  const Fleet& fleet = *served_[llm_of_[from]].fleet;
  const auto share = [&](InstanceId id) {
    return static_cast<double>(loads_[id].reserved_tokens) /
           static_cast<double>(loads_[id].capacity_tokens);
  };
  InstanceId best = kNoInstance;
  for (InstanceId id = fleet.first(); id < fleet.end(); ++id) {
    const InstanceLoad& load = loads_[id];
    const bool takes = load.up() && load.home != PoolRole::kPrompt;
    if (!takes || load.capacity_tokens < demand.most_kv_tokens()) continue;
    if (best == kNoInstance || share(id) < share(best)) best = id;
  }
  return best;
}

bool Cluster::finds_room(RequestId request, std::uint32_t generated) {
  RequestState& state = requests_[request];
  const InstanceId from = state.record.token_instance;
  const Demand demand = demand_of(request);
  const InstanceId to = roomiest(from, demand);
  if (to == kNoInstance || fabric_->is_cut(from, to)) return false;
  if (!transfers_->reserve(request, to, generated)) return false;
  loads_[from].pending_tokens -= 1;
  loads_[from].reserved_tokens -= demand.token_kv_tokens();
  --loads_[from].requests;
  loads_[to].pending_tokens += 1;
  loads_[to].reserved_tokens += demand.kv_tokens();
  state.source = from;
  state.record.token_instance = to;
  fleet_of(to).load_changed(from);
  fleet_of(to).load_changed(to);
  return true;
}

void Cluster::gone(RequestId request) {
  ++requests_[request].record.moves;
  ++totals_.moves;
  transfers_->move(request);
}

}  // namespace cleave
