#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <ostream>
#include <string>
#include <vector>

#include "models/latency/power.h"
#include "sim/core/observer.h"
#include "sim/scenario/scenario.h"

namespace cleave {

/// An instance as a timeline shows it.
struct TimelineInstance {
  std::string name;
  std::optional<PowerModel> power;  ///< none: no counter of its power
};

/// The instances of a scenario in their order: "07 token dgx-h100". Numbers are padded, so that
/// names sort as numbers.
std::vector<TimelineInstance> timeline_instances(const Scenario& scenario);

/// Writes a run, as it goes, as a Perfetto trace (binary TrackEvents; ui.perfetto.dev opens it).
/// Every instance has a track with a slice a segment ("prompt", "decode" or "mixed") and an instant
/// where the instance moves to another pool or changes its status, and below it the counters
/// "queue" (requests waiting), "memory" (GB) and "power" (kW), and its KV transfers. A transfer is
/// a slice at its sender and one at its receiver, with an arrow between them. Transfers that
/// overlap get lanes of their own.
///
/// Holds one block of output, and a few numbers for each instance and lane: a trace of any length
/// takes little memory.
class Timeline : public Observer {
 public:
  /// Keeps what happens from `from_s` up to but not at `to_s` (seconds since the start of the run;
  /// may be infinite). Slices that reach into this window are kept whole, and each counter begins
  /// it with the value it had. Whether `out` took every byte is for its owner to ask after
  /// finish(). Throws InputError if the window does not end after it begins.
  Timeline(std::ostream& out, std::vector<TimelineInstance> instances, double from_s, double to_s);

  void segment(const Segment& segment) override;
  void memory(InstanceId instance, double time_s, double bytes) override;
  void queue(InstanceId instance, double time_s, std::uint32_t requests) override;
  void transferred(InstanceId from, InstanceId to, double start_s, double end_s, double bytes,
                   double ideal_s) override;
  void pool_changed(InstanceId instance, double time_s, PoolRole role) override;
  void status_changed(InstanceId instance, double time_s, InstanceStatus status) override;

  /// Hands what is left to `out`. Call it once, after the run.
  void finish();

 private:
  struct Lane {
    std::uint64_t track = 0;
    std::uint64_t end_ns = 0;  ///< of its last slice
  };
  enum Kind : std::uint8_t { kQueue, kMemory, kPower, kKinds };
  struct Counter {
    std::uint64_t track = 0;  ///< 0 until its first value is written
    double value = 0;
    bool known = false;
  };
  /// Segments are reported as they end, so power is known late: a value is held back until the
  /// next one comes, which may be at the same time.
  struct Power {
    std::optional<PowerModel> model;
    double held_w = 0;
    double held_since_s = 0;
    double busy_until_s = 0;
    double rest_w = 0;  ///< where nothing runs: idle power, or 0 when off
  };
  struct Instance {
    std::string name;
    std::uint64_t track = 0;
    std::array<Counter, kKinds> counters;
    Power power;
    std::vector<Lane> sends;
    std::vector<Lane> receives;
  };
  struct Transfer;

  Instance& at(InstanceId instance);
  bool holds(double time_s) const { return time_s >= from_s_ && time_s < to_s_; }
  bool overlaps(double start_s, double end_s) const;
  void reach(double time_s);
  void count(Instance& instance, Kind kind, double time_s, double value);
  void write_count(Instance& instance, Kind kind, double time_s);
  void draw_power(Instance& instance, const Segment& segment);
  void set_power(Instance& instance, double time_s, double watts);
  void write_power(Instance& instance, double until_s);
  void write_transfer(Instance& instance, bool sends, const Transfer& transfer);
  std::uint64_t free_lane(Instance& instance, bool sends, const Transfer& transfer);
  void write_block_if_full();
  void write_block();

  std::ostream& out_;
  double from_s_;
  double to_s_;
  bool window_reached_ = false;
  std::uint64_t tracks_ = 0;
  std::uint64_t transfers_ = 0;
  std::vector<Instance> instances_;
  std::string block_;
};

}  // namespace cleave
