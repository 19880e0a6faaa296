#pragma once

#include <algorithm>
#include <cstring>
#include <string>
#include <type_traits>
#include <vector>

#include "sim/base/child_process.h"
#include "sim/scenario/resolve.h"
#include "sim/simulation.h"
#include "traces/request.h"

namespace cleave {

struct SeenTransfer {
  InstanceId from = kNoInstance;
  InstanceId to = kNoInstance;
  double start_s = 0;
  double end_s = 0;
  double bytes = 0;
  double ideal_s = 0;
};
struct SeenPoolChange {
  InstanceId instance = kNoInstance;
  double time_s = 0;
  PoolRole role = PoolRole::kMixed;
};
struct SeenStatus {
  InstanceId instance = kNoInstance;
  double time_s = 0;
  InstanceStatus status = InstanceStatus::kUp;
};
struct SeenRejection {
  FinishedRequest request;
  double needed_bytes = 0;
};

/// All that an observer sees of a run, and its summary.
struct SeenRun {
  Json summary;
  std::vector<FinishedRequest> finished;  ///< by number
  std::vector<FinishedRequest> unfinished;
  std::vector<SeenRejection> rejected;
  std::vector<Segment> segments;
  std::vector<SeenTransfer> transfers;
  std::vector<TierMove> tier_moves;
  std::vector<SeenPoolChange> pool_changes;
  std::vector<SeenStatus> statuses;
  std::vector<double> most_memory_bytes;   ///< by instance
  std::vector<double> last_memory_bytes;   ///< by instance
  std::vector<double> last_memory_s;       ///< by instance: when it last changed
  std::vector<std::uint32_t> last_queued;  ///< by instance

  const Json& requests() const { return summary["requests"]; }
  /// Output tokens that were computed, those of requests that began again included.
  double tokens_generated() const {
    double tokens = 0;
    for (const Segment& segment : segments) {
      tokens += segment.completed_prompts + segment.decode_tokens;
    }
    return tokens;
  }
};

namespace seen {

struct Recorder : Observer {
  SeenRun run;
  void finished(const FinishedRequest& request) override { run.finished.push_back(request); }
  void unfinished(const FinishedRequest& request) override { run.unfinished.push_back(request); }
  void rejected(const FinishedRequest& request, double bytes) override {
    run.rejected.push_back({request, bytes});
  }
  void segment(const Segment& segment) override { run.segments.push_back(segment); }
  void transferred(InstanceId from, InstanceId to, double start_s, double end_s, double bytes,
                   double ideal_s) override {
    run.transfers.push_back({from, to, start_s, end_s, bytes, ideal_s});
  }
  void tier_moved(const TierMove& move) override { run.tier_moves.push_back(move); }
  void pool_changed(InstanceId instance, double time_s, PoolRole role) override {
    run.pool_changes.push_back({instance, time_s, role});
  }
  void status_changed(InstanceId instance, double time_s, InstanceStatus status) override {
    run.statuses.push_back({instance, time_s, status});
  }
  void queue(InstanceId instance, double, std::uint32_t requests) override {
    if (run.last_queued.size() <= instance) run.last_queued.resize(instance + 1);
    run.last_queued[instance] = requests;
  }
  void memory(InstanceId instance, double time_s, double bytes) override {
    if (run.most_memory_bytes.size() <= instance) {
      run.most_memory_bytes.resize(instance + 1);
      run.last_memory_bytes.resize(instance + 1);
      run.last_memory_s.resize(instance + 1);
    }
    run.most_memory_bytes[instance] = std::max(run.most_memory_bytes[instance], bytes);
    run.last_memory_bytes[instance] = bytes;
    run.last_memory_s[instance] = time_s;
  }
};

template <class Visit>
void visit_lists(SeenRun& run, Visit visit) {
  visit(run.finished);
  visit(run.unfinished);
  visit(run.rejected);
  visit(run.segments);
  visit(run.transfers);
  visit(run.tier_moves);
  visit(run.pool_changes);
  visit(run.statuses);
  visit(run.most_memory_bytes);
  visit(run.last_memory_bytes);
  visit(run.last_memory_s);
  visit(run.last_queued);
}

/// The bytes of the lists, each behind its length, then the summary: how a run leaves its process.
inline std::string pack(SeenRun& run) {
  std::string bytes;
  visit_lists(run, [&](auto& list) {
    using Value = typename std::decay_t<decltype(list)>::value_type;
    static_assert(std::is_trivially_copyable_v<Value>);
    const std::size_t count = list.size();
    bytes.append(reinterpret_cast<const char*>(&count), sizeof count);
    bytes.append(reinterpret_cast<const char*>(list.data()), count * sizeof(Value));
  });
  return bytes + run.summary.dump();
}

inline SeenRun unpack(const std::string& bytes) {
  SeenRun run;
  std::size_t at = 0;
  visit_lists(run, [&](auto& list) {
    using Value = typename std::decay_t<decltype(list)>::value_type;
    std::size_t count = 0;
    std::memcpy(&count, bytes.data() + at, sizeof count);
    at += sizeof count;
    list.resize(count);
    if (count > 0) std::memcpy(list.data(), bytes.data() + at, count * sizeof(Value));
    at += count * sizeof(Value);
  });
  run.summary = Json::parse(bytes.substr(at));
  return run;
}

}  // namespace seen

/// The default scenario with `changes` on top, as a whole document.
inline Json scenario_of(const Json& changes) { return merge_scenario(default_scenario(), changes); }

/// Simulates it in a process of its own and tells everything that was seen.
inline SeenRun see(const Json& changes) {
  SeenRun run = seen::unpack(in_child([&] {
    seen::Recorder recorder;
    recorder.run.summary =
        Simulation(read_scenario(scenario_of(changes))).alone().watch(recorder).run();
    return seen::pack(recorder.run);
  }));
  std::sort(run.finished.begin(), run.finished.end(),
            [](const FinishedRequest& a, const FinishedRequest& b) { return a.number < b.number; });
  return run;
}

/// A trace of these requests, in the format of the published Splitwise simulator.
inline std::string trace_text(const std::vector<Request>& requests) {
  std::string text =
      "request_id,request_type,application_id,arrival_timestamp,batch_size,prompt_size,token_"
      "size\n";
  for (std::size_t i = 0; i < requests.size(); ++i) {
    // JSON prints the shortest text that reads back as the same number.
    text += std::to_string(i) + ",2,0," + Json(requests[i].arrival_s).dump() + ",1," +
            std::to_string(requests[i].prompt_tokens) + "," +
            std::to_string(requests[i].output_tokens) + "\n";
  }
  return text;
}

/// One group of machines of a scenario.
inline Json pool(const char* role, int count, const char* machine = "dgx-h100") {
  return {{"role", role}, {"machine", machine}, {"count", count}};
}

}  // namespace cleave
