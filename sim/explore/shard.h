#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace cleave {

/// A part of a sweep: the points whose number leaves the remainder `index` when divided by `count`.
struct Shard {
  std::uint64_t index = 0;
  std::uint64_t count = 1;
  bool has(std::uint64_t point) const { return point % count == index; }
};

/// "i/n", counted from 0.
Shard parse_shard(const std::string& text);

/// What a job array says about this process: SLURM_ARRAY_TASK_ID and SLURM_ARRAY_TASK_COUNT, or
/// JOB_COMPLETION_INDEX of a Kubernetes indexed job, which has `completions` parts (or as many as
/// JOB_COMPLETIONS says). Everything where there is no array; InputError where it is not clear.
Shard shard_of_environment(std::optional<std::uint64_t> completions);

}  // namespace cleave
