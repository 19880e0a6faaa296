#include "sim/explore/shard.h"

#include <charconv>
#include <cstdlib>

#include "sim/base/error.h"

namespace cleave {

namespace {

std::optional<std::uint64_t> whole_number(const std::string& text) {
  std::uint64_t value = 0;
  const char* const end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc() || rest != end) return std::nullopt;
  return value;
}

std::optional<std::uint64_t> from_environment(const char* name) {
  const char* text = std::getenv(name);
  if (text == nullptr || *text == '\0') return std::nullopt;
  const auto value = whole_number(text);
  if (!value) throw InputError(std::string(name) + ": expected a whole number, found " + text);
  return value;
}

Shard slurm_shard(std::uint64_t task) {
  const auto count = from_environment("SLURM_ARRAY_TASK_COUNT");
  if (!count || *count == 0) {
    throw InputError("SLURM_ARRAY_TASK_ID is set without SLURM_ARRAY_TASK_COUNT; give --shard i/n");
  }
  const std::uint64_t least = from_environment("SLURM_ARRAY_TASK_MIN").value_or(0);
  const std::uint64_t step = from_environment("SLURM_ARRAY_TASK_STEP").value_or(1);
  const auto most = from_environment("SLURM_ARRAY_TASK_MAX");
  // Tasks of an array with gaps cannot know the place of the others.
  if (task < least || step == 0 || (most && (*most - least) / step + 1 != *count)) {
    throw InputError("the Slurm array has gaps: expected one like --array=0-9, or --shard i/n");
  }
  return {(task - least) / step % *count, *count};
}

}  // namespace

Shard parse_shard(const std::string& text) {
  const std::size_t slash = text.find('/');
  const auto index = whole_number(text.substr(0, slash));
  const auto count =
      slash == std::string::npos ? std::nullopt : whole_number(text.substr(slash + 1));
  if (!index || !count || *count == 0 || *index >= *count) {
    throw InputError("--shard " + text +
                     ": expected i/n, from 0/4 for the first of 4 parts to 3/4 for the last");
  }
  return {*index, *count};
}

Shard shard_of_environment(std::optional<std::uint64_t> completions) {
  if (const auto task = from_environment("SLURM_ARRAY_TASK_ID")) return slurm_shard(*task);
  const auto index = from_environment("JOB_COMPLETION_INDEX");
  if (!index) {
    if (completions)
      throw InputError(
          "--shards: neither SLURM_ARRAY_TASK_ID nor "
          "JOB_COMPLETION_INDEX says which of them this is");
    return {};
  }
  const auto count = completions ? completions : from_environment("JOB_COMPLETIONS");
  if (!count || *count <= *index) {
    throw InputError("JOB_COMPLETION_INDEX is " + std::to_string(*index) +
                     ": expected more parts than that from --shards n or JOB_COMPLETIONS");
  }
  return {*index, *count};
}

}  // namespace cleave
