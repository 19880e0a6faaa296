#include "sim/fabric/shared_flows.h"

#include <algorithm>
#include <cmath>
#include <simgrid/kernel/resource/Model.hpp>
#include <simgrid/kernel/resource/NetworkModelIntf.hpp>
#include <utility>

#include "sim/base/error.h"

namespace cleave {

namespace sg = simgrid::s4u;

namespace {

using NetworkModel = simgrid::kernel::resource::Model;

NetworkModel& network_model() {
  for (NetworkModel* model : sg::Engine::get_instance()->get_all_models()) {
    if (dynamic_cast<simgrid::kernel::resource::NetworkModelIntf*>(model) != nullptr) return *model;
  }
  broken_invariant("SimGrid has no network model");
}

}  // namespace

SharedFlows::SharedFlows(Engine& engine, Listener& listener)
    : engine_(engine), listener_(listener) {
  sg::Activity::on_completion_cb([this](const sg::Activity& activity) { completed(activity); });
}

// A run that ends with an error leaves flows under way, over which SimGrid would complain.
SharedFlows::~SharedFlows() {
  for (const std::uint32_t flow : std::exchange(under_way_, {})) {
    std::exchange(flows_[flow].comm, nullptr)->cancel();
  }
}

void SharedFlows::start(std::uint32_t flow, Host* from, Host* to, double bytes,
                        double limit_bytes_per_s) {
  if (flow >= flows_.size()) flows_.resize(flow + 1);
  const sg::CommPtr comm = sg::Comm::sendto_init();
  comm->set_source(from)->set_destination(to);
  comm->set_payload_size(static_cast<std::uint64_t>(std::ceil(bytes)));
  // The number travels as the activity's user data, one up so that it is never null.
  comm->set_data(reinterpret_cast<void*>(std::uintptr_t{flow} + 1));
  flows_[flow] = {comm, under_way_.size()};
  under_way_.push_back(flow);
  engine_.flow_started();
  if (started_ == nullptr) started_ = network_model().get_started_action_set();
  const std::size_t others = started_->size();
  comm->start();
  // SimGrid 3.32 takes whole bytes only, forgets Comm::set_rate() where no actors send and receive,
  // and holds a flow to the bandwidth that its links had when it started; so bytes and limit go to
  // what its model has just started, and no flow keeps a limit of SimGrid's own.
  if (started_->size() > others) {
    started_->back().set_remains(bytes);
    started_->back().set_bound(limit_bytes_per_s > 0 ? limit_bytes_per_s : -1);
  }
}

void SharedFlows::completed(const sg::Activity& activity) {
  const auto* comm = dynamic_cast<const sg::Comm*>(&activity);
  if (comm == nullptr) return;
  const auto flow =
      static_cast<std::uint32_t>(reinterpret_cast<std::uintptr_t>(comm->get_data<void>()) - 1);
  // SimGrid can report one end twice.
  if (flows_[flow].comm.get() != comm) return;
  engine_.flow_ended();
  const bool whole = comm->get_state() == sg::Activity::State::FINISHED;
  const double left_bytes = whole ? 0 : comm->get_remaining();
  retire(remove(flow));
  listener_.shared_flow_ended(flow, whole, left_bytes);
  engine_.callback_done();
}

void SharedFlows::take_back(std::uint32_t flow) {
  const sg::CommPtr comm = remove(flow);
  retire(comm);
  engine_.flow_taken_back();
  comm->cancel();
}

sg::CommPtr SharedFlows::remove(std::uint32_t flow) {
  const std::size_t place = flows_[flow].place;
  under_way_[place] = under_way_.back();
  flows_[under_way_[place]].place = place;
  under_way_.pop_back();
  return std::move(flows_[flow].comm);
}

// SimGrid looks at an activity that ended until its clock moves on, and at one that was cancelled
// while it told of others once more then, so it must live as long although its number is free.
void SharedFlows::retire(sg::CommPtr comm) {
  const double clock_s = sg::Engine::get_clock();
  if (retired_since_s_ < clock_s) {
    retired_before_.clear();
    retired_.swap(retired_before_);
  }
  retired_since_s_ = clock_s;
  retired_.push_back(std::move(comm));
}

}  // namespace cleave
