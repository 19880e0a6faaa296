// The batching policies of today's engines against a simulation step by step, written from
// docs/engines.md: the same requests, the same times.

#include <cmath>
#include <cstdlib>
#include <string>

#include "sim/base/random.h"
#include "tests/catch.h"
#include "tests/support/engine_oracle.h"
#include "tests/support/fakes.h"

namespace cleave {

namespace {

/// Scenarios a policy; CLEAVE_SCENARIOS asks for more.
int scenarios() {
  const char* asked = std::getenv("CLEAVE_SCENARIOS");
  return asked == nullptr ? 300 : std::atoi(asked);
}

class LatencyOf : public LatencyModel {
 public:
  explicit LatencyOf(const oracle::Cost& cost) : cost_(cost) {}
  RunCost cost(const BatchShape& shape) const override {
    return {cost_.base_s + cost_.per_prefill_token_s * shape.prefill_tokens +
                cost_.per_pair_s * shape.prefill_pairs + cost_.per_decode_s * shape.decodes +
                cost_.per_kv_token_s * static_cast<double>(shape.kv_tokens),
            cost_.per_pair_s * shape.pairs_growth + cost_.per_kv_token_s * shape.kv_growth};
  }

 private:
  oracle::Cost cost_;
};

/// What one instance did, to be held against the oracle.
struct Watch : InstanceListener, Observer {
  explicit Watch(RequestTable& requests) : requests_(&requests) {}

  void chunk_started(RequestId, bool, double) override {}
  void prompt_finished(RequestId request) override {
    of(request).first_token_s = clock->now();
    if ((*requests_)[request].remaining() == 0) complete(request);
  }
  void token_finished(RequestId request) override { complete(request); }
  void instance_idle(InstanceId) override {}
  void segment(const Segment& segment) override {
    ++runs;
    iterations += segment.iterations;
    tokens += segment.completed_prompts + std::uint64_t{segment.iterations} * segment.decodes;
    prompt_tokens += std::uint64_t{segment.iterations} * segment.prompt_tokens;
    end_s = segment.end_s;
    if (segment.decodes > 0) {
      const double first_s = segment.stood_still_s + segment.first_iteration_s;
      if (segment.decodes > segment.joined) longest_gap_s = std::max(longest_gap_s, first_s);
      longest_gap_s = std::max(
          longest_gap_s, segment.first_iteration_s + segment.growth_s * (segment.iterations - 1));
    }
  }
  void gap(double, double gap_s) override { longest_gap_s = std::max(longest_gap_s, gap_s); }
  void memory(InstanceId, double, double bytes) override { held = bytes; }

  oracle::Done& of(RequestId request) { return done[(*requests_)[request].record.number]; }

  Clock* clock = nullptr;
  Instance* instance = nullptr;
  std::vector<oracle::Done> done;
  std::uint64_t runs = 0;
  std::uint64_t iterations = 0;
  std::uint64_t tokens = 0;
  std::uint64_t prompt_tokens = 0;
  double end_s = 0;
  double held = 0;
  double longest_gap_s = 0;
  double longest_gap_of_requests_s = 0;

 private:
  void complete(RequestId request) {
    RequestState& state = (*requests_)[request];
    oracle::Done& ended = of(request);
    ended.completion_s = clock->now();
    ended.preemptions = state.record.preemptions;
    longest_gap_of_requests_s = std::max(longest_gap_of_requests_s, state.record.largest_gap_s);
    const std::uint32_t kept = std::exchange(state.held_tokens, 0);
    const std::uint32_t shared = std::exchange(state.shared_tokens, 0);
    ended.hit_tokens = state.record.cached_tokens;
    requests_->remove(request);
    instance->leave_cache(request, shared);
    instance->release(kept);
  }

  RequestTable* requests_;
};

/// A scenario of one instance.
struct Scene {
  oracle::Memory memory{};
  oracle::Cost cost{};
  std::vector<oracle::Request> requests;
  std::vector<Content> contents;  ///< of these, where there are prefix caches
};

/// What so many tokens are, each a number of its extent and its place there.
oracle::Tokens tokens_of(const Content& content) {
  oracle::Tokens tokens;
  for (const Extent& extent : content) {
    for (std::uint64_t place = 0; tokens.size() < extent.end; ++place) {
      tokens.push_back(extent.id * 1'000'000 + place);
    }
  }
  return tokens;
}

/// Prefix caches, and requests of which some begin like another before them: like its prompt, or
/// go on from its reply.
void share_prefixes(Scene& scene, Random& random) {
  scene.memory.prefix_caching = true;
  std::uint64_t next_id = 1;
  for (std::size_t i = 0; i < scene.requests.size(); ++i) {
    oracle::Request& request = scene.requests[i];
    const std::uint32_t tokens = request.prompt + request.output;
    Content content;
    if (i > 0 && random.below(3) > 0) {
      content = scene.contents[random.below(i)];
      cut(content, static_cast<std::uint32_t>(random.below(content.back().end + 1ULL)));
      cut(content, request.prompt);
    }
    if (content.empty() || content.back().end < tokens) content.push_back({tokens, next_id++});
    request.tokens = tokens_of(content);
    scene.contents.push_back(content);
  }
}

Scene random_scene(Random& random) {
  const auto below = [&](std::size_t n) { return random.below(n); };
  Scene scene;
  constexpr std::uint32_t kBlocks[] = {1, 4, 16, 32};
  scene.memory.block_tokens = kBlocks[below(4)];
  scene.memory.watermark = below(2) == 0 ? 0 : 0.02;
  scene.cost = {0.001 + 0.01 * random.uniform(), 1e-5 * random.uniform(), 1e-9 * random.uniform(),
                1e-4 * random.uniform(), 1e-6 * random.uniform()};
  const std::size_t count = 1 + below(60);
  const std::uint32_t longest = below(3) == 0 ? 4000 : 300;
  const std::uint32_t most_output = below(3) == 0 ? 300 : 40;
  const double pace = below(2) == 0 ? 0.01 : 0.2;
  double now_s = 0;
  std::uint32_t largest = 0;
  for (std::size_t i = 0; i < count; ++i) {
    now_s += pace * random.uniform();
    const auto prompt = static_cast<std::uint32_t>(1 + below(longest));
    const auto output = static_cast<std::uint32_t>(1 + below(below(4) == 0 ? 3 : most_output));
    const auto priority = static_cast<std::uint32_t>(below(3));
    scene.requests.push_back({now_s, prompt, output, false, priority});
    largest = std::max(largest, prompt + output);
  }
  // From hardly more than the largest request to more than enough for all.
  const std::uint32_t tokens = below(3) == 0
                                   ? static_cast<std::uint32_t>(count) * largest
                                   : largest + static_cast<std::uint32_t>(below(3ULL * largest));
  scene.memory.blocks = (tokens + scene.memory.block_tokens - 1) / scene.memory.block_tokens;
  return scene;
}

struct Outcome {
  std::vector<oracle::Done> requests;
  Watch watch;
};

Outcome simulate(const std::string& name, const Json& settings, const Scene& scene) {
  FakeClock clock;
  RequestTable requests;
  Watch watch(requests);
  const LatencyOf latency(scene.cost);
  const auto make = policy<BatchingPolicies>(name, settings);
  const auto memory = make(BatchingSite{})->memory({scene.memory.block_tokens});
  const auto blocks = static_cast<std::int64_t>(scene.memory.blocks);
  const auto watermark =
      static_cast<std::int64_t>(std::floor(scene.memory.watermark * static_cast<double>(blocks)));
  InstanceKind kind;
  kind.latency = &latency;
  kind.batching = [&] { return make(BatchingSite{}); };
  kind.by_rank = kind.batching()->by_priority();
  kind.memory = {memory.get(),
                 blocks * scene.memory.block_tokens,
                 watermark * scene.memory.block_tokens,
                 0,
                 1,
                 scene.memory.prefix_caching};
  Instance instance(0, kind, clock, requests, watch, watch);
  watch.clock = &clock;
  watch.instance = &instance;
  watch.done.resize(scene.requests.size());
  for (std::size_t i = 0; i < scene.requests.size(); ++i) {
    const oracle::Request& request = scene.requests[i];
    clock.run_until(request.arrival_s);
    const RequestId id = requests.add();
    FinishedRequest& record = requests[id].record;
    record.number = i;
    record.prompt_tokens = request.prompt;
    record.output_tokens = request.output;
    record.arrival_s = request.arrival_s;
    record.priority = request.priority;
    requests[id].rank = request.priority;
    record.prompt_instance = record.token_instance = 0;
    if (scene.memory.prefix_caching) requests.contents[id] = scene.contents[i];
    instance.arrive(id);
  }
  clock.run();
  return {watch.done, watch};
}

bool near(double a, double b) { return std::abs(a - b) <= 1e-9; }

struct Totals {
  std::uint64_t requests = 0;
  std::uint64_t steps = 0;
  std::uint64_t runs = 0;
  std::uint64_t preemptions = 0;
  std::uint64_t hit_tokens = 0;
};

/// "" where both did the same.
std::string difference(const Scene& scene, const Outcome& outcome, const oracle::Result& expected) {
  std::uint64_t tokens = 0;
  for (std::size_t i = 0; i < scene.requests.size(); ++i) {
    const oracle::Done& ours = outcome.requests[i];
    const oracle::Done& theirs = expected.requests[i];
    tokens += scene.requests[i].output;
    if (near(ours.first_token_s, theirs.first_token_s) &&
        near(ours.completion_s, theirs.completion_s) && ours.preemptions == theirs.preemptions &&
        ours.hit_tokens == theirs.hit_tokens) {
      continue;
    }
    return "request " + std::to_string(i) + " of " + std::to_string(scene.requests.size()) +
           ": first token " + std::to_string(ours.first_token_s) + " instead of " +
           std::to_string(theirs.first_token_s) + ", complete " +
           std::to_string(ours.completion_s) + " instead of " +
           std::to_string(theirs.completion_s) + ", preempted " + std::to_string(ours.preemptions) +
           " instead of " + std::to_string(theirs.preemptions) + ", found " +
           std::to_string(ours.hit_tokens) + " tokens instead of " +
           std::to_string(theirs.hit_tokens);
  }
  std::uint64_t prompt_tokens = 0;
  for (const oracle::Step& step : expected.steps) prompt_tokens += step.prompt_tokens;
  if (outcome.watch.iterations != expected.steps.size()) {
    return std::to_string(outcome.watch.iterations) + " iterations instead of " +
           std::to_string(expected.steps.size());
  }
  if (outcome.watch.prompt_tokens != prompt_tokens) return "another number of prompt tokens";
  if (outcome.watch.tokens != tokens) return "another number of tokens";
  if (!expected.steps.empty() && !near(outcome.watch.end_s, expected.steps.back().end_s)) {
    return "another end";
  }
  if (outcome.watch.held != 0) return "memory is left";
  if (!near(outcome.watch.longest_gap_s, outcome.watch.longest_gap_of_requests_s)) {
    return "the longest gap of the segments is not that of the requests: " +
           std::to_string(outcome.watch.longest_gap_s) + ", " +
           std::to_string(outcome.watch.longest_gap_of_requests_s);
  }
  return "";
}

/// Random scenes, each with what `setting` draws: the policy's settings and the oracle's.
enum class Caching : std::uint8_t { kOff, kOn };
template <class Draw>
void compare(const std::string& name, std::uint64_t stream, Caching caching, Draw draw) {
  Totals totals;
  for (int seed = 0; seed < scenarios(); ++seed) {
    Random random(static_cast<std::uint64_t>(seed), stream);
    Scene scene = random_scene(random);
    if (caching == Caching::kOn) share_prefixes(scene, random);
    const auto [settings, engine] = draw(random, scene);
    INFO(name << ", seed " << seed << ": " << settings.dump() << ", " << scene.memory.blocks
              << " blocks of " << scene.memory.block_tokens);
    const oracle::Result expected = oracle::run(engine, scene.memory, scene.cost, scene.requests);
    const Outcome outcome = simulate(name, settings, scene);
    REQUIRE(difference(scene, outcome, expected) == "");
    totals.requests += scene.requests.size();
    totals.steps += expected.steps.size();
    totals.runs += outcome.watch.runs;
    for (const oracle::Done& done : expected.requests) {
      totals.preemptions += done.preemptions;
      totals.hit_tokens += done.hit_tokens;
    }
  }
  const auto each = [&](std::uint64_t count) {
    return std::to_string(static_cast<double>(count) / static_cast<double>(totals.requests));
  };
  INFO(name << ": a request, " << each(totals.steps) << " steps, " << each(totals.runs) << " runs, "
            << each(totals.preemptions) << " preemptions, " << each(totals.hit_tokens)
            << " tokens found");
  if (std::getenv("CLEAVE_SCENARIOS") != nullptr) {
    std::printf("%s: %llu requests; each: %s steps, %s runs, %s preemptions, %s tokens found\n",
                name.c_str(), static_cast<unsigned long long>(totals.requests),
                each(totals.steps).c_str(), each(totals.runs).c_str(),
                each(totals.preemptions).c_str(), each(totals.hit_tokens).c_str());
  }
  CHECK(totals.preemptions > 0);
  CHECK((totals.hit_tokens > 0) == (caching == Caching::kOn));
  CHECK(totals.runs * 3 < totals.steps);
}

std::uint32_t one_of(Random& random, std::initializer_list<std::uint32_t> values) {
  return values.begin()[random.below(values.size())];
}

}  // namespace

TEST_CASE("engine vllm: as step by step, in a third of its steps or less") {
  const auto caching = GENERATE(Caching::kOff, Caching::kOn);
  compare("vllm", 1, caching, [](Random& random, Scene&) {
    oracle::Vllm engine{};
    engine.max_num_batched_tokens = one_of(random, {64, 256, 2048, 8192});
    engine.max_num_seqs = std::min(one_of(random, {1, 4, 16, 256}), engine.max_num_batched_tokens);
    engine.long_prefill_token_threshold = one_of(random, {0, 0, 50, 500});
    engine.enable_chunked_prefill = random.below(5) > 0;
    engine.scheduler_reserve_full_isl = random.below(3) > 0;
    engine.async_scheduling = random.below(2) > 0;
    engine.ignore_eos = random.below(3) == 0;
    engine.priority = random.below(3) == 0;
    Json settings{{"max_num_batched_tokens", engine.max_num_batched_tokens},
                  {"max_num_seqs", engine.max_num_seqs},
                  {"long_prefill_token_threshold", engine.long_prefill_token_threshold},
                  {"enable_chunked_prefill", engine.enable_chunked_prefill},
                  {"scheduler_reserve_full_isl", engine.scheduler_reserve_full_isl},
                  {"async_scheduling", engine.async_scheduling},
                  {"ignore_eos", engine.ignore_eos},
                  {"scheduling_policy", engine.priority ? "priority" : "fcfs"}};
    return std::pair(settings, engine);
  });
}

TEST_CASE("engine sglang: as step by step, in a third of its steps or less") {
  const auto caching = GENERATE(Caching::kOff, Caching::kOn);
  compare("sglang", 2, caching, [](Random& random, Scene& scene) {
    scene.memory.watermark = 0;
    oracle::Sglang engine{};
    engine.chunked_prefill_size = one_of(random, {64, 256, 2048, 8192});
    engine.max_prefill_tokens = one_of(random, {100, 1000, 16384});
    engine.max_running_requests = one_of(random, {1, 4, 16, 256});
    engine.schedule_conservativeness = 0.1 * one_of(random, {1, 5, 10, 15});
    engine.overlap_schedule = random.below(2) > 0;
    Json settings{{"chunked_prefill_size", engine.chunked_prefill_size},
                  {"max_prefill_tokens", engine.max_prefill_tokens},
                  {"max_running_requests", engine.max_running_requests},
                  {"schedule_conservativeness", engine.schedule_conservativeness},
                  {"overlap_schedule", engine.overlap_schedule}};
    return std::pair(settings, engine);
  });
}

TEST_CASE("engine trtllm: as step by step, in a third of its steps or less") {
  const auto caching = GENERATE(Caching::kOff, Caching::kOn);
  compare("trtllm", 3, caching, [](Random& random, Scene& scene) {
    scene.memory.watermark = 0;
    oracle::Trtllm engine{};
    engine.max_num_tokens = one_of(random, {64, 256, 2048, 8192});
    engine.max_batch_size = std::min(one_of(random, {1, 4, 16, 256}), engine.max_num_tokens);
    engine.max_utilization = random.below(2) > 0;
    engine.enable_chunked_context = random.below(2) > 0;
    engine.overlap_scheduler = random.below(2) > 0;
    Json settings{{"max_num_tokens", engine.max_num_tokens},
                  {"max_batch_size", engine.max_batch_size},
                  {"capacity_scheduler_policy",
                   engine.max_utilization ? "max_utilization" : "guaranteed_no_evict"},
                  {"enable_chunked_context", engine.enable_chunked_context},
                  {"overlap_scheduler", engine.overlap_scheduler}};
    return std::pair(settings, engine);
  });
}

}  // namespace cleave
