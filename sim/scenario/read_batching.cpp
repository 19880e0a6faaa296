#include "sim/scenario/read_batching.h"

#include <algorithm>

#include "sim/base/error.h"
#include "sim/base/reference.h"

namespace cleave {

namespace {

const Setting kMemory{"memory", nullptr, "",
                      "of splitwise: how KV memory is taken; paged where nothing is said"};
const Setting kQueueOrder{"queue_order", nullptr, "",
                          "who goes first among those that wait: by arrival, by priority, or by "
                          "the time left to the class's limit of TTFT; the policy's own",
                          one_of({"arrival", "priority", "slack"})};
const Setting kMixedFactor{"mixed_iteration_factor", nullptr, "times",
                           "a prefill of all its tokens: what an iteration of prompts and decodes "
                           "takes; else the sum of its parts",
                           in({0.01, 100, false})};
const Setting kAtLeastDecode{"mixed_at_least_decode", nullptr, "",
                             "with that factor, never less than the decodes alone",
                             true_or_false()};
constexpr std::uint32_t kLargestGraph = 1'000'000;
const Setting kGraphSizes{"cuda_graph_sizes", nullptr, "sequences",
                          "of the captured batches, up to which decodes are padded",
                          whole(1, kLargestGraph).each()};
const Setting kEager{"eager_s", nullptr, "s", "an iteration takes longer beyond the largest graph",
                     in({0, 10, false})};
const Setting kDrafted{"speculative_tokens", nullptr, "tokens",
                       "drafted for a sequence in an iteration; 0: none", whole(0, 64)};
const Setting kAcceptance{"acceptance_rate", nullptr, "",
                          "of each drafted token, after those before it", in({0, 1, false})};
const Setting kDraft{"draft_s", 0, "s", "an iteration takes longer for its drafts",
                     in({0, 10, false})};
const Setting kAccepted{"accepted_tokens", "drawn", "", "for each sequence, or the mean for all",
                        one_of({"drawn", "mean"})};
const Reference::Entry kBatching{{"scenario",
                                  "batching",
                                  "What an instance computes in an iteration.",
                                  {{"policy", nullptr, "", "who runs, and how many tokens each"},
                                   kMemory,
                                   kQueueOrder,
                                   kMixedFactor,
                                   kAtLeastDecode,
                                   kGraphSizes,
                                   kEager,
                                   kDrafted,
                                   kAcceptance,
                                   kDraft,
                                   kAccepted}}};

MemoryPolicies::Choice read_memory(JsonReader& reader, const BatchingPolicies::Choice& policy) {
  if (!kMemory.given(reader)) {
    return {"paged",
            [] { return MemoryPolicies::make("batching.memory", "memory policy", "paged"); }};
  }
  if (policy.make({})->memory({}) != nullptr) {
    reader.fail("memory", "is for \"splitwise\": \"" + policy.name +
                              "\" has its own way to keep blocks; leave it out");
  }
  return MemoryPolicies::choose(reader, "memory", "memory policy");
}

void read_cuda_graphs(JsonReader& reader, BatchingSpec& spec) {
  if (kGraphSizes.given(reader)) {
    for (const double size : kGraphSizes.numbers(reader)) {
      spec.cuda_graph_sizes.push_back(static_cast<std::uint32_t>(size));
      if (size != spec.cuda_graph_sizes.back()) {
        reader.fail("cuda_graph_sizes", "expected whole numbers of sequences");
      }
    }
    if (spec.cuda_graph_sizes.empty()) {
      reader.fail("cuda_graph_sizes", "expected the sizes of the captured batches; none are there");
    }
    std::sort(spec.cuda_graph_sizes.begin(), spec.cuda_graph_sizes.end());
  }
  if (!kEager.given(reader)) return;
  spec.eager_s = kEager.number(reader);
  if (spec.cuda_graph_sizes.empty()) {
    reader.fail("eager_s",
                "has no meaning without cuda_graph_sizes, beyond which iterations run without a "
                "graph");
  }
}

Speculation read_speculation(JsonReader& reader) {
  Speculation speculation;
  speculation.tokens = kDrafted.optional_count(reader).value_or(0);
  if (!speculation.on()) {
    for (const Setting* setting : {&kAcceptance, &kDraft, &kAccepted}) {
      if (!setting->given(reader)) continue;
      reader.fail(setting->name, "has no meaning without speculative_tokens");
    }
    return speculation;
  }
  speculation.acceptance = kAcceptance.number(reader);
  speculation.draft_s = kDraft.number(reader);
  speculation.drawn = kAccepted.choice(reader) == "drawn";
  return speculation;
}

QueueOrder read_queue_order(JsonReader& reader, const BatchingPolicies::Choice& policy) {
  const auto made = policy.make({});
  const QueueOrder otherwise = made->by_priority() ? QueueOrder::kPriority : QueueOrder::kArrival;
  if (!kQueueOrder.given(reader)) return otherwise;
  const std::string name = kQueueOrder.choice(reader);
  const QueueOrder order = name == "priority" ? QueueOrder::kPriority
                           : name == "slack"  ? QueueOrder::kSlack
                                              : QueueOrder::kArrival;
  if (made->by_priority() && order != otherwise) {
    reader.fail("queue_order", "contradicts scheduling_policy \"priority\"");
  }
  if (made->as_published() && order != QueueOrder::kArrival) {
    reader.fail("queue_order",
                "expected \"arrival\": the published simulator knows no other order");
  }
  return order;
}

}  // namespace

BatchingSpec read_batching(JsonReader reader) {
  BatchingSpec spec;
  spec.policy = BatchingPolicies::choose(reader, "policy", "batching policy");
  spec.queue_order = read_queue_order(reader, spec.policy);
  spec.memory = read_memory(reader, spec.policy);
  spec.mixed_iteration_factor = kMixedFactor.optional_number(reader);
  if (kAtLeastDecode.given(reader)) {
    spec.mixed_at_least_decode = kAtLeastDecode.boolean(reader);
    if (!spec.mixed_iteration_factor) {
      reader.fail(
          "mixed_at_least_decode",
          "has no meaning without mixed_iteration_factor, for which it says that its result "
          "is never less than the decodes alone");
    }
  }
  read_cuda_graphs(reader, spec);
  spec.speculation = read_speculation(reader);
  reader.finish();
  return spec;
}

}  // namespace cleave
