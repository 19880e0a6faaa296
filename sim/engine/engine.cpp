#include "sim/engine/engine.h"

#include <algorithm>
#include <csignal>
#include <limits>
#include <memory>
#include <simgrid/kernel/Timer.hpp>
#include <simgrid/kernel/resource/Model.hpp>
#include <simgrid/kernel/resource/NetworkModelIntf.hpp>
#include <simgrid/s4u.hpp>
#include <utility>

namespace cleave {

namespace {

using simgrid::kernel::timer::Timer;

constexpr double kForever = std::numeric_limits<double>::infinity();

/// SimGrid wants a command line; these settings make a flow take exactly bytes / bandwidth +
/// latency.
simgrid::s4u::Engine& make_simgrid() {
  static int argc = 2;
  static char name[] = "cleave";
  static char quiet[] = "--log=xbt_cfg.thresh:warning";
  static char* argv[] = {name, quiet, nullptr};
  struct sigaction on_interrupt {};
  sigaction(SIGINT, nullptr, &on_interrupt);
  static simgrid::s4u::Engine engine(&argc, argv);
  // SimGrid's own handler prints what it is at, and crashes where that is in its kernel.
  sigaction(SIGINT, &on_interrupt, nullptr);
  simgrid::s4u::Engine::set_config("network/model:CM02");
  simgrid::s4u::Engine::set_config("network/crosstraffic:0");
  simgrid::s4u::Engine::set_config("network/TCP-gamma:0");
  return engine;
}

}  // namespace

/// Ends SimGrid's loop, from within, before its clock moves beyond until_s_. A date for it to run
/// until would move the clock to where nothing happens, and so round later dates differently. A
/// model is asked exactly where SimGrid would ask the network the same.
class Engine::Pause : public simgrid::kernel::resource::Model {
 public:
  struct Now {};

  explicit Pause(const Engine& engine) : Model("cleave-pause"), engine_(engine) {}
  double next_occurring_event(double) override {
    if (engine_.next_is_too_late()) throw Now();
    return -1;
  }
  void update_actions_state(double, double) override {}

 private:
  const Engine& engine_;
};

struct Engine::SimGrid {
  simgrid::s4u::Engine& engine = make_simgrid();
  simgrid::kernel::resource::Model* network = nullptr;
  Timer* armed = nullptr;
  std::shared_ptr<Pause> pause;  ///< made by the first run that may be paused

  simgrid::kernel::resource::Model& network_model() {
    if (network == nullptr) {
      for (auto* model : engine.get_all_models()) {
        if (dynamic_cast<simgrid::kernel::resource::NetworkModelIntf*>(model) != nullptr) {
          network = model;
        }
      }
    }
    return *network;
  }
  /// Seconds until a flow ends or changes its speed, as long as none starts or stops; negative:
  /// none will.
  double next_flow_event_in_s() {
    return network_model().next_occurring_event(simgrid::s4u::Engine::get_clock());
  }
  /// Timers of a date come first; then SimGrid tells of the flows that ended at it.
  bool has_ends_to_tell() {
    return !network_model().get_finished_action_set()->empty() ||
           !network_model().get_failed_action_set()->empty();
  }
};

Engine::Engine() : simgrid_(std::make_unique<SimGrid>()) {}

Engine::~Engine() {
  if (simgrid_->armed != nullptr) simgrid_->armed->remove();
}

bool Engine::in_step() const { return simgrid::s4u::Engine::get_clock() >= now_s_; }

void Engine::arm() {
  if (!running_ || cut_short_) return;
  Timer*& armed = simgrid_->armed;
  double next_s = 0;
  if (!waiting_.empty()) {
    next_s = now_s_;
  } else if (!calendar_.empty()) {
    next_s = calendar_.next_s();
  } else {
    // A cancelled event must not move SimGrid's clock to where nothing happens any more.
    if (armed != nullptr) armed->remove();
    armed = nullptr;
    return;
  }
  if (armed != nullptr) {
    if (armed->get_date() <= next_s) return;
    armed->remove();
  }
  armed = Timer::set(next_s, [this] { timer_fired(); });
}

// Something is left to happen, and all of it comes after until_s_.
bool Engine::next_is_too_late() const {
  if (cut_short_) return true;
  const bool nothing_left = flows_ == 0 && waiting_.empty() && calendar_.empty();
  if (until_s_ == kForever || nothing_left) return false;
  if (simgrid_->armed != nullptr && simgrid_->armed->get_date() <= until_s_) return false;
  const double wait_s = flows_ > 0 ? simgrid_->next_flow_event_in_s() : -1;
  return wait_s < 0 || simgrid::s4u::Engine::get_clock() + wait_s > until_s_;
}

void Engine::timer_fired() {
  simgrid_->armed = nullptr;
  drain();
  arm();
}

void Engine::drain() {
  draining_ = true;
  if (in_step()) {
    for (std::size_t i = 0; i < waiting_.size(); ++i) {
      const Calendar::Event call = waiting_[i];
      call.function(call.self, call.argument);
    }
    waiting_.clear();
  }
  const double clock_s = simgrid::s4u::Engine::get_clock();
  double quiet_until_s = clock_s;  // no flow ends before
  std::uint64_t known_for = 0;     // flow_changes_ when that was asked
  while (!calendar_.empty()) {
    const double next_s = calendar_.next_s();
    if (!waiting_.empty()) {
      if (next_s > now_s_) break;
    } else if (flows_ > 0 && next_s > clock_s) {
      if (known_for != flow_changes_) {
        known_for = flow_changes_;
        const bool over = simgrid_->has_ends_to_tell();
        quiet_until_s = over ? clock_s : clock_s + std::max(0.0, simgrid_->next_flow_event_in_s());
      }
      if (next_s >= quiet_until_s) break;
    }
    if (next_s > until_s_) {
      cut_short_ = true;
      break;
    }
    const Calendar::Event event = calendar_.pop();
    calendar_.fetch_next();
    now_s_ = std::max(now_s_, event.time_s);
    ++events_;
    event.function(event.self, event.argument);
  }
  draining_ = false;
}

void Engine::flow_ended() {
  --flows_;
  ++flow_changes_;
  now_s_ = std::max(now_s_, simgrid::s4u::Engine::get_clock());
  draining_before_ = draining_;
  draining_ = true;
}

void Engine::callback_done() {
  draining_ = draining_before_;
  if (!draining_) arm();
}

void Engine::run() { run_until(kForever); }

bool Engine::run_until(double time_s) {
  // SimGrid wants a platform, even one without a network.
  if (simgrid_->engine.get_netzone_root() == nullptr) simgrid::s4u::create_empty_zone("none");
  if (time_s < kForever && !simgrid_->pause) {
    simgrid_->pause = std::make_shared<Pause>(*this);
    simgrid_->engine.add_model(simgrid_->pause);
  }
  until_s_ = time_s;
  running_ = true;
  bool paused = false;
  if (std::exchange(cut_short_, false)) drain();
  arm();
  try {
    simgrid_->engine.run();
  } catch (const Pause::Now&) {
    paused = true;
  }
  running_ = false;
  return paused;
}

}  // namespace cleave
