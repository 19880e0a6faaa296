#pragma once

#include <cstdint>
#include <vector>

#include "sim/base/indexed_heap.h"
#include "sim/core/records.h"

namespace cleave {

/// A phase of a request as something that waits to run: 2 * RequestId for its prompt task, one more
/// for its token task.
using TaskId = std::uint32_t;
inline constexpr TaskId kNoTask = 0xffffffffU;
enum class Phase : std::uint8_t { kPrompt, kToken };
constexpr TaskId task_of(RequestId request, Phase phase) {
  return 2 * request + (phase == Phase::kToken ? 1 : 0);
}
constexpr RequestId request_of(TaskId task) { return task / 2; }
constexpr Phase phase_of(TaskId task) { return task % 2 == 0 ? Phase::kPrompt : Phase::kToken; }

/// Where a request's current task stands on its instance.
enum class Standing : std::uint8_t {
  kAway,     ///< not on an instance: before its first, or between two
  kWaiting,  ///< never ran in this phase
  kRunning,  ///< in the batch
  kBlocked   ///< token phase put aside, its KV cache still in memory
};

/// How far a request has come, as the cluster counts its load.
enum class Stage : std::uint8_t {
  kPrompt,   ///< assigned, prompt phase not done
  kSending,  ///< prompt phase done, its KV cache on the way or waiting for room
  kToken     ///< on its token instance
};

/// How far its KV cache has come on its way to another instance.
enum class Sending : std::uint8_t {
  kNot,        ///< not asked for yet
  kWaiting,    ///< for room on the token instance
  kFlowing,    ///< through the fabric
  kArrived,    ///< all bytes are there; the prompt phase may not be done
  kConcluding  ///< the layers are being synchronised
};

/// All that the cluster knows of a request between its arrival and its end.
struct RequestState {
  FinishedRequest record;
  bool active = false;  ///< in the cluster
  Stage stage = Stage::kPrompt;
  Phase phase = Phase::kPrompt;  ///< its first unfinished task
  Standing standing = Standing::kAway;
  bool token_task_queued = false;  ///< on the prompt's own instance, behind the prompt
  std::uint32_t generated = 0;     ///< output tokens so far
  bool in_progress = false;        ///< began on its instance and has tokens left to generate there
  std::uint32_t held_tokens = 0;   ///< KV tokens reserved on the instance of its current task
  std::uint32_t sent_tokens = 0;  ///< KV tokens reserved for it on its token instance by a transfer
  double last_token_s = 0;

  // On its way between instances:
  Sending sending = Sending::kNot;
  double overlap_until_s = 0;    ///< end of the prompt phase during which its layers leave; 0: none
  std::uint32_t transfer = 0;    ///< TransferId while flowing
  std::uint32_t concluding = 0;  ///< EventId while concluding
  bool in_line = false;          ///< waits for room on its token instance
  std::uint32_t line_place =
      0;  ///< from 1, of those that wait to leave its prompt instance; 0: none

  // In the batch:
  std::uint64_t joined_step = 0;     ///< steps of the instance when it joined
  std::uint32_t joined_segment = 0;  ///< segments of the instance when it joined

  // Being passed over: while it waits, the instance's selections since; else the count so far.
  std::uint64_t passed_over = 0;

  // Load as assigned by the scheduler, so that exactly the same is taken away again.
  std::uint32_t expected_output = 0;

  /// Tokens of its prompt task: the prompt, and what was generated before its KV cache was dropped.
  std::uint32_t prompt_work() const { return record.prompt_tokens + generated; }
  std::uint32_t remaining() const { return record.output_tokens - generated; }
};

/// One link of an intrusive list of requests.
struct RequestLink {
  RequestId before = kNoRequest;
  RequestId after = kNoRequest;
};

/// An intrusive list of requests over a vector of links; a request is in one list of a vector at
/// most.
class RequestList {
 public:
  explicit RequestList(std::vector<RequestLink>& links) : links_(&links) {}

  bool empty() const { return first_ == kNoRequest; }
  std::uint32_t size() const { return size_; }
  RequestId first() const { return first_; }
  RequestId last() const { return last_; }
  RequestId after(RequestId request) const { return (*links_)[request].after; }
  RequestId before(RequestId request) const { return (*links_)[request].before; }

  void push_back(RequestId request) { insert_between(last_, request, kNoRequest); }
  void push_front(RequestId request) { insert_between(kNoRequest, request, first_); }

  void erase(RequestId request) {
    const RequestLink link = (*links_)[request];
    (link.before == kNoRequest ? first_ : (*links_)[link.before].after) = link.after;
    (link.after == kNoRequest ? last_ : (*links_)[link.after].before) = link.before;
    --size_;
  }

  /// Puts all of `other` behind this list.
  void append(const RequestList& other) {
    if (other.empty()) return;
    if (empty()) {
      first_ = other.first_;
    } else {
      (*links_)[last_].after = other.first_;
      (*links_)[other.first_].before = last_;
    }
    last_ = other.last_;
    size_ += other.size_;
  }

 private:
  void insert_between(RequestId before, RequestId request, RequestId after) {
    (*links_)[request] = {before, after};
    (before == kNoRequest ? first_ : (*links_)[before].after) = request;
    (after == kNoRequest ? last_ : (*links_)[after].before) = request;
    ++size_;
  }

  std::vector<RequestLink>* links_;
  RequestId first_ = kNoRequest;
  RequestId last_ = kNoRequest;
  std::uint32_t size_ = 0;
};

}  // namespace cleave
