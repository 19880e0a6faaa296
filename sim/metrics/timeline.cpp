#include "sim/metrics/timeline.h"

#include <cmath>
#include <protozero/pbf_writer.hpp>
#include <sstream>
#include <utility>

#include "sim/base/error.h"

namespace cleave {

namespace {

using protozero::pbf_writer;
using Tag = protozero::pbf_tag_type;

constexpr std::size_t kBlockBytes = std::size_t{256} * 1024;

// Field numbers and values of Perfetto's messages (protos/perfetto/trace/ in its repository).
namespace trace {
constexpr Tag kPacket = 1;
}
namespace packet {
constexpr Tag kTimestamp = 8;
constexpr Tag kSequenceId = 10;
constexpr Tag kTrackEvent = 11;
constexpr Tag kSequenceFlags = 13;
constexpr Tag kTrackDescriptor = 60;
constexpr std::uint32_t kStateCleared = 1;
}  // namespace packet
namespace descriptor {
constexpr Tag kUuid = 1;
constexpr Tag kName = 2;
constexpr Tag kParent = 5;
constexpr Tag kCounter = 8;
constexpr Tag kChildOrdering = 11;
constexpr Tag kRank = 12;
constexpr Tag kMergeBehavior = 15;
constexpr Tag kCounterUnitName = 6;
constexpr std::int32_t kOrderByRank = 3;
constexpr std::int32_t kNeverMerge = 2;
}  // namespace descriptor
namespace event {
constexpr Tag kAnnotation = 4;
constexpr Tag kType = 9;
constexpr Tag kTrack = 11;
constexpr Tag kCategory = 22;
constexpr Tag kName = 23;
constexpr Tag kCounterValue = 30;
constexpr Tag kDoubleCounterValue = 44;
constexpr Tag kFlow = 47;
constexpr Tag kTerminatingFlow = 48;
constexpr std::int32_t kSliceBegin = 1;
constexpr std::int32_t kSliceEnd = 2;
constexpr std::int32_t kInstant = 3;
constexpr std::int32_t kCounter = 4;
}  // namespace event
namespace annotation {
constexpr Tag kUint = 3;
constexpr Tag kDouble = 5;
constexpr Tag kName = 10;
}  // namespace annotation

// Where the tracks of an instance stand below it. Lanes are numbered on from theirs.
constexpr std::int32_t kQueueRank = 1;
constexpr std::int32_t kMemoryRank = 2;
constexpr std::int32_t kSendRank = 1'000;
constexpr std::int32_t kReceiveRank = 1'000'000;

std::uint64_t nanoseconds(double time_s) {
  return static_cast<std::uint64_t>(std::llround(time_s * 1e9));
}

std::uint64_t whole(double value) { return static_cast<std::uint64_t>(std::llround(value)); }

/// Appends one packet. All are of one sequence: readers drop events of none.
template <typename Fill>
void append_packet(std::string& block, const Fill& fill) {
  pbf_writer file(block);
  pbf_writer message(file, trace::kPacket);
  message.add_uint32(packet::kSequenceId, 1);
  fill(message);
}

struct Track {
  std::uint64_t uuid = 0;
  std::uint64_t parent = 0;  ///< 0: none
  std::string name;
  std::int32_t rank = 0;
  const char* counter_unit = nullptr;  ///< makes it a track of a counter
};

void append_track(std::string& block, const Track& track) {
  append_packet(block, [&](pbf_writer& message) {
    pbf_writer fields(message, packet::kTrackDescriptor);
    fields.add_uint64(descriptor::kUuid, track.uuid);
    fields.add_string(descriptor::kName, track.name);
    if (track.parent != 0) fields.add_uint64(descriptor::kParent, track.parent);
    if (track.counter_unit != nullptr) {
      pbf_writer counter(fields, descriptor::kCounter);
      counter.add_string(descriptor::kCounterUnitName, track.counter_unit);
    }
    fields.add_enum(descriptor::kChildOrdering, descriptor::kOrderByRank);
    fields.add_int32(descriptor::kRank, track.rank);
    // Perfetto would draw two tracks of one name as one.
    fields.add_enum(descriptor::kMergeBehavior, descriptor::kNeverMerge);
  });
}

/// Appends an event of `track`; `fill` adds what is special to its type.
template <typename Fill>
void append_event(std::string& block, std::uint64_t time_ns, std::uint64_t track, std::int32_t type,
                  const Fill& fill) {
  append_packet(block, [&](pbf_writer& message) {
    message.add_uint64(packet::kTimestamp, time_ns);
    pbf_writer fields(message, packet::kTrackEvent);
    fields.add_enum(event::kType, type);
    fields.add_uint64(event::kTrack, track);
    fill(fields);
  });
}

void append_end(std::string& block, std::uint64_t time_ns, std::uint64_t track) {
  append_event(block, time_ns, track, event::kSliceEnd, [](pbf_writer&) {});
}

void add_label(pbf_writer& fields, const char* category, const std::string& name) {
  fields.add_string(event::kCategory, category);
  fields.add_string(event::kName, name);
}

void annotate(pbf_writer& fields, const char* name, std::uint64_t value) {
  pbf_writer note(fields, event::kAnnotation);
  note.add_string(annotation::kName, name);
  note.add_uint64(annotation::kUint, value);
}

void annotate_seconds(pbf_writer& fields, const char* name, double value) {
  pbf_writer note(fields, event::kAnnotation);
  note.add_string(annotation::kName, name);
  note.add_double(annotation::kDouble, value);
}

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

Timeline::Timeline(std::ostream& out, std::vector<std::string> instance_names, double from_s,
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
  instances_.reserve(instance_names.size());
  for (std::string& name : instance_names) {
    Instance& instance = instances_.emplace_back();
    instance.name = std::move(name);
    instance.track = ++tracks_;
    append_track(block_, {.uuid = instance.track,
                          .name = instance.name,
                          .rank = static_cast<std::int32_t>(instances_.size())});
    write_block_if_full();
  }
}

void Timeline::segment(const Segment& segment) {
  reach(segment.end_s);
  if (!overlaps(segment.start_s, segment.end_s)) return;
  const std::uint64_t track = at(segment.instance).track;
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
  count(at(instance), true, time_s, bytes / 1e9);
}

void Timeline::queue(InstanceId instance, double time_s, std::uint32_t requests) {
  count(at(instance), false, time_s, requests);
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

void Timeline::finish() {
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
    if (instance.queue.known) write_count(instance, false, from_s_);
    if (instance.memory.known) write_count(instance, true, from_s_);
  }
}

void Timeline::count(Instance& instance, bool is_memory, double time_s, double value) {
  reach(time_s);
  if (time_s >= to_s_) return;
  Counter& counter = is_memory ? instance.memory : instance.queue;
  if (counter.known && counter.value == value) return;
  counter.known = true;
  counter.value = value;
  if (holds(time_s)) write_count(instance, is_memory, time_s);
}

void Timeline::write_count(Instance& instance, bool is_memory, double time_s) {
  Counter& counter = is_memory ? instance.memory : instance.queue;
  if (counter.track == 0) {
    counter.track = ++tracks_;
    append_track(block_, {.uuid = counter.track,
                          .parent = instance.track,
                          .name = is_memory ? "memory" : "queue",
                          .rank = is_memory ? kMemoryRank : kQueueRank,
                          .counter_unit = is_memory ? "GB" : "requests"});
  }
  append_event(block_, nanoseconds(time_s), counter.track, event::kCounter,
               [&](pbf_writer& fields) {
                 if (is_memory) {
                   fields.add_double(event::kDoubleCounterValue, counter.value);
                 } else {
                   fields.add_int64(event::kCounterValue, std::llround(counter.value));
                 }
               });
  write_block_if_full();
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
