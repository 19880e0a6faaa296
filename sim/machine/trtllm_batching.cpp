#include <algorithm>

#include "sim/machine/batching_policy.h"
#include "sim/machine/block_memory.h"
#include "sim/machine/take_sequences.h"

namespace cleave {

namespace {

const Setting kTokens{"max_num_tokens", 8192, "tokens", "an iteration computes",
                      whole(1, 100'000'000)};
const Setting kSequences{"max_batch_size", nullptr, "sequences",
                         "in progress; 2048, or max_num_tokens where that is less",
                         whole(1, 100'000)};
const Setting kCapacity{"capacity_scheduler_policy", "guaranteed_no_evict", "",
                        "room for prompt and output from the start, or for the next iteration only "
                        "(max_utilization)",
                        one_of({"guaranteed_no_evict", "max_utilization"})};
const Setting kChunked{"enable_chunked_context", false, "",
                       "prompts longer than what is left of an iteration are computed in chunks",
                       true_or_false()};
const Setting kOverlap{"overlap_scheduler", true, "",
                       "a sequence that is complete is in one iteration more", true_or_false()};

// The context, libraries and communication buffers of a GPU; as for vLLM.
constexpr double kRuntimeBytes = 0.5 * 1024 * 1024 * 1024;

struct Settings {
  std::uint32_t tokens = 0;
  std::uint32_t sequences = 0;
  bool reserves = true;
  bool chunked = false;
  bool lingers = true;
};

/// TensorRT-LLM: sequences first, prompts beside them as far as the tokens of an iteration go.
/// docs/engines.md has the rules.
class Trtllm : public BatchingPolicy {
 public:
  explicit Trtllm(const Settings& settings) : settings_(settings) {}

  BatchLimits limits() const override {
    return {settings_.tokens, settings_.sequences,
            settings_.chunked ? BatchLimits::kAny : settings_.tokens};
  }

  void fill(Selection& selection) override {
    const Batch& batch = selection.batch();
    do {
      paused_ = false;
      same_chunks_ = RunCost::kForEver;
      take_sequences(selection, settings_.sequences);
      plan(selection);
      while (batch.size() > 0 && !selection.room_to_grow()) {
        selection.drop(batch.last());
        paused_ = true;
      }
      selection.make_room();
      while (!paused_ && admit(selection)) {
      }
      selection.close();
    } while (paused_ && batch.empty());
  }

  std::uint64_t until_change(const Selection& selection) const override {
    if (paused_) return 1;
    const std::uint64_t iterations = std::min(selection.batch().until_change(), same_chunks_);
    return selection.iterations_of_room(iterations);
  }

  bool wants_change(const Selection& selection, Cause, TaskId) const override {
    return !selection.run_under_way() || next(selection).chunk > 0 ||
           sequence_may_join(selection, settings_.sequences);
  }

  bool prompts_stay() const override { return true; }
  bool lingers() const override { return settings_.lingers; }
  std::unique_ptr<MemoryPolicy> memory(const KvBlocks& blocks) const override {
    if (settings_.reserves) return std::make_unique<ReservedBlocks>(blocks);
    return std::make_unique<BlockMemory>(blocks);
  }
  KvDefaults kv_defaults() const override { return {0.9, 0, 32}; }
  /// The fraction is one of what is free after a dry run.
  double kv_bytes(const GpuUse& use) const override {
    return use.fraction *
           (use.seen() - use.weights - use.activations * settings_.tokens / use.groups -
            use.logits * settings_.sequences / use.groups - kRuntimeBytes);
  }

 private:
  struct Part {
    std::uint32_t chunk = 0;  ///< tokens in the next iteration; 0: none
    /// Iterations until what is left of its budget would take the rest.
    std::uint64_t iterations = RunCost::kForEver;
  };

  /// What an iteration computes of a prompt, in whole blocks unless it is the rest.
  Part part_of(const Selection& selection, std::uint32_t left, std::uint32_t budget) const {
    if (left <= budget) return {left};
    const std::uint32_t block = selection.block_tokens();
    const std::uint32_t chunk = budget / block * block;
    if (chunk == 0) return {};
    return {chunk, (std::uint64_t{left} - budget + chunk - 1) / chunk};
  }

  void plan(Selection& selection) {
    const Batch& batch = selection.batch();
    const std::uint32_t of_sequences = batch.sequences().computed_tokens();
    std::uint32_t budget = settings_.tokens - std::min(settings_.tokens, of_sequences);
    for (const RequestId request : batch.prompts().all()) {
      const Part part = part_of(selection, batch.prompts().left(request), budget);
      selection.set_chunk(request, part.chunk);
      same_chunks_ = std::min(same_chunks_, part.iterations);
      budget = part.chunk > 0 ? budget - part.chunk : 0;
    }
  }

  /// Of the first that waits.
  Part next(const Selection& selection) const {
    const RequestId request = selection.waiting().first_in_line();
    const Batch& batch = selection.batch();
    if (request == kNoRequest || batch.members() >= settings_.sequences) return {};
    if (stands_still(batch) || batch.tokens() >= settings_.tokens) return {};
    const std::uint32_t left = selection.to_compute(request);
    const std::uint32_t budget = settings_.tokens - batch.tokens();
    Part part;
    if (settings_.chunked) {
      part = part_of(selection, left, budget);
    } else if (left <= budget || batch.empty() || selection.can_load(request)) {
      part.chunk = left;
    }
    const std::int64_t needed =
        std::int64_t{settings_.reserves ? selection.kv_to_start(request) : selection.blocks(left)} +
        selection.room_of_hit(request);
    return needed <= selection.room() ? part : Part{};
  }

  /// A prompt that got no part of the budget: nobody behind it gets one.
  static bool stands_still(const Batch& batch) {
    return batch.prompts().running() < batch.prompts().all().size();
  }

  bool admit(Selection& selection) {
    const Part part = next(selection);
    if (part.chunk == 0) return false;
    const RequestId request = selection.waiting().first_in_line();
    if (selection.load(request) > 0) return true;
    selection.take(request, part.chunk);
    same_chunks_ = std::min(same_chunks_, part.iterations);
    return true;
  }

  Settings settings_;
  bool paused_ = false;  ///< somebody, in the last choice
  std::uint64_t same_chunks_ = RunCost::kForEver;
};

BatchingPolicies::Make read(JsonReader& section) {
  Settings settings;
  settings.tokens = kTokens.count(section);
  settings.sequences =
      kSequences.optional_count(section).value_or(std::min(2048U, settings.tokens));
  if (settings.tokens < settings.sequences) {
    section.fail(kTokens.name, "an iteration of " + std::to_string(settings.tokens) +
                                   " tokens has no room for " + std::to_string(settings.sequences) +
                                   " sequences; expected at least max_batch_size");
  }
  settings.reserves = kCapacity.choice(section) != "max_utilization";
  settings.chunked = kChunked.boolean(section);
  settings.lingers = kOverlap.boolean(section);
  return [=](const BatchingSite& site) {
    Settings mine = settings;
    mine.tokens *= site.groups;
    mine.sequences *= site.groups;
    return std::make_unique<Trtllm>(mine);
  };
}

const BatchingPolicies::Entry kEntry{"trtllm",
                                     "TensorRT-LLM: sequences first, whole prompts beside them",
                                     {kTokens, kSequences, kCapacity, kChunked, kOverlap},
                                     read};

}  // namespace

}  // namespace cleave
