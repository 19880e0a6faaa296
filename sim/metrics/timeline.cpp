#include "sim/metrics/timeline.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <sstream>
#include <utility>

#include "sim/base/error.h"
#include "sim/metrics/perfetto.h"

namespace cleave {

namespace {

using namespace perfetto;

constexpr std::size_t kBlockBytes = std::size_t{256} * 1024;

// Where the tracks of an instance stand below it. Lanes are numbered on from theirs.
constexpr std::int32_t kCounterRank = 1;
constexpr std::int32_t kSendRank = 1'000;
constexpr std::int32_t kReceiveRank = 1'000'000;

std::uint64_t nanoseconds(double time_s) {
  return static_cast<std::uint64_t>(std::llround(time_s * 1e9));
}

std::uint64_t whole(double value) { return static_cast<std::uint64_t>(std::llround(value)); }

const char* name_of(const Segment& segment) {
  if (segment.prompts == 0) return "decode";
  return segment.decodes == 0 ? "prompt" : "mixed";
}

const char* name_of(PoolRole role) {
  switch (role) {
    case PoolRole::kPrompt:
      return "to the prompt pool";
    case PoolRole::kToken:
      return "to the token pool";
    case PoolRole::kMixed:
      return "to the mixed pool";
  }
  broken_invariant("pool role " + std::to_string(static_cast<int>(role)));
}

}  // namespace

struct Timeline::Transfer {
  std::uint64_t number;
  std::uint64_t start_ns;
  std::uint64_t end_ns;
  std::string label;  ///< of the slice
  double bytes;
  double ideal_s;
};

std::vector<TimelineInstance> timeline_instances(const Scenario& scenario) {
  std::size_t total = 0;
  for (const PoolSpec& pool : scenario.pools) {
    total += pool.instances();
  }
  const std::size_t digits = std::to_string(total).size();
  std::vector<TimelineInstance> instances;
  for (const PoolSpec& pool : scenario.pools) {
    const PowerModel power(scenario.llm_of(pool), pool.machine, pool.gpu_share(),
                           scenario.latency_profiles);
    for (std::uint32_t i = 0; i < pool.instances(); ++i) {
      std::string number = std::to_string(instances.size());
      number.insert(0, digits - number.size(), '0');
      instances.push_back({number + " " + role_name(pool.role) + " " + pool.machine.name, power});
    }
  }
  return instances;
}

Timeline::Timeline(std::ostream& out, std::vector<TimelineInstance> instances, double from_s,
                   double to_s)
    : out_(out), from_s_(from_s), to_s_(to_s) {
  if (!(from_s < to_s)) {
    std::ostringstream message;
    message << "the timeline must end after it begins, but it is to run from " << from_s << " s to "
            << to_s << " s";
    throw InputError(message.str());
  }
  append_packet(block_, [](pbf_writer& message) {
    message.add_uint32(packet::kSequenceFlags, packet::kStateCleared);
  });
  instances_.reserve(instances.size());
  for (TimelineInstance& given : instances) {
    Instance& instance = instances_.emplace_back();
    instance.name = std::move(given.name);
    instance.power.model = given.power;
    if (given.power) instance.power.held_w = instance.power.rest_w = given.power->idle_w();
    instance.track = ++tracks_;
    append_track(block_, {.uuid = instance.track,
                          .name = instance.name,
                          .rank = static_cast<std::int32_t>(instances_.size())});
    write_block_if_full();
  }
}

void Timeline::segment(const Segment& segment) {
  reach(segment.end_s);
  Instance& instance = at(segment.instance);
  if (instance.power.model) draw_power(instance, segment);
  if (!overlaps(segment.start_s, segment.end_s)) return;
  const std::uint64_t track = instance.track;
  append_event(block_, nanoseconds(segment.start_s), track, event::kSliceBegin,
               [&](pbf_writer& fields) {
                 add_label(fields, "compute", name_of(segment));
                 annotate(fields, "batch_size", segment.prompts + segment.decodes);
                 annotate(fields, "prompt_tokens", segment.prompt_tokens);
                 annotate(fields, "iterations", segment.iterations);
                 annotate(fields, "kv_tokens", whole(segment.kv_tokens));
               });
  append_end(block_, nanoseconds(segment.end_s), track);
  write_block_if_full();
}

void Timeline::memory(InstanceId instance, double time_s, double bytes) {
  count(at(instance), kMemory, time_s, bytes / 1e9);
}

void Timeline::queue(InstanceId instance, double time_s, std::uint32_t requests) {
  count(at(instance), kQueue, time_s, requests);
}

void Timeline::transferred(InstanceId from, InstanceId to, double start_s, double end_s,
                           double bytes, double ideal_s) {
  reach(end_s);
  if (!overlaps(start_s, end_s)) return;
  Instance& sender = at(from);
  Instance& receiver = at(to);
  Transfer transfer{
      ++transfers_, nanoseconds(start_s), nanoseconds(end_s), "KV to " + receiver.name, bytes,
      ideal_s};
  // The sender's slice goes first: of two events at one time the first is where the arrow begins.
  write_transfer(sender, true, transfer);
  transfer.label = "KV from " + sender.name;
  write_transfer(receiver, false, transfer);
  write_block_if_full();
}

void Timeline::pool_changed(InstanceId instance, double time_s, PoolRole role) {
  reach(time_s);
  if (!holds(time_s)) return;
  append_event(block_, nanoseconds(time_s), at(instance).track, event::kInstant,
               [&](pbf_writer& fields) { add_label(fields, "pool", name_of(role)); });
  write_block_if_full();
}

void Timeline::status_changed(InstanceId id, double time_s, InstanceStatus status) {
  reach(time_s);
  Instance& instance = at(id);
  if (Power& power = instance.power; power.model) {
    set_power(instance, power.busy_until_s, power.rest_w);
    power.rest_w = status == InstanceStatus::kOff ? 0 : power.model->idle_w();
    power.busy_until_s = time_s;
  }
  if (!holds(time_s)) return;
  append_event(block_, nanoseconds(time_s), instance.track, event::kInstant,
               [&](pbf_writer& fields) { add_label(fields, "status", status_name(status)); });
  write_block_if_full();
}

void Timeline::finish() {
  for (Instance& instance : instances_) {
    if (!instance.power.model || !window_reached_) continue;
    set_power(instance, instance.power.busy_until_s, instance.power.rest_w);
    write_power(instance, std::numeric_limits<double>::infinity());
  }
  write_block();
  out_.flush();
}

Timeline::Instance& Timeline::at(InstanceId instance) {
  if (instance >= instances_.size()) {
    broken_invariant("instance " + std::to_string(instance) + " in a timeline of " +
                     std::to_string(instances_.size()));
  }
  return instances_[instance];
}

bool Timeline::overlaps(double start_s, double end_s) const {
  return start_s < to_s_ && (end_s > from_s_ || start_s >= from_s_);
}

/// What is reported has come to `time_s`. Counters tell only changes, so at its beginning the
/// window needs the values from before it.
void Timeline::reach(double time_s) {
  if (window_reached_ || time_s < from_s_) return;
  window_reached_ = true;
  for (Instance& instance : instances_) {
    for (const Kind kind : {kQueue, kMemory}) {
      if (instance.counters[kind].known) write_count(instance, kind, from_s_);
    }
  }
}

void Timeline::count(Instance& instance, Kind kind, double time_s, double value) {
  reach(time_s);
  if (time_s >= to_s_) return;
  Counter& counter = instance.counters[kind];
  if (counter.known && counter.value == value) return;
  counter.known = true;
  counter.value = value;
  if (holds(time_s)) write_count(instance, kind, time_s);
}

void Timeline::write_count(Instance& instance, Kind kind, double time_s) {
  constexpr std::array kNames = {"queue", "memory", "power"};
  constexpr std::array kUnits = {"requests", "GB", "kW"};
  Counter& counter = instance.counters[kind];
  if (counter.track == 0) {
    counter.track = ++tracks_;
    append_track(block_, {.uuid = counter.track,
                          .parent = instance.track,
                          .name = kNames[kind],
                          .rank = kCounterRank + static_cast<std::int32_t>(kind),
                          .counter_unit = kUnits[kind]});
  }
  append_event(block_, nanoseconds(time_s), counter.track, event::kCounter,
               [&](pbf_writer& fields) {
                 if (kind == kQueue) {
                   fields.add_int64(event::kCounterValue, std::llround(counter.value));
                 } else {
                   fields.add_double(event::kDoubleCounterValue, counter.value);
                 }
               });
  write_block_if_full();
}

void Timeline::draw_power(Instance& instance, const Segment& segment) {
  Power& power = instance.power;
  set_power(instance, power.busy_until_s, power.rest_w);
  set_power(instance, segment.start_s,
            segment.prompts > 0 ? power.model->prompt_w(segment.prompt_tokens, segment.power_cap)
                                : power.model->decode_w(segment.power_cap));
  power.busy_until_s = segment.end_s;
}

void Timeline::set_power(Instance& instance, double time_s, double watts) {
  write_power(instance, time_s);
  instance.power.held_w = watts;
  instance.power.held_since_s = time_s;
}

/// Writes the power that is held back, if it lasted for some time of the window until `until_s`.
void Timeline::write_power(Instance& instance, double until_s) {
  const double since_s = std::max(instance.power.held_since_s, from_s_);
  if (since_s < until_s) count(instance, kPower, since_s, instance.power.held_w / 1e3);
}

void Timeline::write_transfer(Instance& instance, bool sends, const Transfer& transfer) {
  const std::uint64_t track = free_lane(instance, sends, transfer);
  append_event(block_, transfer.start_ns, track, event::kSliceBegin, [&](pbf_writer& fields) {
    add_label(fields, "transfer", transfer.label);
    fields.add_fixed64(sends ? event::kFlow : event::kTerminatingFlow, transfer.number);
    annotate(fields, "bytes", whole(transfer.bytes));
    annotate_seconds(fields, "ideal_s", transfer.ideal_s);
  });
  append_end(block_, transfer.end_ns, track);
}

/// The track of the lowest lane that is free when the transfer starts, taken until it ends.
/// Transfers are reported as they end, so the slices of a lane stand in its track in their order.
std::uint64_t Timeline::free_lane(Instance& instance, bool sends, const Transfer& transfer) {
  std::vector<Lane>& lanes = sends ? instance.sends : instance.receives;
  for (Lane& lane : lanes) {
    if (lane.end_ns > transfer.start_ns) continue;
    lane.end_ns = transfer.end_ns;
    return lane.track;
  }
  lanes.push_back({++tracks_, transfer.end_ns});
  const std::size_t number = lanes.size();
  const std::string name = sends ? "KV sent" : "KV received";
  append_track(block_,
               {.uuid = tracks_,
                .parent = instance.track,
                .name = number == 1 ? name : name + ' ' + std::to_string(number),
                .rank = (sends ? kSendRank : kReceiveRank) + static_cast<std::int32_t>(number)});
  return tracks_;
}

void Timeline::write_block_if_full() {
  if (block_.size() >= kBlockBytes) write_block();
}

void Timeline::write_block() {
  out_.write(block_.data(), static_cast<std::streamsize>(block_.size()));
  block_.clear();
}

}  // namespace cleave
