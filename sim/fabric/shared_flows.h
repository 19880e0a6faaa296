#pragma once

#include <cstdint>
#include <simgrid/kernel/resource/Action.hpp>
#include <simgrid/s4u.hpp>
#include <vector>

#include "sim/engine/engine.h"

namespace cleave {

/// Flows that share links max-min fairly, as SimGrid does it. Each has a number of its owner's, who
/// is told when it ends. Where flows are started, stopped or asked, SimGrid's clock must stand at
/// now(): see Engine::in_simgrid().
class SharedFlows {
 public:
  using Host = simgrid::s4u::Host;

  class Listener {
   public:
    virtual ~Listener() = default;
    /// A flow has arrived whole, or was stopped or cut with so many bytes left. Its number is free.
    virtual void shared_flow_ended(std::uint32_t flow, bool whole, double left_bytes) = 0;
  };

  SharedFlows(Engine& engine, Listener& listener);
  ~SharedFlows();
  SharedFlows(const SharedFlows&) = delete;
  SharedFlows& operator=(const SharedFlows&) = delete;

  /// At most `limit_bytes_per_s` fast; 0: no limit.
  void start(std::uint32_t flow, Host* from, Host* to, double bytes, double limit_bytes_per_s);
  void stop(std::uint32_t flow) { flows_[flow].comm->cancel(); }
  /// Ends a flow of which the listener will not hear.
  void take_back(std::uint32_t flow);
  double left_bytes(std::uint32_t flow) const { return flows_[flow].comm->get_remaining(); }
  /// Flows under way.
  const std::vector<std::uint32_t>& under_way() const { return under_way_; }

 private:
  struct Flow {
    simgrid::s4u::CommPtr comm;
    std::size_t place = 0;  ///< in under_way_
  };

  void completed(const simgrid::s4u::Activity& activity);
  simgrid::s4u::CommPtr remove(std::uint32_t flow);
  void retire(simgrid::s4u::CommPtr comm);

  Engine& engine_;
  Listener& listener_;
  simgrid::kernel::resource::Action::StateSet* started_ = nullptr;  ///< SimGrid's own
  std::vector<Flow> flows_;
  std::vector<std::uint32_t> under_way_;
  std::vector<simgrid::s4u::CommPtr> retired_;  ///< flows that ended at retired_since_s_
  std::vector<simgrid::s4u::CommPtr> retired_before_;
  double retired_since_s_ = 0;
};

}  // namespace cleave
