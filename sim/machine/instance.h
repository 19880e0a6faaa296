#pragma once

#include <cstdint>
#include <vector>

#include "models/latency/latency.h"
#include "sim/core/observer.h"
#include "sim/engine/clock.h"
#include "sim/machine/gap_record.h"
#include "sim/machine/memory_policy.h"
#include "sim/machine/request_table.h"
#include "sim/machine/run_length.h"
#include "sim/scenario/scenario.h"
#include "sim/transfer/transfer_policy.h"

namespace cleave {

/// What an instance tells the cluster, at once and in place.
class InstanceListener {
 public:
  virtual ~InstanceListener() = default;
  virtual void prompt_started(RequestId request, double duration_s) = 0;
  virtual void prompt_finished(RequestId request) = 0;
  virtual void token_finished(RequestId request) = 0;
  /// Nothing runs here; what waits, if anything, cannot start.
  virtual void instance_idle(InstanceId instance) = 0;
};

/// What an instance is made of; shared by the instances of a pool.
struct InstanceKind {
  const LatencyModel* latency = nullptr;
  const MemoryPolicy* memory = nullptr;
  const TransferPolicy* transfer = nullptr;
  double prompt_slowdown = 0;  ///< of a prompt phase during which layers leave
  BatchingSpec batching;
  std::int64_t capacity_tokens = 0;   ///< of KV cache
  std::int64_t watermark_tokens = 0;  ///< of these, left free by what starts beside others
  double weight_bytes = 0;
  double kv_bytes_per_token = 0;
  std::vector<DecodeCost> decode;  ///< by number of sequences, from 0
};

/// One LLM on one group of GPUs: its batch, what waits for a place in it, and its memory.
///
/// Runs of iterations with an unchanged batch are one event. A new batch is chosen when a run ends;
/// a run of decodes is cut short ("paused") when a task could join. The order of choice: starved
/// tasks, prompts first come first served, sequences put aside, the old batch, then sequences that
/// never ran here, by arrival. What holds memory never waits behind what wants some: where memory
/// is short, sequences that run go on, then caches that were dropped come back, then transfers
/// arrive, then prompts start.
///
/// As published (`batching.as_published`), prompts wait in the same queue as everything else, whose
/// first task that cannot start holds up the others; only an arrival wakes an idle instance; and
/// the limit of sequences is that of an iteration, not of the sequences in progress.
class Instance {
 public:
  Instance(InstanceId id, const InstanceKind& kind, Clock& clock, RequestTable& requests,
           InstanceListener& listener, Observer& observer);

  /// The request's current task arrives; with `token_task`, its token task queues behind its
  /// prompt.
  void arrive(RequestId request, bool token_task);
  /// Takes back a request that waits here; its memory stays held.
  void withdraw(RequestId request);
  /// Stops at once: the run is cut after its last whole iteration and every request here is taken
  /// back, its memory still held.
  void halt();
  /// From the next iteration on, everything takes `factor` times as long.
  void set_pace(double factor);
  /// A transfer out of here ended.
  void nudge();
  /// A transfer begins, or ceases, to wait for room here.
  void expect_transfer() { ++transfers_expected_; }
  void forget_transfer();
  /// KV tokens to hold for a request whose cache arrives by a transfer.
  std::uint32_t kv_to_receive(const RequestState& state) const;
  /// Whether a transfer may have its room now.
  bool admits(std::uint32_t kv_tokens) const { return dropped_ == 0 && fits(kv_tokens); }
  /// Reserves or frees KV memory for a request that is on its way in or out.
  void hold(std::uint32_t kv_tokens);
  void release(std::uint32_t kv_tokens);
  /// Starts an iteration if nothing runs and something may.
  void wake();

  InstanceId id() const { return id_; }
  bool idle() const { return batch_.empty() && !ending_; }
  bool queue_empty() const { return pending_.empty() && prompt_queue_.empty(); }
  bool empty() const { return pool_size_ == 0; }
  std::int64_t capacity_tokens() const { return capacity_tokens_; }

 private:
  struct FinishKey {
    std::uint64_t step;
    std::uint64_t batch_key;  ///< order of joining
    bool operator<(const FinishKey& other) const {
      return step != other.step ? step < other.step : batch_key < other.batch_key;
    }
  };
  struct WaitingKey {
    bool begins;  ///< and so adds to the sequences in progress
    double arrival_s;
    std::uint64_t order;
    bool operator<(const WaitingKey& other) const {
      if (begins != other.begins) return other.begins;
      return arrival_s != other.arrival_s ? arrival_s < other.arrival_s : order < other.order;
    }
  };
  struct Run {
    double start_s = 0;
    std::uint64_t iterations = 0;
    RunLength length;
    EventId end = kNoEvent;
    bool paused = false;
    std::int64_t kv_tokens = 0;
  };
  // queueing.cpp: what waits
  void enqueue(TaskId task);
  void leave_queue(RequestId request);
  void wait(RequestId request);
  void consider(TaskId task);
  void consider_as_published(TaskId task);
  void reconsider();
  bool prompt_may_join() const;
  bool sequence_may_join() const;
  bool in_common_queue(Phase phase) const {
    return phase == Phase::kToken || kind_->batching.as_published;
  }
  bool begins(RequestId request) const {
    return !kind_->batching.as_published && !(*requests_)[request].in_progress;
  }
  void begin_progress(RequestId request);
  void end_progress(RequestId request);
  void report_queue();
  std::uint64_t passed_over(TaskId task) const;
  std::uint32_t kv_to_start(RequestId request) const;

  // selection.cpp: who runs next
  void select();
  bool has_place(RequestId request) const;
  void take_starved();
  void take_prompts();
  void take_blocked();
  void put_aside_beyond_limits();
  void take_by_arrival();
  void take(RequestId request);
  bool may_start(RequestId request) const;
  bool fits(std::int64_t kv_tokens) const {
    return used_tokens_ + growth_under_way() + kv_tokens + headroom() <= capacity_tokens_;
  }
  std::int64_t headroom() const {
    return used_tokens_ > 0 ? kind_->watermark_tokens + growth_per_iteration() : 0;
  }
  void put_aside(RequestId request);
  void settle(RequestId request);
  void leave_batch(RequestId request);
  bool make_room_to_grow();
  void drop_cache(RequestId request);

  // instance.cpp: iterations
  void start_iteration();
  void begin_run();
  double prompt_slowdown() const;
  void pause();
  void shorten(std::uint64_t iterations);
  std::int64_t growth_per_iteration() const {
    return static_cast<std::int64_t>(kind_->memory->growth()) * decodes_;
  }
  std::int64_t growth_under_way() const;
  void run_ended(std::uint64_t);
  void report_run();
  void finish_prompt(RequestId request);
  void finish_token(RequestId request);
  void report_memory();
  std::uint32_t work_of(RequestId request) const;

  InstanceId id_;
  const InstanceKind* kind_;
  Clock* clock_;
  RequestTable* requests_;
  InstanceListener* listener_;
  Observer* observer_;

  std::int64_t capacity_tokens_;
  std::int64_t used_tokens_ = 0;

  RequestList batch_;
  RequestList prompt_queue_;         ///< prompts that wait, by arrival here
  RequestList blocked_;              ///< token phases put aside
  PendingQueue pending_;             ///< tasks of the common queue, the most passed over first
  IndexedHeap<WaitingKey> waiting_;  ///< requests whose current task waits in the common queue
  IndexedHeap<FinishKey> finishing_;
  std::vector<RequestId> joined_;       ///< decodes in their first iteration of this stay
  std::vector<RequestId> new_prompts_;  ///< prompts of this run
  std::uint32_t pool_size_ = 0;
  std::uint32_t in_progress_ = 0;
  std::uint32_t dropped_ = 0;  ///< caches that wait to be computed again
  std::uint32_t transfers_expected_ = 0;
  std::uint64_t selections_ = 0;
  std::uint64_t arrivals_ = 0;

  std::uint32_t prompts_ = 0;  ///< in the batch
  std::uint32_t decodes_ = 0;  ///< sequences in the batch that get a token an iteration
  std::uint32_t prompt_tokens_ = 0;
  double squared_prompt_tokens_ = 0;
  std::uint32_t batch_tokens_ = 0;  ///< prompts by their length, decodes one each
  std::int64_t kv_tokens_ = 0;      ///< read by the next iteration
  std::uint64_t steps_ = 0;
  RequestList added_;          ///< while selecting: what joins the batch
  std::vector<TaskId> taken_;  ///< while selecting: the tasks of these
  std::uint32_t chosen_ = 0;   ///< while selecting: tasks in the new batch so far
  std::uint64_t next_batch_key_ = 0;
  double pace_ = 1;
  GapRecord gaps_;
  Run run_;
  bool running_ = false;
  bool ending_ = false;
};

}  // namespace cleave
