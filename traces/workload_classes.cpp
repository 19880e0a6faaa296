#include <algorithm>

#include "sim/base/builtin.h"
#include "sim/base/random.h"
#include "sim/base/reference.h"
#include "traces/client_mix.h"
#include "traces/distribution.h"
#include "traces/workload.h"
#include "traces/workload_defaults.h"

namespace cleave {

namespace {

constexpr std::uint64_t kSeeds = std::uint64_t{1} << 53;
constexpr std::int64_t kMostTokens = 100'000'000;
const Setting kPriority{"priority", 0, "", "of its requests; the lower goes first",
                        whole(0, 1'000'000)};
const Setting kShare{"share", nullptr, "", "of the workload's requests, beside those of others",
                     in({0, 1e9, true})};
const Setting kTrace{"trace", nullptr, "", "lengths of its share: cleave list workloads",
                     words("a distribution's name or file")};
const Setting kPrompt{"prompt_tokens", nullptr, "tokens", "of each of its prompts",
                      whole(1, kMostTokens)};
const Setting kOutput{"output_tokens", nullptr, "tokens", "of each of its outputs",
                      whole(1, kMostTokens)};
const Setting kWorkload{"workload", nullptr, "", "of its own, in place of a share",
                        words("as the scenario's workload")};
const Reference::Entry kClass{
    {"scenario", "classes[]", "", {kShare, kPriority, kTrace, kPrompt, kOutput, kWorkload}}};

std::shared_ptr<const Workload> read_lengths(JsonReader& reader, std::uint64_t seed) {
  const bool fixed = kPrompt.given(reader) || kOutput.given(reader);
  if (!fixed && !kTrace.given(reader)) return nullptr;
  auto lengths = std::make_shared<Workload>();
  lengths->seed = seed;
  if (fixed && kTrace.given(reader)) {
    reader.fail("trace", "contradicts prompt_tokens and output_tokens; leave out one or the other");
  }
  if (fixed) {
    lengths->prompt_tokens = kPrompt.count(reader);
    lengths->output_tokens = kOutput.count(reader);
    return lengths;
  }
  lengths->trace = kTrace.text(reader);
  if (!lengths->trace.ends_with(".json")) {
    reader.name(kTrace.name, "distribution", builtin_names("traces"));
  }
  if (is_client_mix(lengths->trace)) {
    reader.fail(kTrace.name,
                "is a mix of clients; expected a distribution of lengths, or the mix in a workload "
                "of the class's own");
  }
  lengths->distribution = load_distribution(lengths->trace, reader.path_of(kTrace.name));
  return lengths;
}

}  // namespace

WorkloadClass read_workload_class(JsonReader& reader, const Workload& whole, std::size_t number) {
  WorkloadClass result;
  const std::uint64_t seed = hash_of(whole.seed, number + 1) % kSeeds;
  result.priority = kPriority.count(reader);
  const bool column = whole.columns && !whole.columns->traffic_class.empty();
  if (column && !kWorkload.given(reader)) {
    for (const Setting* of_shares : {&kShare, &kTrace, &kPrompt, &kOutput}) {
      if (!of_shares->given(reader)) continue;
      reader.fail(of_shares->name,
                  "contradicts workload.columns.class: the trace says which requests are of this "
                  "class, and their lengths");
    }
    return result;
  }
  if (!kWorkload.given(reader)) {
    result.share = kShare.number(reader);
    result.lengths = read_lengths(reader, seed);
    return result;
  }
  if (kShare.given(reader)) {
    reader.fail("share",
                "contradicts workload: a class has a share of the scenario's requests, or requests "
                "of its own");
  }
  JsonReader own = reader.object(kWorkload.name);
  const auto workload = std::make_shared<Workload>(read_workload(own, {seed, whole.duration_s}));
  if (!offers_rate(*workload)) {
    own.fail("arrivals",
             "expected requests at a rate of their own: a class has no closed loop here");
  }
  if (workload->warmup_requests > 0) {
    own.fail("warmup_requests", "belongs into the scenario's workload");
  }
  if (!workload->priority_shares.empty()) {
    own.fail("priority_shares", "contradicts the priority of the class");
  }
  if (workload->columns && !workload->columns->traffic_class.empty()) {
    own.fail("columns.class", "belongs into the scenario's workload");
  }
  result.own = workload;
  return result;
}

Workload read_frame(JsonReader& reader) {
  Workload workload;
  workload.arrivals = "classes";
  if (reader.has("duration_s")) workload.duration_s = reader.number("duration_s", {0, 1e9, true});
  workload.seed =
      static_cast<std::uint64_t>(reader.integer("seed", 0, static_cast<std::int64_t>(kSeeds), 1));
  reader.finish();
  return workload;
}

}  // namespace cleave
