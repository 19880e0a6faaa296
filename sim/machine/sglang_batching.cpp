#include <algorithm>
#include <cmath>

#include "sim/machine/batching_policy.h"
#include "sim/machine/block_memory.h"
#include "sim/machine/request_receiver.h"

namespace cleave {

namespace {

const Setting kChunk{"chunked_prefill_size", nullptr, "tokens",
                     "an iteration of prompts computes; 2048 below 35 GB of GPU memory, 4096 below "
                     "60, 8192 below 160, else 16384",
                     whole(1, 100'000'000)};
const Setting kInput{"max_prefill_tokens", 16384, "tokens",
                     "of prompts that an iteration begins; a longer one begins alone",
                     whole(1, 100'000'000)};
const Setting kSequences{"max_running_requests", 2048, "sequences", "in progress",
                         whole(1, 100'000)};
const Setting kConservativeness{"schedule_conservativeness", 1.0, "",
                                "how much of the output still to come has room before a prompt "
                                "starts, in units of the usual 0.7 to 0.1",
                                in({0, 10, true})};
const Setting kOrder{"schedule_policy", "fcfs", "", "which prompt is next", one_of({"fcfs"})};
const Setting kReceive{"scheduler_recv_interval", 1, "iterations",
                       "of decodes after which the server looks for new requests; it does so after "
                       "each iteration of prompts, and while nothing runs",
                       whole(1, 1'000'000)};
const Setting kOverlap{"overlap_schedule", true, "",
                       "a sequence that is complete is in one iteration more", true_or_false()};

constexpr std::int64_t kMostNew = 4096;      // tokens of an output that are reckoned with
constexpr std::uint64_t kRetractSteps = 20;  // that have room behind a retraction
constexpr double kFirstRatio = 0.7;
constexpr double kLastRatio = 0.14;  // of the first
constexpr double kDecaySteps = 600;

struct Settings {
  std::uint32_t chunk = 0;
  std::uint32_t input = 0;
  std::uint32_t sequences = 0;
  double first_ratio = 0;
  std::uint32_t receive = 1;
  bool lingers = true;
};

/// The share of the output still to come for which room is kept: falls with each decode step.
class NewTokenRatio {
 public:
  explicit NewTokenRatio(double first) : first_(first), from_(first) {}

  double at(std::uint64_t step) const {
    const double steps = step > since_ ? static_cast<double>(step - since_) : 0;
    return std::max(least(), from_ - steps * ((first_ - least()) / kDecaySteps));
  }
  void set(double ratio, std::uint64_t step) {
    from_ = ratio;
    since_ = step;
  }
  void reset(std::uint64_t step) { set(first_, step); }

 private:
  double least() const { return kLastRatio * first_; }

  double first_;
  double from_;
  std::uint64_t since_ = 0;
};

/// SGLang: while prompts can run, they run alone, the last of them in chunks, and sequences stand
/// still; else sequences decode. docs/engines.md has the rules.
class Sglang : public BatchingPolicy {
 public:
  explicit Sglang(const Settings& settings)
      : settings_(settings), ratio_(settings.first_ratio), receiver_(settings.receive) {}

  BatchLimits limits() const override {
    return {settings_.chunk, settings_.sequences, BatchLimits::kAny};
  }

  void fill(Selection& selection) override {
    const Batch& batch = selection.batch();
    bool retracted = false;
    receiver_.look(batch);
    do {
      take_sequences(selection);
      selection.let_sequences_stand_still(true);
      choose_prompts(selection);
      selection.close();
      receiver_.chosen(batch);
      if (batch.prompts().running() > 0) return;
      selection.let_sequences_stand_still(false);
      retracted = retract(selection);
    } while (retracted && batch.tokens() == 0);
    if (batch.tokens() == 0) ratio_.reset(batch.sequences().steps());
  }

  std::uint64_t until_change(const Selection& selection) const override {
    const Batch& batch = selection.batch();
    const std::uint64_t most = selection.iterations_of_room(batch.until_change());
    return batch.prompts().running() > 0 ? std::min(most, full_chunks_)
                                         : until_prompt(selection, most);
  }

  bool wants_change(const Selection& selection, Cause cause, TaskId task) const override {
    if (!selection.run_under_way()) return true;
    if (selection.batch().prompts().running() > 0) return false;
    if (cause != Cause::kArrival) return next_prompt(selection) != kNoRequest;
    const RequestId request = request_of(task);
    const bool first = phase_of(task) == Phase::kToken || next_prompt(selection) == request;
    return first && in_progress(selection) < settings_.sequences;
  }

  bool prompts_stay() const override { return true; }
  bool lingers() const override { return settings_.lingers; }
  std::unique_ptr<MemoryPolicy> memory(const KvBlocks& blocks) const override {
    return std::make_unique<BlockMemory>(blocks);
  }
  KvDefaults kv_defaults() const override { return {0, 0, 1}; }
  /// What is not reserved for activations and graphs is for weights and KV caches.
  double kv_bytes(const GpuUse& use) const override {
    const double fraction = use.fraction > 0 ? use.fraction : 1 - reserved_bytes(use) / use.seen();
    return use.seen() * fraction - use.weights;
  }

 private:
  /// SGLang's own rule (server_args.py): by chunk, GPUs and captured batches.
  double reserved_bytes(const GpuUse& use) const {
    constexpr double kMiB = 1024.0 * 1024;
    constexpr double kGiB = 1024 * kMiB;
    const double largest_graph = use.memory < 35e9 ? 8 : use.memory < 60e9 ? 32 : 256;
    const double reserved = 512 * kMiB + 1.5 * kMiB * settings_.chunk / use.groups +
                            use.gpus * kGiB / 8 + 2 * kMiB * largest_graph;
    return use.memory > 60e9 ? std::max(reserved, 10 * kGiB) : reserved;
  }
  static std::uint32_t in_progress(const Selection& selection) {
    return selection.batch().sequences().all() + selection.batch().sequences().lingering();
  }
  static std::int64_t output_to_come(const RequestState& state) {
    return std::min<std::int64_t>(state.remaining(), kMostNew);
  }
  /// The prompt in chunks, or the first that waits.
  static RequestId next_prompt(const Selection& selection) {
    const auto& prompts = selection.batch().prompts().all();
    return prompts.empty() ? selection.waiting().first_in_line() : prompts.front();
  }

  void take(Selection& selection, RequestId request, std::uint32_t chunk) {
    longest_output_ = std::max(longest_output_, selection.state(request).record.output_tokens);
    selection.take(request, chunk);
  }

  /// By how much the outputs still to come are longer than what is reckoned with.
  struct Excess {
    std::int64_t tokens = 0;
    std::int64_t sequences = 0;
    std::uint64_t least = RunCost::kForEver;
  };
  Excess excess(const Selection& selection) const {
    Excess excess;
    if (longest_output_ <= kMostNew) return excess;
    const Batch& batch = selection.batch();
    for (RequestId id = batch.first(); id != kNoRequest; id = batch.after(id)) {
      const RequestState& state = selection.state(id);
      if (state.phase() == Phase::kPrompt) continue;
      const std::int64_t more =
          std::int64_t{state.record.output_tokens} - batch.sequences().generated(id) - kMostNew;
      if (more <= 0) continue;
      excess.tokens += more;
      ++excess.sequences;
      excess.least = std::min(excess.least, static_cast<std::uint64_t>(more));
    }
    return excess;
  }

  /// Tokens that are left for prompts now.
  double left(const Selection& selection) const {
    const Sequences& sequences = selection.batch().sequences();
    const double to_come = sequences.remaining() - static_cast<double>(excess(selection).tokens);
    return static_cast<double>(selection.free()) - ratio_.at(sequences.steps()) * to_come;
  }

  /// So many tokens of what is left of a prompt, in whole pages where they are not all of it.
  static std::uint32_t whole_pages(const Selection& selection, std::uint32_t n,
                                   std::uint32_t left) {
    const std::uint32_t page = selection.block_tokens();
    return n < left ? n / page * page : n;
  }

  /// Those that came with their KV cache hold their memory already.
  void take_sequences(Selection& selection) {
    while (in_progress(selection) < settings_.sequences) {
      const RequestId request = selection.waiting().first_by_arrival();
      if (request == kNoRequest) return;
      take(selection, request, 1);
    }
  }

  void choose_prompts(Selection& selection) {
    const Batch& batch = selection.batch();
    double left = this->left(selection);
    std::int64_t input = settings_.input;
    std::uint32_t chunk = settings_.chunk;
    full_chunks_ = 1;
    if (!batch.prompts().all().empty()) {
      const RequestId request = batch.prompts().all().front();
      const std::uint32_t to_compute = batch.prompts().left(request);
      const auto most = static_cast<std::uint32_t>(
          std::clamp(std::floor(left), 0.0, static_cast<double>(std::min(to_compute, chunk))));
      const std::uint32_t n = whole_pages(selection, most, to_compute);
      selection.set_chunk(request, n);
      if (!selection.room_to_grow()) selection.set_chunk(request, 0);
      if (n == chunk) full_chunks_ = static_cast<std::uint64_t>(left / chunk);
      left -= n;
      if (n < to_compute) return;
      left -= static_cast<double>(output_to_come(selection.state(request)));
      input -= n;
      chunk -= n;
    }
    selection.make_room();
    while (choose_prompt(selection, left, input, chunk)) {
    }
  }

  /// Tokens that are left free for a prompt before it starts: its own and its output's, but no
  /// more than windows keep.
  static std::int64_t room_wanted(const Selection& selection, RequestId request) {
    const RequestState& state = selection.state(request);
    const std::int64_t all =
        selection.to_compute(request) + selection.room_of_hit(request) + output_to_come(state);
    return std::min<std::int64_t>(all, selection.blocks(state.prompt_work() + state.remaining()));
  }

  /// Whether another may follow it.
  bool choose_prompt(Selection& selection, double& left, std::int64_t& input,
                     std::uint32_t& chunk) {
    const Batch& batch = selection.batch();
    const RequestId request = selection.waiting().first_in_line();
    if (request == kNoRequest || left <= 0 || input <= 0 || chunk == 0) return false;
    if (!receiver_.has(selection, request)) return false;
    if (in_progress(selection) + batch.prompts().all().size() >= settings_.sequences) return false;
    const RequestState& state = selection.state(request);
    const std::uint32_t tokens = selection.to_compute(request);
    const std::int64_t found = selection.room_of_hit(request);
    const std::int64_t output = output_to_come(state);
    if (static_cast<double>(room_wanted(selection, request)) > left) return false;
    if (tokens > input && batch.prompts().running() > 0) return false;
    const std::uint32_t n = whole_pages(selection, std::min(tokens, chunk), tokens);
    if (n == 0 || selection.blocks(n) + found > selection.room()) return false;
    if (const std::uint32_t held = selection.load(request); held > 0) {
      left -= held;
      return true;
    }
    const bool alone = batch.prompts().running() == 0;
    take(selection, request, n);
    left -= static_cast<double>(found);
    if (n < tokens) {
      if (alone && n == settings_.chunk) full_chunks_ = static_cast<std::uint64_t>(left / n);
      return false;
    }
    left -= static_cast<double>(n + output);
    input -= n;
    chunk -= n;
    return true;
  }

  /// Whether anybody had to go.
  bool retract(Selection& selection) {
    const Sequences& sequences = selection.batch().sequences();
    if (selection.room_to_grow()) return false;
    do {
      selection.drop(victim(selection), WaitingRoom::End::kBack);
    } while (sequences.all() > 1 && selection.batch().growth(kRetractSteps) > selection.free());
    if (sequences.all() == 1 && !selection.room_to_grow()) {
      selection.drop(victim(selection), WaitingRoom::End::kBack);
    }
    const double done = static_cast<double>(generated(selection)) +
                        static_cast<double>(kRetractSteps) * sequences.all();
    const double whole = static_cast<double>(generated(selection)) + sequences.remaining() + 1;
    ratio_.set(std::min(1.0, done / whole), sequences.steps() + 1);
    return true;
  }

  static std::int64_t generated(const Selection& selection) {
    const Batch& batch = selection.batch();
    std::int64_t sum = 0;
    for (RequestId id = batch.first(); id != kNoRequest; id = batch.after(id)) {
      if (selection.state(id).phase() == Phase::kToken) sum += batch.sequences().generated(id);
    }
    return sum;
  }

  /// The sequence with the fewest output tokens, of these the longest prompt, of these the last.
  static RequestId victim(const Selection& selection) {
    const Batch& batch = selection.batch();
    RequestId found = kNoRequest;
    const auto before = [&](RequestId a, RequestId b) {
      const std::uint32_t of_a = batch.sequences().generated(a);
      const std::uint32_t of_b = batch.sequences().generated(b);
      if (of_a != of_b) return of_a < of_b;
      return selection.state(a).record.prompt_tokens > selection.state(b).record.prompt_tokens;
    };
    for (RequestId id = batch.last(); id != kNoRequest; id = batch.before(id)) {
      if (selection.state(id).phase() == Phase::kPrompt) continue;
      if (found == kNoRequest || before(id, found)) found = id;
    }
    return found;
  }

  /// Decode steps until there may be room for the next prompt, `most` at most.
  std::uint64_t until_prompt(const Selection& selection, std::uint64_t most) const {
    const RequestId request = next_prompt(selection);
    if (request == kNoRequest) return most;
    const Batch& batch = selection.batch();
    const bool begun = !batch.prompts().all().empty();
    if (!begun && in_progress(selection) >= settings_.sequences) return most;
    if (!begun && !receiver_.has(selection, request)) {
      return std::min(most, receiver_.until_look(batch));
    }

    const auto needed = static_cast<double>(begun ? 1 : room_wanted(selection, request));
    const Sequences& sequences = batch.sequences();
    const Excess beyond = excess(selection);
    most = std::min(most, beyond.least);
    const double to_come = sequences.remaining() - static_cast<double>(beyond.tokens);
    const double falls = sequences.tokens() - static_cast<double>(beyond.sequences);
    for (std::uint64_t k = 1; k < most; ++k) {
      const auto free = static_cast<double>(selection.free() - batch.growth(k));
      const double then = to_come - static_cast<double>(k) * falls;
      if (free - ratio_.at(sequences.steps() + k) * then >= needed) return k;
    }
    return most;
  }

  Settings settings_;
  NewTokenRatio ratio_;
  RequestReceiver receiver_;
  std::uint64_t full_chunks_ = 1;  ///< iterations for which there is room for whole chunks
  std::uint32_t longest_output_ = 0;
};

BatchingPolicies::Make read(JsonReader& section) {
  const std::optional<std::uint32_t> chunk = kChunk.optional_count(section);
  Settings settings;
  settings.input = kInput.count(section);
  settings.sequences = kSequences.count(section);
  settings.first_ratio = std::min(1.0, kFirstRatio * kConservativeness.number(section));
  kOrder.choice(section);
  settings.receive = kReceive.count(section);
  settings.lingers = kOverlap.boolean(section);
  return [=](const BatchingSite& site) {
    constexpr double kGB = 1e9;
    const double memory = site.gpu.memory_bytes;
    Settings mine = settings;
    mine.chunk = chunk.value_or(memory < 35 * kGB    ? 2048
                                : memory < 60 * kGB  ? 4096
                                : memory < 160 * kGB ? 8192
                                                     : 16384) *
                 site.groups;
    mine.input *= site.groups;
    mine.sequences *= site.groups;
    return std::make_unique<Sglang>(mine);
  };
}

const BatchingPolicies::Entry kEntry{
    "sglang",
    "SGLang: prompts before sequences, in iterations of their own",
    {kChunk, kInput, kSequences, kConservativeness, kOrder, kReceive, kOverlap},
    read};

}  // namespace

}  // namespace cleave
