#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "models/latency/latency.h"
#include "sim/core/observer.h"
#include "sim/engine/clock.h"
#include "sim/machine/batching_policy.h"

namespace cleave {

/// What an instance tells the cluster, at once and in place.
class InstanceListener {
 public:
  virtual ~InstanceListener() = default;
  /// How many times longer an iteration over `prompts` takes because their layers leave meanwhile.
  virtual double slowdown(const std::vector<RequestId>& /*prompts*/) const { return 1; }
  /// What exchanges between the servers of an instance take longer than they would if the network
  /// held up nothing, in an iteration: each sends so many bytes, in so many seconds.
  virtual double network_delay_s(InstanceId /*instance*/, double /*bytes*/,
                                 double /*seconds*/) const {
    return 0;
  }
  /// Whether the end of each chunk of the prompt has to be known: a run of iterations that computes
  /// one is then one iteration long, one event each.
  virtual bool follows_chunks(RequestId /*request*/) const { return false; }
  /// An iteration of `duration_s` began that computes a chunk of the prompt: its last one, which is
  /// all of it where there is one, or one that is followed.
  virtual void chunk_started(RequestId request, bool last, double duration_s) = 0;
  /// Of a prompt that is followed, so many tokens are computed, not all.
  virtual void chunk_finished(RequestId /*request*/, std::uint32_t /*computed*/) {}
  /// What was computed of a prompt is lost; it waits to be computed again, or is already.
  virtual void prompt_dropped(RequestId /*request*/) {}
  virtual void prompt_finished(RequestId request) = 0;
  virtual void token_finished(RequestId request) = 0;
  /// Nothing runs here; what waits, if anything, cannot start.
  virtual void instance_idle(InstanceId instance) = 0;
  /// Memory became free here that no request held any more.
  virtual void room_made(InstanceId /*instance*/) {}
  /// A sequence with so many tokens may go on elsewhere: whether there is room for it now, which is
  /// then reserved. If so, it is out of here next, and gone().
  virtual bool finds_room(RequestId /*request*/, std::uint32_t /*generated*/) { return false; }
  virtual void gone(RequestId /*request*/) {}
};

/// What an instance is made of; shared by the instances of a pool.
struct InstanceKind {
  const LatencyModel* latency = nullptr;
  KvMemoryKind memory;
  std::function<std::unique_ptr<BatchingPolicy>()> batching;
  Speculation speculation;
  bool by_rank = false;  ///< who waits stands in the order of RequestState::rank
};

/// One LLM on one group of GPUs: its batch, who waits for a place in it, and its memory.
///
/// A run of iterations with an unchanged batch is one event. The batching policy chooses a new
/// batch when a run ends; a run is cut short ("paused") when the policy wants to.
class Instance {
 public:
  Instance(InstanceId id, const InstanceKind& kind, Clock& clock, RequestTable& requests,
           InstanceListener& listener, Observer& observer);

  /// Comes for its prompt phase, or with its KV cache for its token phase.
  void arrive(RequestId request);
  /// Takes back a request that waits here; its memory stays held.
  void withdraw(RequestId request);
  /// Stops at once: the run is cut after its last whole iteration and every request here leaves,
  /// its memory still held.
  void halt();
  /// Whether its sequences shall go on elsewhere as soon as they find room: now, and where a run of
  /// iterations is under way, after the current one and whenever a run ends.
  void empty_out(bool wanted);
  /// From the next iteration on, everything takes `factor` times as long.
  void set_pace(double factor);
  /// From the next iteration on, its GPUs draw at most this share of TDP, and iterations with
  /// prompts, and those without, take so many times as long.
  void set_cap(double cap, double prompt_factor, double decode_factor);
  /// The network between its servers is faster or slower from now on; the next iteration is.
  void exchange_changed() {
    if (exchanges_ && run_.under_way()) pause();
  }
  /// A transfer out of here ended.
  void nudge() { reconsider(Cause::kSent); }
  /// A transfer begins, or ceases, to wait for room here.
  void expect_transfer() { waiting_.expect_transfer(); }
  void forget_transfer();
  /// Whether a transfer may have so much room now.
  bool admits(std::uint32_t kv_tokens);
  /// Reserves or frees KV memory for a request that is on its way in or out.
  void hold(std::uint32_t kv_tokens);
  void release(std::uint32_t kv_tokens);
  /// A request that leaves uses so many tokens of the prefix cache no longer; release() is next.
  void leave_cache(RequestId request, std::uint32_t shared_tokens) {
    memory_.leave(requests_->contents[request], shared_tokens);
  }
  /// Room for the cache of a request that has so many tokens of its output and comes by a transfer,
  /// but for what is in the prefix cache here: where a transfer may have it now, reserves it, and
  /// says so.
  bool receive(RequestId request, std::uint32_t generated);
  /// The cache has come.
  void received(RequestId request);
  /// Of a prompt that would start here now, so many tokens are in the prefix cache.
  std::uint32_t cached_tokens(const Content& content, std::uint32_t tokens) const {
    return memory_.find(content, tokens).tokens;
  }
  /// Of the blocks that lower tiers were to load for a request that waits here, so many came, from
  /// the first on.
  void loaded(RequestId request, std::uint32_t blocks);
  /// What the prefix cache has is lost; nobody may use any of it.
  void forget_cache() { memory_.forget(); }
  /// Starts an iteration if nothing runs and something may.
  void wake();

  InstanceId id() const { return id_; }
  bool idle() const { return !run_.under_way() && !ending_; }
  bool queue_empty() const { return !waiting_.has_tasks(); }
  std::uint32_t waiting() const { return waiting_.size(); }
  bool empty() const { return batch_.empty() && waiting_.size() == 0; }
  /// Whether something is loaded from lower tiers for a request that waits here.
  bool loads() const { return waiting_.first_loading() != kNoRequest; }
  /// In the batch, whether they are computed or stand still.
  const std::vector<RequestId>& prompts() const { return batch_.prompts().all(); }

 private:
  Selection selection() {
    return Selection({*requests_, waiting_, memory_, batch_, run_, *clock_});
  }
  // instance_exchange.cpp: who comes and goes other than by the batch
  void came_back(RequestId request);
  void send_waiting();
  void send_sequences();

  // instance.cpp: runs of iterations
  void reconsider(Cause cause, TaskId task = kNoTask);
  void start_iteration();
  void begin_run();
  void start_chunks();
  bool follows_chunks() const;
  std::uint64_t iterations();
  bool finds_more_soon();
  bool computes_again() const;
  void tell_of_chunks();
  void tell_of_dropped();
  void pause();
  void shorten(std::uint64_t iterations);
  void run_ended(std::uint64_t);
  void keep_prompts();
  void keep(RequestId request);
  void end(RequestId request);
  void finish_prompt(RequestId request);
  void finish_sequence(RequestId request);
  void linger(RequestId request);
  void end_lingering();
  void waited(RequestId request, double until_s);
  void report_run();
  void report_queue();

  InstanceId id_;
  const LatencyModel* latency_;
  double draft_s_;
  Clock* clock_;
  RequestTable* requests_;
  InstanceListener* listener_;
  Observer* observer_;
  std::unique_ptr<BatchingPolicy> policy_;
  KvMemory memory_;
  WaitingRoom waiting_;
  Batch batch_;
  Run run_;
  double pace_ = 1;
  double cap_ = 1;
  double prompt_cap_pace_ = 1;
  double decode_cap_pace_ = 1;
  double run_cap_ = 1;      ///< of the run under way
  bool exchanges_ = false;  ///< servers of the instance, in the run under way
  bool followed_ = false;   ///< the ends of chunks of the run have to be known
  bool ending_ = false;     ///< requests come out of the batch that ran
  bool empties_ = false;    ///< sequences go on elsewhere
};

}  // namespace cleave
