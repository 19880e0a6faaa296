#pragma once

#include <cstdint>
#include <protozero/pbf_writer.hpp>
#include <string>

// Packets of a Perfetto trace, appended to a text.
namespace cleave::perfetto {

using protozero::pbf_writer;
using Tag = protozero::pbf_tag_type;

// Field numbers and values of Perfetto's messages (protos/perfetto/trace/ in its repository).
namespace trace {
inline constexpr Tag kPacket = 1;
}
namespace packet {
inline constexpr Tag kTimestamp = 8;
inline constexpr Tag kSequenceId = 10;
inline constexpr Tag kTrackEvent = 11;
inline constexpr Tag kSequenceFlags = 13;
inline constexpr Tag kTrackDescriptor = 60;
inline constexpr std::uint32_t kStateCleared = 1;
}  // namespace packet
namespace descriptor {
inline constexpr Tag kUuid = 1;
inline constexpr Tag kName = 2;
inline constexpr Tag kParent = 5;
inline constexpr Tag kCounter = 8;
inline constexpr Tag kChildOrdering = 11;
inline constexpr Tag kRank = 12;
inline constexpr Tag kMergeBehavior = 15;
inline constexpr Tag kCounterUnitName = 6;
inline constexpr std::int32_t kOrderByRank = 3;
inline constexpr std::int32_t kNeverMerge = 2;
}  // namespace descriptor
namespace event {
inline constexpr Tag kAnnotation = 4;
inline constexpr Tag kType = 9;
inline constexpr Tag kTrack = 11;
inline constexpr Tag kCategory = 22;
inline constexpr Tag kName = 23;
inline constexpr Tag kCounterValue = 30;
inline constexpr Tag kDoubleCounterValue = 44;
inline constexpr Tag kFlow = 47;
inline constexpr Tag kTerminatingFlow = 48;
inline constexpr std::int32_t kSliceBegin = 1;
inline constexpr std::int32_t kSliceEnd = 2;
inline constexpr std::int32_t kInstant = 3;
inline constexpr std::int32_t kCounter = 4;
}  // namespace event
namespace annotation {
inline constexpr Tag kUint = 3;
inline constexpr Tag kDouble = 5;
inline constexpr Tag kName = 10;
}  // namespace annotation

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

inline void append_track(std::string& block, const Track& track) {
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

inline void append_end(std::string& block, std::uint64_t time_ns, std::uint64_t track) {
  append_event(block, time_ns, track, event::kSliceEnd, [](pbf_writer&) {});
}

inline void add_label(pbf_writer& fields, const char* category, const std::string& name) {
  fields.add_string(event::kCategory, category);
  fields.add_string(event::kName, name);
}

inline void annotate(pbf_writer& fields, const char* name, std::uint64_t value) {
  pbf_writer note(fields, event::kAnnotation);
  note.add_string(annotation::kName, name);
  note.add_uint64(annotation::kUint, value);
}

inline void annotate_seconds(pbf_writer& fields, const char* name, double value) {
  pbf_writer note(fields, event::kAnnotation);
  note.add_string(annotation::kName, name);
  note.add_double(annotation::kDouble, value);
}

}  // namespace cleave::perfetto
