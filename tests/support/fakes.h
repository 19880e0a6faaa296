#pragma once

#include <algorithm>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "sim/engine/clock.h"
#include "sim/machine/instance.h"
#include "sim/scheduling/scheduler.h"
#include "sim/transfer/kv_transfers.h"
#include "tests/support/policies.h"

namespace cleave {

/// A clock without SimGrid that tests turn by hand.
class FakeClock : public Clock {
 public:
  void run_until(double time_s) {
    while (!calendar_.empty() && calendar_.next_s() <= time_s) {
      const Calendar::Event event = calendar_.pop();
      now_s_ = event.time_s;
      event.function(event.self, event.argument);
    }
    now_s_ = time_s;
  }
  /// Until nothing is left to happen.
  void run() {
    while (!calendar_.empty()) run_until(calendar_.next_s());
  }
};

/// A prompt takes a millisecond a token, an iteration of decodes 100 ms whatever its size.
class FlatLatency : public LatencyModel {
 public:
  RunCost cost(const BatchShape& shape) const override {
    const double tokens = 1.0 * shape.prefill_tokens + shape.decodes;
    return {shape.prefill_tokens > 0 ? std::max(0.001 * tokens, shape.decodes > 0 ? 0.1 : 0) : 0.1,
            0};
  }
};

/// Remembers what it is told, and takes back the memory of who is done.
struct Notes : InstanceListener, Observer {
  std::vector<std::pair<RequestId, double>> prompts;  ///< finished, and when
  std::vector<std::pair<RequestId, double>> tokens;
  std::vector<Segment> segments;
  std::uint32_t queued = 0;  ///< as last reported
  const Clock* clock = nullptr;
  std::function<void(RequestId)> release;

  void chunk_started(RequestId, bool, double) override {}
  void prompt_finished(RequestId request) override { prompts.emplace_back(request, clock->now()); }
  void token_finished(RequestId request) override {
    tokens.emplace_back(request, clock->now());
    release(request);
  }
  void instance_idle(InstanceId) override {}
  void segment(const Segment& segment) override { segments.push_back(segment); }
  void queue(InstanceId, double, std::uint32_t requests) override { queued = requests; }
};

/// One instance with nothing around it, and room for so many KV tokens.
class InstanceAlone {
 public:
  explicit InstanceAlone(std::int64_t capacity_tokens, const std::string& memory = "paged") {
    policy_ = policy<MemoryPolicies>(memory)();
    kind.latency = &latency_;
    kind.memory = {policy_.get(), capacity_tokens, 0, 0, 1};
    set_batching(Json::object());
    notes.clock = &clock;
    notes.release = [this](RequestId id) {
      instances_.front().release(std::exchange(requests[id].held_tokens, 0));
    };
  }
  InstanceAlone(const InstanceAlone&) = delete;
  InstanceAlone& operator=(const InstanceAlone&) = delete;

  /// The policy `splitwise`, with these settings.
  void set_batching(const Json& settings) {
    kind.batching = [make = policy<BatchingPolicies>("splitwise", settings)] { return make({}); };
  }
  /// After changes to `kind`.
  Instance& start() {
    instances_.emplace_back(0, kind, clock, requests, notes, notes);
    return instances_.front();
  }

  /// A request whose phases both run here.
  RequestId add(std::uint32_t prompt_tokens, std::uint32_t output_tokens) {
    const RequestId id = requests.add();
    FinishedRequest& record = requests[id].record;
    record.number = id;
    record.prompt_tokens = prompt_tokens;
    record.output_tokens = output_tokens;
    record.arrival_s = clock.now();
    record.prompt_instance = record.token_instance = 0;
    return id;
  }
  void arrive(RequestId id) { instances_.front().arrive(id); }

  /// When the prompt of `id` was done; negative: it is not.
  double prompt_done_s(RequestId id) const { return when(notes.prompts, id); }
  double done_s(RequestId id) const { return when(notes.tokens, id); }

  FakeClock clock;
  RequestTable requests;
  Notes notes;
  InstanceKind kind;

 private:
  static double when(const std::vector<std::pair<RequestId, double>>& ends, RequestId id) {
    for (const auto& [request, time_s] : ends) {
      if (request == id) return time_s;
    }
    return -1;
  }

  FlatLatency latency_;
  std::unique_ptr<MemoryPolicy> policy_;
  std::vector<Instance> instances_;
};

/// A cluster that is nothing but its loads.
struct FakeCluster : ClusterView {
  std::vector<InstanceLoad> all;
  std::map<InstanceId, std::uint32_t> cached;  ///< tokens of every prompt
  std::map<InstanceId, TierTokens> below;      ///< the same, in lower tiers

  InstanceId add(PoolRole home, std::int64_t capacity_tokens, std::uint32_t machine = 0) {
    InstanceLoad load;
    load.home = home;
    load.capacity_tokens = capacity_tokens;
    load.machine = machine;
    all.push_back(load);
    return static_cast<InstanceId>(all.size() - 1);
  }
  std::span<const InstanceLoad> loads() const override { return all; }
  bool has_queue(InstanceId) const override { return false; }
  std::uint32_t cached_tokens(InstanceId instance, const Demand& demand) const override {
    const auto found = cached.find(instance);
    return found == cached.end() ? 0 : std::min(found->second, demand.prompt_tokens - 1);
  }
  TierTokens tier_tokens(InstanceId instance, const Demand&) const override {
    const auto found = below.find(instance);
    return found == below.end() ? TierTokens() : found->second;
  }
  void moved(InstanceId, PoolRole) override {}
};

}  // namespace cleave
