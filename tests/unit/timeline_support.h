#pragma once

#include <cstdint>
#include <map>
#include <protozero/pbf_reader.hpp>
#include <string>
#include <vector>

#include "tests/catch.h"

// Reads a Perfetto trace again, as far as timelines go.
namespace cleave::timeline_test {

enum : std::int32_t { kBegin = 1, kEnd = 2, kInstant = 3, kCounter = 4 };

struct Track {
  std::string name;
  std::uint64_t parent = 0;
  bool is_counter = false;
  std::string unit;
  std::int32_t rank = 0;
};

struct Event {
  std::uint64_t time_ns = 0;
  std::int32_t type = 0;
  std::uint64_t track = 0;
  std::string name;
  std::string category;
  std::map<std::string, double> notes;
  std::vector<std::uint64_t> flows;  ///< that begin here
  std::vector<std::uint64_t> ended_flows;
  double value = 0;
};

/// A trace, read again. Fields that no timeline writes are an error.
struct Decoded {
  std::map<std::uint64_t, Track> tracks;
  std::vector<Event> events;
};

inline void read_track(protozero::pbf_reader fields, Decoded& trace) {
  Track track;
  std::uint64_t uuid = 0;
  while (fields.next()) {
    switch (fields.tag()) {
      case 1:
        uuid = fields.get_uint64();
        break;
      case 2:
        track.name = fields.get_string();
        break;
      case 5:
        track.parent = fields.get_uint64();
        break;
      case 8: {
        track.is_counter = true;
        protozero::pbf_reader counter = fields.get_message();
        while (counter.next(6)) track.unit = counter.get_string();
        break;
      }
      case 11:
        CHECK(fields.get_enum() == 3);
        break;
      case 12:
        track.rank = fields.get_int32();
        break;
      case 15:
        CHECK(fields.get_enum() == 2);
        break;
      default:
        FAIL("field " << fields.tag() << " of a track descriptor");
    }
  }
  REQUIRE(uuid != 0);
  CHECK((track.parent == 0 || trace.tracks.count(track.parent) == 1));
  CHECK(trace.tracks.emplace(uuid, track).second);
}

inline void read_note(protozero::pbf_reader fields, Event& event) {
  std::string name;
  double value = 0;
  while (fields.next()) {
    if (fields.tag() == 10) {
      name = fields.get_string();
    } else if (fields.tag() == 3) {
      value = static_cast<double>(fields.get_uint64());
    } else {
      REQUIRE(fields.tag() == 5);
      value = fields.get_double();
    }
  }
  CHECK(event.notes.emplace(name, value).second);
}

inline void read_event(protozero::pbf_reader fields, Event& event) {
  while (fields.next()) {
    switch (fields.tag()) {
      case 4:
        read_note(fields.get_message(), event);
        break;
      case 9:
        event.type = fields.get_enum();
        break;
      case 11:
        event.track = fields.get_uint64();
        break;
      case 22:
        event.category = fields.get_string();
        break;
      case 23:
        event.name = fields.get_string();
        break;
      case 30:
        event.value = static_cast<double>(fields.get_int64());
        break;
      case 44:
        event.value = fields.get_double();
        break;
      case 47:
        event.flows.push_back(fields.get_fixed64());
        break;
      case 48:
        event.ended_flows.push_back(fields.get_fixed64());
        break;
      default:
        FAIL("field " << fields.tag() << " of an event");
    }
  }
}

inline void read_packet(protozero::pbf_reader fields, bool is_first, Decoded& trace) {
  Event event;
  bool is_event = false;
  std::uint32_t sequence = 0;
  std::uint32_t flags = 0;
  while (fields.next()) {
    switch (fields.tag()) {
      case 8:
        event.time_ns = fields.get_uint64();
        break;
      case 10:
        sequence = fields.get_uint32();
        break;
      case 11:
        is_event = true;
        read_event(fields.get_message(), event);
        break;
      case 13:
        flags = fields.get_uint32();
        break;
      case 60:
        read_track(fields.get_message(), trace);
        break;
      default:
        FAIL("field " << fields.tag() << " of a packet");
    }
  }
  CHECK(sequence == 1);
  CHECK(flags == (is_first ? 1U : 0U));
  if (!is_event) return;
  REQUIRE(trace.tracks.count(event.track) == 1);  // a track comes before what is on it
  CHECK(trace.tracks[event.track].is_counter == (event.type == kCounter));
  trace.events.push_back(event);
}

inline Decoded decode(const std::string& bytes) {
  Decoded trace;
  protozero::pbf_reader file(bytes);
  bool is_first = true;
  while (file.next()) {
    REQUIRE(file.tag() == 1);
    read_packet(file.get_message(), is_first, trace);
    is_first = false;
  }
  return trace;
}

}  // namespace cleave::timeline_test
