#pragma once

#include <cstdint>
#include <utility>
#include <vector>

#include "sim/machine/request_table.h"

namespace cleave {

/// Who waits on one instance for a place in its batch: prompts in line, first come first served, as
/// a rule behind those whose KV cache was dropped; sequences put aside; and sequences that never
/// ran here, by arrival. Counts how often each was passed over, and how many are in progress.
///
/// By rank, prompts stand in the order of (rank, arrival) instead.
///
/// With one queue for all (as published), prompts stand in it with the sequences too, a prompt's
/// token phase right behind it, and the least passed over in front.
class WaitingRoom {
 public:
  WaitingRoom(RequestTable& requests, bool one_queue, bool by_rank = false)
      : requests_(&requests),
        one_queue_(one_queue),
        by_rank_(by_rank),
        line_(requests.links),
        loading_(requests.links),
        aside_(requests.links),
        tasks_(requests.pending),
        aside_by_arrival_(requests.waiting_positions),
        others_by_arrival_(requests.waiting_positions),
        ranked_(requests.waiting_positions) {}

  bool by_rank() const { return by_rank_; }
  /// Requests that wait.
  std::uint32_t size() const { return size_; }
  bool has_tasks() const { return !tasks_.empty() || first_in_line() != kNoRequest; }
  /// Each of these is kNoRequest where there is none.
  RequestId first_in_line() const {
    if (!by_rank_) return line_.first();
    return ranked_.empty() ? kNoRequest : ranked_.top().id;
  }
  RequestId first_aside() const { return aside_.first(); }
  RequestId last_aside() const { return aside_.last(); }
  /// Of those who stand in the queue: those in progress before others, by arrival.
  RequestId first_by_arrival() const {
    if (aside_by_arrival_.empty()) {
      return others_by_arrival_.empty() ? kNoRequest : others_by_arrival_.top().id;
    }
    const auto& aside = aside_by_arrival_.top();
    if (others_by_arrival_.empty()) return aside.id;
    const auto& other = others_by_arrival_.top();
    return other.key < aside.key ? other.id : aside.id;
  }
  /// Tasks of the queue, the most passed over in front; kNoTask behind the last.
  TaskId first_task() const { return tasks_.front(); }
  TaskId after(TaskId task) const { return tasks_.after(task); }
  std::uint64_t passed_over(TaskId task) const;

  /// Requests that began here and have tokens left to generate here.
  std::uint32_t in_progress() const { return in_progress_; }
  /// Whether its choice would add to them.
  bool begins(RequestId request) const { return !(*requests_)[request].in_progress; }
  /// Caches that wait to be computed again.
  std::uint32_t dropped() const { return dropped_; }
  /// Transfers that wait for room here.
  std::uint32_t transfers_expected() const { return transfers_expected_; }
  void expect_transfer() { ++transfers_expected_; }
  void forget_transfer() { --transfers_expected_; }

  /// Comes in before its prompt phase, or before its token phase.
  void enter(RequestId request);
  /// As published: its token task queues behind its prompt.
  void queue_token_task(RequestId request);
  /// Comes back out of the batch, in memory.
  void put_aside(RequestId request);
  enum class End : std::uint8_t { kFront, kBack };
  /// Its cache was dropped, in the batch or aside: it goes to an end of the line.
  void drop(RequestId request, Step before, End end);
  /// Of those that came back so from their prompt phase, the caches on their way out are of no use
  /// any more: these, once.
  std::vector<RequestId> take_dropped_prompts() { return std::exchange(dropped_prompts_, {}); }
  /// Out of the line while some of its cache is loaded.
  void set_out(RequestId request);
  RequestId first_loading() const { return loading_.first(); }
  /// Back into it, before those that arrived later; one whose cache was dropped before all.
  void come_back(RequestId request);
  /// Was chosen to run.
  void choose(RequestId request);
  /// A choice was made: everybody left was passed over once more.
  void close();
  /// Leaves the instance from here.
  void withdraw(RequestId request);
  /// Left the instance from the batch, or nothing of it is in progress any more.
  void end_progress(RequestId request);
  /// The instance stopped: everybody leaves.
  void stop();
  /// One of these, or of the batch.
  void stop(RequestId request);

 private:
  struct ArrivalKey {
    bool begins;
    double arrival_s;
    std::uint64_t order;
    bool operator<(const ArrivalKey& other) const {
      return less_or(begins, other.begins,
                     less_or(arrival_s, other.arrival_s, order < other.order));
    }
  };

  RequestState& state(RequestId request) { return (*requests_)[request]; }
  struct RankKey {
    double rank;
    double arrival_s;
    std::uint64_t number;
    bool operator<(const RankKey& other) const {
      return less_or(rank, other.rank, less_or(arrival_s, other.arrival_s, number < other.number));
    }
  };

  void stand_in_line(RequestId request, End end);
  void leave_line(RequestId request);
  bool in_task_queue(Phase phase) const { return phase == Phase::kToken || one_queue_; }
  IndexedHeap<ArrivalKey>& by_arrival(Step step) {
    return step == Step::kAside ? aside_by_arrival_ : others_by_arrival_;
  }
  void stand_by_arrival(RequestId request);
  void enqueue(TaskId task);
  void leave(RequestId request, Step step);

  RequestTable* requests_;
  bool one_queue_;
  bool by_rank_;
  RequestList line_;
  RequestList loading_;
  RequestList aside_;
  PendingQueue tasks_;
  // Sequences go aside and come back often, and are few among all who wait.
  IndexedHeap<ArrivalKey> aside_by_arrival_;
  IndexedHeap<ArrivalKey> others_by_arrival_;
  IndexedHeap<RankKey> ranked_;  ///< instead of the line
  std::vector<TaskId> chosen_;   ///< while a choice is made: tasks that still stand in the queue
  std::uint32_t size_ = 0;
  std::uint32_t in_progress_ = 0;
  std::uint32_t dropped_ = 0;
  std::vector<RequestId> dropped_prompts_;
  std::uint32_t transfers_expected_ = 0;
  std::uint64_t choices_ = 0;
  std::uint64_t arrivals_ = 0;
};

}  // namespace cleave
