#include <algorithm>

#include "sim/machine/batching_policy.h"

namespace cleave {

namespace {

const Setting kMaxTokens{"max_prompt_tokens", 2048, "tokens",
                         "an iteration computes, sequences counting one; longer prompts run alone",
                         whole(1, 100'000'000)};
const Setting kMaxSequences{"max_sequences", 512, "sequences", "in progress on an instance",
                            whole(1, 100'000)};
const Setting kMaxPreemptions{"max_preemptions", 4, "times",
                              "passed over this often, a task goes first", whole(1, 1'000'000'000)};
const Setting kAsPublished{"as_published", false, "",
                           "order and limits of the published simulator, defects too",
                           true_or_false()};

/// The order of Splitwise: starved tasks, prompts first come first served, sequences put aside, the
/// batch that ran, then sequences that never ran here, by arrival. What holds memory never waits
/// behind what wants some: where memory is short, sequences that run go on, then caches that were
/// dropped come back, then transfers arrive, then prompts start.
class Splitwise : public BatchingPolicy {
 public:
  Splitwise(BatchLimits limits, std::uint32_t max_preemptions)
      : limits_(limits), max_preemptions_(max_preemptions) {}

  BatchLimits limits() const override { return limits_; }
  bool prompts_stay() const override { return false; }

  void fill(Selection& selection) override {
    // Where all that was chosen had to give up its cache, its room is there for others.
    do {
      choose(selection);
    } while (make_room_to_grow(selection) && selection.batch().empty());
  }

  std::uint64_t until_change(const Selection& selection) const override {
    // A prompt that found no place beside these sequences gets it after one more token of theirs.
    return prompt_may_join(selection) ? 1 : until_end(selection);
  }

  bool wants_change(const Selection& selection, Cause, TaskId) const override {
    if (!selection.run_under_way()) return selection.waiting().size() > 0;
    return prompt_may_join(selection) || sequence_may_join(selection);
  }

 protected:
  static std::uint64_t until_end(const Selection& selection) {
    const std::uint64_t iterations = selection.batch().until_change();
    return selection.batch().prompts().running() > 0 ? iterations
                                                     : selection.iterations_of_room(iterations);
  }
  const BatchLimits& most() const { return limits_; }

  /// Whether one more sequence may be in progress, where the request would be that.
  virtual bool may_begin(const Selection& selection, RequestId request) const {
    return !selection.waiting().begins(request) ||
           selection.waiting().in_progress() < limits_.max_sequences;
  }
  virtual bool may_start(const Selection& selection, RequestId request) const {
    const std::uint32_t needed = selection.kv_to_start(request);
    if (needed == 0) return true;
    // What has come further goes first.
    const bool fresh = selection.state(request).step() == Step::kPromptWaits;
    if (fresh && selection.waiting().transfers_expected() > 0) return false;
    return selection.fits(needed);
  }

 private:
  static std::uint32_t work_of(const Selection& selection, RequestId request) {
    const RequestState& state = selection.state(request);
    return state.phase() == Phase::kPrompt ? state.prompt_left() : 1;
  }

  bool prompt_may_join(const Selection& selection) const {
    const RequestId request = selection.waiting().first_in_line();
    return request != kNoRequest && selection.waiting().in_progress() < limits_.max_sequences &&
           may_start(selection, request);
  }
  bool sequence_may_join(const Selection& selection) const {
    const RequestId request = selection.waiting().first_by_arrival();
    return request != kNoRequest && selection.batch().size() < limits_.max_sequences &&
           selection.batch().tokens() < limits_.max_tokens && may_begin(selection, request) &&
           may_start(selection, request);
  }

  void choose(Selection& selection) {
    chosen_ = 0;
    tokens_ = 0;
    take_starved(selection);
    while (take(selection, selection.waiting().first_in_line())) {
    }
    while (take(selection, selection.waiting().first_aside())) {
    }
    put_aside_beyond_limits(selection);
    chosen_ += selection.batch().size();
    tokens_ += selection.batch().size();
    while (take(selection, selection.waiting().first_by_arrival())) {
    }
    selection.close();
  }

  bool has_place(const Selection& selection, RequestId request) const {
    return may_begin(selection, request) && chosen_ < limits_.max_sequences &&
           (chosen_ == 0 || tokens_ + work_of(selection, request) <= limits_.max_tokens);
  }

  bool take(Selection& selection, RequestId request) {
    if (request == kNoRequest || !has_place(selection, request) || !may_start(selection, request)) {
      return false;
    }
    ++chosen_;
    tokens_ += work_of(selection, request);
    selection.take(request);
    return true;
  }

  void take_starved(Selection& selection) {
    const WaitingRoom& waiting = selection.waiting();
    TaskId task = waiting.first_task();
    while (task != kNoTask && waiting.passed_over(task) >= max_preemptions_) {
      const TaskId next = waiting.after(task);
      if (!has_place(selection, request_of(task))) return;
      take(selection, request_of(task));
      task = next;
    }
  }

  void put_aside_beyond_limits(Selection& selection) {
    const Batch& batch = selection.batch();
    const std::uint32_t tokens_left =
        tokens_ < limits_.max_tokens ? limits_.max_tokens - tokens_ : 0;
    const std::uint32_t kept =
        std::min({batch.size(), limits_.max_sequences - chosen_, tokens_left});
    if (kept == batch.size()) return;
    RequestId request = batch.last();
    for (std::uint32_t i = kept + 1; i < batch.size(); ++i) request = batch.before(request);
    while (request != kNoRequest) {
      const RequestId next = batch.after(request);
      selection.put_aside(request);
      request = next;
    }
  }

  /// Whether caches had to be dropped for it: of the sequences put aside the last, else the last
  /// that joined.
  static bool make_room_to_grow(Selection& selection) {
    const Batch& batch = selection.batch();
    bool dropped = false;
    while (batch.sequences().all() > 0 && !selection.room_to_grow()) {
      RequestId victim = selection.waiting().last_aside();
      if (victim == kNoRequest) {
        victim = batch.last();
        while (selection.state(victim).phase() == Phase::kPrompt) victim = batch.before(victim);
      }
      selection.drop(victim);
      dropped = true;
    }
    return dropped;
  }

  BatchLimits limits_;
  std::uint32_t max_preemptions_;
  std::uint32_t chosen_ = 0;  ///< requests in the choice that is being made
  std::uint32_t tokens_ = 0;  ///< of these
};

/// As published: prompts wait in the same queue as everything else, whose first task that cannot
/// start holds up the others; only an arrival, or the end of a transfer out of here, wakes an idle
/// instance; and the limit of sequences is that of an iteration, not of the sequences in progress.
class AsPublished : public Splitwise {
 public:
  using Splitwise::Splitwise;

  bool as_published() const override { return true; }

  std::uint64_t until_change(const Selection& selection) const override {
    return until_end(selection);
  }

  bool wants_change(const Selection& selection, Cause cause, TaskId task) const override {
    if (cause == Cause::kArrival) return arrived(selection, task);
    return cause == Cause::kSent && sent(selection);
  }

 private:
  bool may_begin(const Selection&, RequestId) const override { return true; }
  bool may_start(const Selection& selection, RequestId request) const override {
    const std::uint32_t needed = selection.kv_to_start(request);
    return needed == 0 || selection.fits(needed);
  }

  bool arrived(const Selection& selection, TaskId task) const {
    const Batch& batch = selection.batch();
    const RequestState& state = selection.state(request_of(task));
    if (batch.empty()) {
      return phase_of(task) == state.phase() &&
             selection.fits(selection.kv_to_start(request_of(task)));
    }
    const bool is_prompt = phase_of(task) == Phase::kPrompt;
    const std::uint32_t work = is_prompt ? state.prompt_work() : 1;
    const bool joins =
        batch.size() < most().max_sequences && batch.tokens() + work <= most().max_tokens;
    const bool mixes = is_prompt && batch.sequences().all() > 0 &&
                       batch.prompts().tokens() + work <= most().max_tokens;
    return joins || mixes;
  }

  bool sent(const Selection& selection) const {
    const TaskId first = selection.waiting().first_task();
    if (first == kNoTask) return false;
    const Batch& batch = selection.batch();
    if (batch.empty()) return may_start(selection, request_of(first));
    return batch.size() < most().max_sequences && batch.tokens() < most().max_tokens;
  }
};

const BatchingPolicies::Entry kEntry{
    "splitwise",
    "prompts first, whole; then sequences by arrival, as in the paper",
    {kMaxTokens, kMaxSequences, kMaxPreemptions, kAsPublished},
    [](JsonReader& section) -> BatchingPolicies::Make {
      const std::uint32_t max_tokens = kMaxTokens.count(section);
      const BatchLimits limits{max_tokens, kMaxSequences.count(section), max_tokens};
      const std::uint32_t max_preemptions = kMaxPreemptions.count(section);
      if (kAsPublished.boolean(section)) {
        return [=](const BatchingSite&) {
          return std::make_unique<AsPublished>(limits, max_preemptions);
        };
      }
      return
          [=](const BatchingSite&) { return std::make_unique<Splitwise>(limits, max_preemptions); };
    }};

}  // namespace

}  // namespace cleave
