#include "sim/metrics/timeline.h"

#include <cmath>
#include <cstdint>
#include <limits>
#include <map>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "sim/base/error.h"
#include "sim/scenario/resolve.h"
#include "sim/simulation.h"
#include "tests/catch.h"
#include "tests/support/simulation.h"
#include "tests/unit/timeline_support.h"

using namespace cleave;
using namespace cleave::timeline_test;

namespace {

constexpr double kForever = std::numeric_limits<double>::infinity();

struct Slice {
  std::string name;
  std::uint64_t start_ns = 0;
  std::uint64_t end_ns = 0;
};
bool operator==(const Slice& a, const Slice& b) {
  return a.name == b.name && a.start_ns == b.start_ns && a.end_ns == b.end_ns;
}
std::ostream& operator<<(std::ostream& out, const Slice& slice) {
  return out << slice.name << " [" << slice.start_ns << ", " << slice.end_ns << "]";
}

/// The slices of each track, in their order in the file; checks that each begin has its end before
/// the next begins, and that they do not overlap.
std::map<std::uint64_t, std::vector<Slice>> slices(const Decoded& trace) {
  std::map<std::uint64_t, std::vector<Slice>> found;
  std::set<std::uint64_t> open;
  for (const Event& event : trace.events) {
    std::vector<Slice>& track = found[event.track];
    if (event.type == kBegin) {
      CHECK(open.insert(event.track).second);
      CHECK((track.empty() || track.back().end_ns <= event.time_ns));
      track.push_back({event.name, event.time_ns, 0});
    } else if (event.type == kEnd) {
      REQUIRE(open.erase(event.track) == 1);
      CHECK(track.back().start_ns <= event.time_ns);
      track.back().end_ns = event.time_ns;
    }
  }
  CHECK(open.empty());
  return found;
}

std::uint64_t track_named(const Decoded& trace, const std::string& name, std::uint64_t parent = 0) {
  for (const auto& [uuid, track] : trace.tracks) {
    if (track.name == name && track.parent == parent) return uuid;
  }
  return 0;
}

std::vector<Slice> slices_of(const Decoded& trace, const std::string& instance,
                             const std::string& lane = "") {
  std::uint64_t track = track_named(trace, instance);
  if (!lane.empty()) track = track_named(trace, lane, track);
  REQUIRE(track != 0);
  return slices(trace)[track];
}

using Values = std::vector<std::pair<std::uint64_t, double>>;

Values values(const Decoded& trace, std::uint64_t track) {
  Values found;
  for (const Event& event : trace.events) {
    if (event.track == track) found.emplace_back(event.time_ns, event.value);
  }
  return found;
}

/// What a run that `feed` reports looks like on two instances, "p-0" and "t-0".
template <typename Feed>
Decoded recorded(double from_s, double to_s, const Feed& feed) {
  std::ostringstream out;
  Timeline timeline(out, {{"p-0", {}}, {"t-0", {}}}, from_s, to_s);
  feed(timeline);
  timeline.finish();
  return decode(out.str());
}

Segment segment(InstanceId instance, double start_s, double end_s, std::uint32_t prompts,
                std::uint32_t decodes) {
  Segment made;
  made.instance = instance;
  made.start_s = start_s;
  made.end_s = end_s;
  made.iterations = prompts > 0 ? 1 : 7;
  made.prompts = prompts;
  made.prompt_tokens = prompts * 1500;
  made.decodes = decodes;
  made.kv_tokens = 2048.4;
  return made;
}

}  // namespace

TEST_CASE("A timeline shows the segments of each instance") {
  const Decoded trace = recorded(0, kForever, [](Timeline& timeline) {
    timeline.segment(segment(0, 0, 0.25, 2, 0));
    timeline.segment(segment(1, 0.1, 0.3, 0, 5));
    timeline.segment(segment(0, 0.25, 0.5, 1, 3));
    timeline.segment(segment(0, 0.5, 0.500000001, 0, 4));
  });
  CHECK(trace.tracks.size() == 2);
  CHECK(slices_of(trace, "p-0") == std::vector<Slice>{{"prompt", 0, 250'000'000},
                                                      {"mixed", 250'000'000, 500'000'000},
                                                      {"decode", 500'000'000, 500'000'001}});
  CHECK(slices_of(trace, "t-0") == std::vector<Slice>{{"decode", 100'000'000, 300'000'000}});

  const Event& mixed = trace.events[4];
  CHECK(mixed.category == "compute");
  CHECK(mixed.notes ==
        std::map<std::string, double>{
            {"batch_size", 4}, {"prompt_tokens", 1500}, {"iterations", 1}, {"kv_tokens", 2048}});
}

TEST_CASE("A timeline without events still names its instances, in their order") {
  const Decoded trace = recorded(0, 1, [](Timeline&) {});
  REQUIRE(trace.tracks.size() == 2);
  CHECK(trace.tracks.at(track_named(trace, "p-0")).rank <
        trace.tracks.at(track_named(trace, "t-0")).rank);
  CHECK(trace.events.empty());
}

TEST_CASE("Each KV transfer is a slice at both ends, and one arrow") {
  const Decoded trace = recorded(0, kForever, [](Timeline& timeline) {
    timeline.transferred(0, 1, 1, 2, 3e9, 0.5);
    timeline.transferred(0, 1, 2, 2, 0, 0);
    timeline.transferred(1, 0, 2.5, 3, 1e9, 0.5);
  });
  CHECK(slices_of(trace, "p-0", "KV sent") ==
        std::vector<Slice>{{"KV to t-0", 1'000'000'000, 2'000'000'000},
                           {"KV to t-0", 2'000'000'000, 2'000'000'000}});
  CHECK(slices_of(trace, "t-0", "KV received") ==
        std::vector<Slice>{{"KV from p-0", 1'000'000'000, 2'000'000'000},
                           {"KV from p-0", 2'000'000'000, 2'000'000'000}});
  CHECK(slices_of(trace, "t-0", "KV sent").size() == 1);
  CHECK(slices_of(trace, "p-0", "KV received").size() == 1);

  // Of the two ends of an arrow, the sender's comes first in the file, and on another track.
  std::map<std::uint64_t, std::uint64_t> begun;
  std::size_t arrows = 0;
  for (const Event& event : trace.events) {
    if (event.type != kBegin) {
      CHECK(event.flows.size() + event.ended_flows.size() == 0);
      continue;
    }
    REQUIRE(event.flows.size() + event.ended_flows.size() == 1);
    for (const std::uint64_t flow : event.flows) CHECK(begun.emplace(flow, event.track).second);
    for (const std::uint64_t flow : event.ended_flows) {
      REQUIRE(begun.count(flow) == 1);
      CHECK(begun[flow] != event.track);
      ++arrows;
    }
  }
  CHECK(begun.size() == 3);
  CHECK(arrows == 3);
  CHECK(trace.events[0].notes == std::map<std::string, double>{{"bytes", 3e9}, {"ideal_s", 0.5}});
}

TEST_CASE("Transfers that overlap have lanes of their own, the lowest that is free") {
  const Decoded trace = recorded(0, kForever, [](Timeline& timeline) {
    timeline.transferred(0, 1, 2, 4, 1, 1);
    timeline.transferred(0, 1, 1, 5, 1, 1);
    timeline.transferred(0, 1, 3, 6, 1, 1);
    timeline.transferred(0, 1, 5, 7, 1, 1);  // the first lane is free again
    timeline.transferred(0, 1, 6, 8, 1, 1);  // the second too
    timeline.segment(segment(0, 0, 9, 1, 0));
  });
  const auto at = [](std::uint64_t start_s, std::uint64_t end_s) {
    return Slice{"KV to t-0", start_s * 1'000'000'000, end_s * 1'000'000'000};
  };
  CHECK(slices_of(trace, "p-0", "KV sent") == std::vector<Slice>{at(2, 4), at(5, 7)});
  CHECK(slices_of(trace, "p-0", "KV sent 2") == std::vector<Slice>{at(1, 5), at(6, 8)});
  CHECK(slices_of(trace, "p-0", "KV sent 3") == std::vector<Slice>{at(3, 6)});
  CHECK(slices_of(trace, "t-0", "KV received 3").size() == 1);
  CHECK(slices_of(trace, "p-0").size() == 1);
  CHECK(trace.tracks.size() == 2 + 6);
}

TEST_CASE("A timeline counts what waits and the memory in use") {
  const Decoded trace = recorded(0, kForever, [](Timeline& timeline) {
    timeline.memory(1, 0, 140e9);
    timeline.queue(1, 0.5, 3);
    timeline.queue(1, 0.75, 3);
    timeline.memory(1, 1, 141.5e9);
    timeline.queue(1, 2, 0);
  });
  const std::uint64_t instance = track_named(trace, "t-0");
  const std::uint64_t queue = track_named(trace, "queue", instance);
  const std::uint64_t memory = track_named(trace, "memory", instance);
  CHECK(trace.tracks.at(queue).unit == "requests");
  CHECK(trace.tracks.at(memory).unit == "GB");
  CHECK(values(trace, queue) == Values{{500'000'000, 3}, {2'000'000'000, 0}});
  CHECK(values(trace, memory) == Values{{0, 140}, {1'000'000'000, 141.5}});
  CHECK(trace.tracks.size() == 4);
}

TEST_CASE("A move to another pool is an instant of its instance") {
  const Decoded trace = recorded(0, kForever, [](Timeline& timeline) {
    timeline.pool_changed(1, 1, PoolRole::kMixed);
    timeline.pool_changed(1, 2, PoolRole::kToken);
    timeline.pool_changed(0, 3, PoolRole::kPrompt);
  });
  REQUIRE(trace.events.size() == 3);
  for (const Event& event : trace.events) CHECK(event.type == kInstant);
  CHECK(trace.events[0].name == "to the mixed pool");
  CHECK(trace.events[0].track == track_named(trace, "t-0"));
  CHECK(trace.events[0].time_ns == 1'000'000'000);
  CHECK(trace.events[1].name == "to the token pool");
  CHECK(trace.events[2].name == "to the prompt pool");
}

TEST_CASE("A timeline keeps to its window, and slices whole") {
  const Decoded trace = recorded(10, 20, [](Timeline& timeline) {
    timeline.pool_changed(0, 9.5, PoolRole::kMixed);
    timeline.transferred(0, 1, 5, 8, 1, 1);
    timeline.segment(segment(0, 9, 10, 0, 1));   // ends where the window begins
    timeline.segment(segment(0, 10, 10, 0, 1));  // of no length, in it
    timeline.segment(segment(1, 8, 11, 0, 1));   // reaches in
    timeline.transferred(0, 1, 9, 12, 1, 1);     // reaches in
    timeline.pool_changed(0, 10, PoolRole::kToken);
    timeline.segment(segment(0, 19, 25, 0, 1));  // reaches out
    timeline.transferred(0, 1, 19, 26, 1, 1);    // reaches out
    timeline.pool_changed(0, 20, PoolRole::kPrompt);
    timeline.segment(segment(1, 20, 30, 0, 1));
    timeline.transferred(0, 1, 20, 30, 1, 1);
  });
  const auto at = [](const char* name, std::uint64_t start_s, std::uint64_t end_s) {
    return Slice{name, start_s * 1'000'000'000, end_s * 1'000'000'000};
  };
  CHECK(slices_of(trace, "p-0") == std::vector<Slice>{at("decode", 10, 10), at("decode", 19, 25)});
  CHECK(slices_of(trace, "t-0") == std::vector<Slice>{at("decode", 8, 11)});
  CHECK(slices_of(trace, "p-0", "KV sent") ==
        std::vector<Slice>{at("KV to t-0", 9, 12), at("KV to t-0", 19, 26)});
  CHECK(slices_of(trace, "t-0", "KV received").size() == 2);
  std::size_t instants = 0;
  for (const Event& event : trace.events) instants += event.type == kInstant ? 1 : 0;
  CHECK(instants == 1);
}

TEST_CASE("Counters begin the window with the value they had") {
  const Decoded trace = recorded(10, 20, [](Timeline& timeline) {
    timeline.memory(0, 0, 1e9);
    timeline.memory(0, 9, 2e9);
    timeline.queue(0, 9, 4);
    timeline.queue(0, 12, 5);
    timeline.queue(1, 12, 1);
    timeline.queue(0, 21, 6);
  });
  const std::uint64_t first = track_named(trace, "p-0");
  CHECK(values(trace, track_named(trace, "memory", first)) == Values{{10'000'000'000, 2}});
  CHECK(values(trace, track_named(trace, "queue", first)) ==
        Values{{10'000'000'000, 4}, {12'000'000'000, 5}});
  CHECK(values(trace, track_named(trace, "queue", track_named(trace, "t-0"))) ==
        Values{{12'000'000'000, 1}});

  const Decoded too_short = recorded(
      10, 20, [](Timeline& timeline) { timeline.memory(0, 9, 2e9); });  // the run ends at 9 s
  CHECK(too_short.events.empty());
}

TEST_CASE("A timeline shows the power that each instance draws") {
  const Scenario scenario = read_scenario(default_scenario());
  const PowerModel power(scenario.llms.front(), scenario.pools[0].machine, {.tensor_parallel = 8});
  const double idle = power.idle_w() / 1e3;
  const double decoding = power.decode_w() / 1e3;
  const double prompt = power.prompt_w(1500) / 1e3;
  REQUIRE(idle < decoding);
  REQUIRE(decoding < prompt);
  const auto shown = [&](double from_s, double to_s) {
    std::ostringstream out;
    Timeline timeline(out, {{"p-0", power}}, from_s, to_s);
    timeline.segment(segment(0, 1, 2, 1, 0));
    timeline.segment(segment(0, 2, 4, 0, 3));
    timeline.segment(segment(0, 4, 5, 0, 2));  // as much as before
    timeline.segment(segment(0, 6, 8, 1, 0));
    timeline.finish();
    const Decoded trace = decode(out.str());
    const std::uint64_t counter = track_named(trace, "power", track_named(trace, "p-0"));
    if (counter != 0) CHECK(trace.tracks.at(counter).unit == "kW");
    return values(trace, counter);
  };
  const auto at = [](double time_s) { return static_cast<std::uint64_t>(time_s * 1e9); };
  CHECK(shown(0, kForever) == Values{{0, idle},
                                     {at(1), prompt},
                                     {at(2), decoding},
                                     {at(5), idle},
                                     {at(6), prompt},
                                     {at(8), idle}});
  CHECK(shown(3, 5) == Values{{at(3), decoding}});
  CHECK(shown(5.5, 7) == Values{{at(5.5), idle}, {at(6), prompt}});
  CHECK(shown(20, 30).empty());
}

TEST_CASE("The power in a timeline adds up to the energy of the summary") {
  const Json changes = {{"workload", {{"duration_s", 5}}}};
  const Json summary = simulate_changes(changes);
  const Decoded trace = decode(in_child([&] {
    const Scenario scenario = read_scenario(merge_scenario(default_scenario(), changes));
    std::ostringstream out;
    Timeline timeline(out, timeline_instances(scenario), 0, kForever);
    Simulation(scenario).alone().watch(timeline).run();
    timeline.finish();
    return out.str();
  }));
  const double end_s = summary["duration_s"].get<double>();
  double energy_kj = 0;
  std::size_t counters = 0;
  for (const auto& [uuid, track] : trace.tracks) {
    if (track.name != "power") continue;
    ++counters;
    Values steps = values(trace, uuid);
    REQUIRE(steps.at(0).first == 0);
    steps.emplace_back(static_cast<std::uint64_t>(std::llround(end_s * 1e9)), 0);
    for (std::size_t i = 1; i < steps.size(); ++i) {
      energy_kj +=
          steps[i - 1].second * static_cast<double>(steps[i].first - steps[i - 1].first) / 1e9;
    }
  }
  CHECK(counters == 40);
  CHECK(energy_kj / 3600 == Approx(summary["power"]["energy_kwh"].get<double>()).epsilon(1e-6));
}

TEST_CASE("Names reach the timeline byte for byte") {
  using namespace std::string_literals;
  const std::vector<std::string> names = {
      "<script>alert(1)</script>", "\"}],\"\\u0000\n%s%n\0 after the zero"s, "",
      "机器 \xF0\x9F\x9A\x80", "../../" + std::string(5000, 'x')};
  std::ostringstream out;
  std::vector<TimelineInstance> instances;
  for (const std::string& name : names) instances.push_back({name, {}});
  Timeline timeline(out, instances, 0, kForever);
  const auto count = static_cast<InstanceId>(names.size());
  for (InstanceId i = 0; i < count; ++i) {
    timeline.transferred(i, (i + 1) % count, i, i + 1, 1, 1);
  }
  timeline.finish();
  const Decoded trace = decode(out.str());
  for (std::size_t i = 0; i < names.size(); ++i) {
    CHECK(trace.tracks.at(i + 1).name == names[i]);
    const std::uint64_t lane = track_named(trace, "KV sent", i + 1);
    CHECK(slices(trace)[lane].at(0).name == "KV to " + names[(i + 1) % names.size()]);
  }
}

TEST_CASE("A long run is written as it goes") {
  std::ostringstream out;
  Timeline timeline(out, {{"p-0", {}}}, 0, kForever);
  constexpr std::size_t kSegments = 50'000;
  for (std::size_t i = 0; i < kSegments; ++i) {
    timeline.segment(segment(0, static_cast<double>(i), static_cast<double>(i + 1), 0, 1));
  }
  const std::size_t before = out.str().size();
  timeline.finish();
  CHECK(before > kSegments * 50);
  CHECK(out.str().size() - before < 500'000);
  CHECK(slices_of(decode(out.str()), "p-0").size() == kSegments);
}

TEST_CASE("A timeline must end after it begins") {
  std::ostringstream out;
  CHECK_THROWS_AS(Timeline(out, {}, 5, 5), InputError);
  CHECK_THROWS_WITH(Timeline(out, {}, 5, 3),
                    "the timeline must end after it begins, but it is to run from 5 s to 3 s");
  CHECK_THROWS_AS(Timeline(out, {}, 0, std::nan("")), InputError);
  CHECK(out.str().empty());
}
