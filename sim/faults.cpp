#include <algorithm>

#include "sim/cluster.h"
#include "traces/portable_math.h"

namespace cleave {

void Cluster::schedule_faults() {
  for (std::size_t i = 0; i < scenario_.faults.size(); ++i) {
    const FaultSpec& fault = scenario_.faults[i];
    if (fault.action == FaultSpec::Action::kScaleLink && !fabric_->scale_link(fault.link, 1)) {
      throw InputError("faults[" + std::to_string(i) + "].link: no link \"" + fault.link +
                       "\" in this fabric; links.csv of a run lists them");
    }
    if (servers_ && fault.action == FaultSpec::Action::kScaleLink && fault.amount == 0 &&
        !servers_->works_without(fault.link)) {
      throw InputError("faults[" + std::to_string(i) + "].share: expected more than 0: \"" +
                       fault.link +
                       "\" joins servers of one instance, which cannot work without; \"stop\" its "
                       "machine instead");
    }
    if (fault.action == FaultSpec::Action::kFail) {
      failures_.emplace(i, Failure{Random(fault.seed, fault.machine)});
      faults_.push_back(kNoEvent);
      fail_later(i, fault.at_s);
      continue;
    }
    faults_.push_back(engine_.at<&Cluster::fault>(fault.at_s, this, i));
  }
}

// A run ends with its last request: faults after it are none.
void Cluster::end_with_last_request() {
  if (arrival_ != kNoEvent || totals_.arrived != totals_.completed + totals_.rejected) return;
  for (const auto& [index, failure] : failures_) {
    if (faults_[index] != kNoEvent && !failure.down) engine_.only_watches(-1);
  }
  for (EventId& event : faults_) engine_.cancel(event);
  start_up_->cancel_all();
  if (scaler_) scaler_->end();
  if (cap_change_ != kNoEvent) engine_.only_watches(-1);
  engine_.cancel(cap_change_);
  if (tiers_) tiers_->end();
}

std::vector<InstanceId> Cluster::on_machine(std::uint32_t machine) const {
  std::vector<InstanceId> ids;
  for (InstanceId id = 0; id < instances_.size(); ++id) {
    if (endpoints_[id].machine == machine) ids.push_back(id);
  }
  return ids;
}

// A failure is nothing that a cluster at rest could wait for; the repair after it is.
void Cluster::fail_later(std::uint64_t index, double from_s) {
  const double up_s =
      -portable_log(failures_.at(index).random.uniform()) * scenario_.faults[index].mean_up_s;
  faults_[index] = engine_.at<&Cluster::fail>(from_s + up_s, this, index);
  engine_.only_watches(1);
}

void Cluster::fail(std::uint64_t index) {
  engine_.only_watches(-1);
  faults_[index] = kNoEvent;
  if (engine_.at_rest_but_for(0) && !unblock()) return;
  if (stuck()) return;
  const FaultSpec& fault = scenario_.faults[index];
  failures_.at(index).down = true;
  faults_[index] = engine_.at<&Cluster::repaired>(engine_.now() + fault.repair_s, this, index);
  take_out(fault.machine, kFailed);
  stop(on_machine(fault.machine));
  if (scaler_) scaler_->restore();
}

void Cluster::repaired(std::uint64_t index) {
  faults_[index] = kNoEvent;
  failures_.at(index).down = false;
  const FaultSpec& fault = scenario_.faults[index];
  give_back(fault.machine, kFailed, fault.amount);
  fail_later(index, engine_.now());
}

void Cluster::take_out(std::uint32_t machine, OutOfService why) {
  if (out_of_service_.size() <= machine) out_of_service_.resize(machine + 1);
  out_of_service_[machine] |= why;
  if (!scaler_) return;
  for (const InstanceId id : on_machine(machine)) scaler_->out_of_service(id, true);
}

// It starts, unless it is out for another reason, too; where the cluster is scaled, if it is
// wanted.
void Cluster::give_back(std::uint32_t machine, OutOfService why, double load_s) {
  if (out_of_service_.size() <= machine) out_of_service_.resize(machine + 1);
  out_of_service_[machine] &= ~why;
  if (out_of_service_[machine] != 0) return;
  if (scaler_) {
    for (const InstanceId id : on_machine(machine)) scaler_->out_of_service(id, false);
    scaler_->restore();
  } else {
    for (const InstanceId id : on_machine(machine)) start(id, load_s);
  }
  begin_stranded();
}

void Cluster::fault(std::uint64_t index) {
  faults_[index] = kNoEvent;
  const FaultSpec& fault = scenario_.faults[index];
  if (fault.action == FaultSpec::Action::kScaleLink) {
    fabric_->scale_link(fault.link, fault.amount);
    return;
  }
  const std::vector<InstanceId> ids = on_machine(fault.machine);
  switch (fault.action) {
    case FaultSpec::Action::kStop:
      take_out(fault.machine, kStopped);
      stop(ids);
      if (scaler_) scaler_->restore();
      break;
    case FaultSpec::Action::kStart:
      give_back(fault.machine, kStopped, fault.amount);
      break;
    case FaultSpec::Action::kDrain:
      take_out(fault.machine, kStopped);
      for (const InstanceId id : ids) drain(id);
      if (scaler_) scaler_->restore();
      break;
    default:
      for (const InstanceId id : ids) instances_[id].set_pace(fault.amount);
  }
}

// The instances of a machine stop together. Whatever was on them, on its way to them, or meant for
// them begins again from its prompt.
void Cluster::stop(const std::vector<InstanceId>& ids) {
  std::vector<bool> stops(instances_.size());
  for (const InstanceId id : ids) {
    if (loads_[id].status == InstanceStatus::kOff) continue;
    stops[id] = true;
    set_status(id, InstanceStatus::kOff);
  }
  for (const InstanceId id : ids) {
    if (!stops[id]) continue;
    instances_[id].halt();
    if (tiers_) tiers_->stopped(id);
  }
  std::vector<RequestId> hit;
  for (RequestId request = 0; request < requests_.states.size(); ++request) {
    const RequestState& state = requests_[request];
    if (state.in(Steps(Step::kGone, Step::kOutside))) continue;
    const bool from_here = stops[state.source] && !state.in(steps::kInTokenPhase);
    if (from_here || stops[state.record.token_instance]) hit.push_back(request);
  }
  std::sort(hit.begin(), hit.end(), [&](RequestId a, RequestId b) {
    return requests_[a].record.number < requests_[b].record.number;
  });
  // First of all, so that none of them is given the room that another leaves.
  for (const RequestId request : hit) transfers_->drop(request);
  for (const RequestId request : hit) {
    if (requests_[request].in(steps::kRuns)) {
      lose_transfer(request);
    } else {
      restart(request);
    }
  }
}

// What left of a prompt that goes on is of no use any more. Where its token machine died, the
// request begins again when the prompt is done, unless the machine is back by then.
void Cluster::lose_transfer(RequestId request) {
  transfers_->drop(request);
  release_sent(request);
}

// Loads its weights first, unless that takes no time. What drains is up again at once.
void Cluster::start(InstanceId id, double load_s) {
  const InstanceStatus status = loads_[id].status;
  if (status == InstanceStatus::kUp || status == InstanceStatus::kLoading) return;
  instances_[id].set_pace(1);
  if (status == InstanceStatus::kOff) empty_caches(id);
  if (status == InstanceStatus::kOff && load_s > 0) {
    set_status(id, InstanceStatus::kLoading);
    start_up_->begin(id, load_s);
  } else {
    set_status(id, InstanceStatus::kUp);
  }
}

void Cluster::empty_caches(InstanceId id) {
  instances_[id].forget_cache();
  if (tiers_) tiers_->stopped(id);
}

void Cluster::started(InstanceId id) {
  set_status(id, InstanceStatus::kUp);
  begin_stranded();
}

void Cluster::set_status(InstanceId id, InstanceStatus status) {
  start_up_->cancel(id);
  if (loads_[id].status == InstanceStatus::kDraining) instances_[id].empty_out(false);
  loads_[id].status = status;
  fleet_of(id).load_changed(id);
  observer_.status_changed(id, engine_.now(), status);
  if (scaler_ && status == InstanceStatus::kOff) scaler_->went_off();
  set_caps();
}

void Cluster::begin_stranded() {
  std::vector<RequestId> stranded;
  stranded.swap(stranded_);
  for (const RequestId request : stranded) begin(request);
}

// When nothing is left to happen, transfers that still flow wait for a link that stays cut. A
// sequence that was on its way between two tokens begins again.
bool Cluster::strand_cut_off() {
  if (tiers_ && tiers_->give_up_flows()) return true;
  std::vector<RequestId> cut_off;
  for (RequestId request = 0; request < requests_.states.size(); ++request) {
    const RequestState& state = requests_[request];
    if (state.in(steps::kFlows)) cut_off.push_back(request);
  }
  for (const RequestId request : cut_off) {
    if (transfers_->moves(request)) {
      restart(request);
      continue;
    }
    take_back(request);
    requests_[request].record.prompt_instance = kNoInstance;
    requests_[request].record.token_instance = kNoInstance;
    stranded_.push_back(request);
  }
  return !cut_off.empty();
}

}  // namespace cleave
