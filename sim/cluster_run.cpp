#include "sim/cluster_run.h"

#include <cstdlib>
#include <mutex>
#include <optional>
#include <stdexcept>

#include "sim/base/clean_copy.h"
#include "sim/cluster.h"
#include "sim/run_apart.h"

namespace cleave {

namespace {

class RunHere : public ClusterRun {
 public:
  RunHere(const Scenario& scenario, Observer& observer)
      : cluster_(std::make_unique<Cluster>(scenario, observer)) {
    // SimGrid goes at the end of the process, and its flows must go before it, wherever the
    // simulation is kept. What is registered now comes before what SimGrid has.
    only_ = this;
    std::atexit([] {
      if (only_ != nullptr) only_->cluster_.reset();
    });
  }
  ~RunHere() override { only_ = nullptr; }
  RunHere(const RunHere&) = delete;
  RunHere& operator=(const RunHere&) = delete;

  bool run_until(double time_s) override { return cluster_->run_until(time_s); }
  RunTotals run() override { return cluster_->run(); }
  double now() const override { return cluster_->now(); }
  const ClusterView& cluster() const override { return *cluster_; }

 private:
  static inline RunHere* only_ = nullptr;
  std::unique_ptr<Cluster> cluster_;
};

/// This process from before SimGrid ran in it; nothing where no other run was expected.
std::optional<CleanCopy>& before_simgrid() {
  static std::optional<CleanCopy> copy;
  return copy;
}

/// Whether a run may be here; whoever asks first has it.
bool claim_simgrid(bool alone) {
  static std::mutex mutex;
  static bool claimed = false;
  const std::lock_guard lock(mutex);
  if (claimed) return false;
  if (!alone) before_simgrid().emplace(serve_run);
  claimed = true;
  return true;
}

}  // namespace

std::unique_ptr<ClusterRun> start_run(const Scenario& scenario, Observer& observer, bool alone) {
  if (claim_simgrid(alone)) return std::make_unique<RunHere>(scenario, observer);
  if (!before_simgrid()) {
    throw std::logic_error("a second simulation in a process whose first was to be alone");
  }
  return std::make_unique<RunApart>(before_simgrid()->start(), scenario, observer);
}

}  // namespace cleave
