#include <algorithm>

#include "sim/base/builtin.h"
#include "sim/base/random.h"
#include "traces/workload.h"
#include "traces/workload_defaults.h"

namespace cleave {

namespace {

constexpr std::uint64_t kSeeds = std::uint64_t{1} << 53;
constexpr std::int64_t kMostTokens = 100'000'000;

std::shared_ptr<const Workload> read_lengths(JsonReader& reader, std::uint64_t seed) {
  const bool fixed = reader.has("prompt_tokens") || reader.has("output_tokens");
  if (!fixed && !reader.has("trace")) return nullptr;
  auto lengths = std::make_shared<Workload>();
  lengths->seed = seed;
  if (fixed && reader.has("trace")) {
    reader.fail("trace", "contradicts prompt_tokens and output_tokens; leave out one or the other");
  }
  if (fixed) {
    lengths->prompt_tokens =
        static_cast<std::uint32_t>(reader.integer("prompt_tokens", 1, kMostTokens));
    lengths->output_tokens =
        static_cast<std::uint32_t>(reader.integer("output_tokens", 1, kMostTokens));
    return lengths;
  }
  lengths->trace = reader.text("trace");
  if (!lengths->trace.ends_with(".json")) {
    reader.name("trace", "distribution", builtin_names("traces"));
  }
  return lengths;
}

}  // namespace

WorkloadClass read_workload_class(JsonReader& reader, const Workload& whole, std::size_t number) {
  WorkloadClass result;
  const std::uint64_t seed = hash_of(whole.seed, number + 1) % kSeeds;
  result.priority = static_cast<std::uint32_t>(reader.integer("priority", 0, 1'000'000, 0));
  if (!reader.has("workload")) {
    result.share = reader.number("share", {0, 1e9, true});
    result.lengths = read_lengths(reader, seed);
    return result;
  }
  if (reader.has("share")) {
    reader.fail("share",
                "contradicts workload: a class has a share of the scenario's requests, or requests "
                "of its own");
  }
  JsonReader own = reader.object("workload");
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
