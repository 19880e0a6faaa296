#include <algorithm>
#include <tuple>

#include "sim/base/error.h"
#include "sim/machine/batching_policy.h"
#include "sim/machine/block_memory.h"
#include "sim/machine/take_sequences.h"

namespace cleave {

namespace {

const Setting kBudget{"max_num_batched_tokens", nullptr, "tokens",
                      "an iteration computes; 8192 on GPUs of 70 GiB but A100s, else 2048",
                      whole(1, 100'000'000)};
const Setting kSequences{"max_num_seqs", nullptr, "sequences",
                         "in progress; 1024 on GPUs of 70 GiB but A100s, else 256",
                         whole(1, 100'000)};
const Setting kChunked{"enable_chunked_prefill", true, "",
                       "prompts longer than what is left of an iteration are computed in chunks",
                       true_or_false()};
const Setting kThreshold{"long_prefill_token_threshold", 0, "tokens",
                         "an iteration computes of one prompt at most; 0: no limit",
                         whole(0, 100'000'000)};
const Setting kWhole{"scheduler_reserve_full_isl", true, "",
                     "a prompt starts only where all of it has room", true_or_false()};
const Setting kOrder{"scheduling_policy", "fcfs", "",
                     "who goes first, and is preempted last: by arrival, or (priority) by "
                     "workload.priority_shares before it",
                     one_of({"fcfs", "priority"})};
const Setting kAsync{"async_scheduling", true, "",
                     "a sequence that is complete is in one iteration more", true_or_false()};
const Setting kIgnoreEos{"ignore_eos", false, "", "ends are known beforehand, so that none is",
                         true_or_false()};

// Not of PyTorch's (context, libraries, NCCL), and captured graphs: what servers of 7 to 70 billion
// parameters say at their start (0.3 to 0.7 GiB, and 0.4 GiB since graphs are estimated).
constexpr double kGiB = 1024.0 * 1024 * 1024;
constexpr double kRuntimeBytes = 0.5 * kGiB;
constexpr double kGraphBytes = 0.4 * kGiB;

struct Settings {
  std::uint32_t budget = 0;
  std::uint32_t sequences = 0;
  bool chunked = true;
  std::uint32_t threshold = 0;
  bool whole = true;
  bool by_priority = false;
  bool lingers = true;
};

/// vLLM V1: who runs goes on, sequences and chunks of prompts alike, in the order of admission;
/// what is left of the budget of tokens goes to those that wait. docs/engines.md has the rules.
///
/// Who is limited by the budget is always the last: what the others take never grows.
class Vllm : public BatchingPolicy {
 public:
  explicit Vllm(const Settings& settings) : settings_(settings) {}

  BatchLimits limits() const override {
    return {settings_.budget, settings_.sequences,
            settings_.chunked ? BatchLimits::kAny : settings_.budget};
  }

  void fill(Selection& selection) override {
    const Batch& batch = selection.batch();
    do {
      preempted_ = false;
      take_sequences(selection, settings_.sequences);
      plan(selection);
      while (batch.size() > 0 && !selection.room_to_grow()) {
        selection.drop(victim(selection));
        preempted_ = true;
      }
      selection.make_room();
      while (!preempted_ && admit(selection)) {
      }
      selection.close();
    } while (preempted_ && batch.empty());
  }

  std::uint64_t until_change(const Selection& selection) const override {
    // Those that wait had no chance beside those that were preempted.
    return preempted_ ? 1 : selection.iterations_of_room(selection.batch().until_change());
  }

  bool wants_change(const Selection& selection, Cause, TaskId) const override {
    return !selection.run_under_way() || next_chunk(selection) > 0 ||
           sequence_may_join(selection, settings_.sequences);
  }

  bool prompts_stay() const override { return true; }
  bool by_priority() const override { return settings_.by_priority; }
  bool lingers() const override { return settings_.lingers; }
  std::unique_ptr<MemoryPolicy> memory(const KvBlocks& blocks) const override {
    return std::make_unique<BlockMemory>(blocks);
  }
  KvDefaults kv_defaults() const override { return {0.92, 0, 16}; }
  double kv_bytes(const GpuUse& use) const override {
    return use.seen() * use.fraction - use.weights -
           use.activations * settings_.budget / use.groups -
           use.logits * settings_.sequences / use.groups - kRuntimeBytes - kGraphBytes;
  }

 private:
  /// The last that joined, or the last by rank and arrival.
  RequestId victim(const Selection& selection) const {
    const Batch& batch = selection.batch();
    RequestId found = batch.last();
    if (!selection.waiting().by_rank()) return found;
    const auto rank = [&](RequestId id) {
      const RequestState& state = selection.state(id);
      return std::tuple(state.rank, state.record.arrival_s, state.record.number);
    };
    for (RequestId id = batch.first(); id != kNoRequest; id = batch.after(id)) {
      if (rank(found) < rank(id)) found = id;
    }
    return found;
  }

  std::uint32_t chunk_of(std::uint32_t left, std::uint32_t budget) const {
    const std::uint32_t most = settings_.threshold > 0 ? settings_.threshold : left;
    return std::min({left, most, budget});
  }

  void plan(Selection& selection) const {
    const Batch& batch = selection.batch();
    const std::uint32_t of_sequences = batch.sequences().computed_tokens();
    std::uint32_t budget = settings_.budget - std::min(settings_.budget, of_sequences);
    for (const RequestId request : batch.prompts().all()) {
      const std::uint32_t left = batch.prompts().left(request);
      const std::uint32_t chunk = chunk_of(left, budget);
      selection.set_chunk(request, chunk);
      budget -= std::min(budget, chunk);
    }
  }

  /// What the next iteration would compute of the first that waits; 0: it cannot join.
  std::uint32_t next_chunk(const Selection& selection) const {
    const RequestId request = selection.waiting().first_in_line();
    const Batch& batch = selection.batch();
    if (request == kNoRequest || batch.members() >= settings_.sequences) return 0;
    if (batch.tokens() >= settings_.budget) return 0;
    const std::uint32_t left = selection.to_compute(request);
    const std::uint32_t whole_chunk = chunk_of(left, left);
    std::uint32_t chunk = std::min(whole_chunk, settings_.budget - batch.tokens());
    if (chunk < whole_chunk && !settings_.chunked) {
      if (!batch.empty() && !selection.can_load(request)) return 0;
      chunk = left;
    }
    const std::int64_t needed = std::int64_t{selection.blocks(settings_.whole ? left : chunk)} +
                                selection.room_of_hit(request);
    const std::int64_t watermark = batch.empty() ? 0 : selection.watermark();
    return needed <= selection.room() - watermark ? chunk : 0;
  }

  bool admit(Selection& selection) const {
    const std::uint32_t chunk = next_chunk(selection);
    if (chunk == 0) return false;
    const RequestId request = selection.waiting().first_in_line();
    if (selection.load(request) == 0) selection.take(request, chunk);
    return true;
  }

  Settings settings_;
  bool preempted_ = false;  ///< in the last choice
};

BatchingPolicies::Make read(JsonReader& section) {
  const std::optional<std::uint32_t> budget = kBudget.optional_count(section);
  const std::optional<std::uint32_t> sequences = kSequences.optional_count(section);
  Settings settings;
  settings.chunked = kChunked.boolean(section);
  settings.threshold = kThreshold.count(section);
  settings.whole = kWhole.boolean(section);
  settings.by_priority = kOrder.choice(section) == "priority";
  const bool async = kAsync.boolean(section);
  settings.lingers = async && !kIgnoreEos.boolean(section);
  if (budget && sequences && *budget < *sequences) {
    section.fail(kBudget.name, "an iteration of " + std::to_string(*budget) +
                                   " tokens has no room for " + std::to_string(*sequences) +
                                   " sequences; expected at least max_num_seqs");
  }
  return [=](const BatchingSite& site) {
    const Gpu& gpu = site.gpu;
    const bool large = gpu.memory_bytes >= 70 * kGiB && !gpu.name.starts_with("a100");
    Settings mine = settings;
    mine.budget = budget.value_or(std::max(large ? 8192U : 2048U, sequences.value_or(0)));
    mine.sequences = sequences.value_or(std::min(large ? 1024U : 256U, mine.budget));
    mine.budget *= site.groups;
    mine.sequences *= site.groups;
    return std::make_unique<Vllm>(mine);
  };
}

const BatchingPolicies::Entry kEntry{
    "vllm",
    "vLLM V1: prompts in chunks beside the sequences, under a budget of tokens",
    {kBudget, kSequences, kChunked, kThreshold, kWhole, kOrder, kAsync, kIgnoreEos},
    read};

}  // namespace

}  // namespace cleave
