#pragma once

#include <cstdint>

namespace cleave {

/// One request as it reaches the cluster.
struct Request {
  double arrival_s = 0;
  std::uint32_t prompt_tokens = 0;  ///< at least 1
  std::uint32_t output_tokens = 0;  ///< at least 1; the first comes from the prompt phase
  std::uint64_t line = 0;           ///< line in its file, from 1; running number where generated
  std::uint32_t priority = 0;       ///< the lower, the earlier, where batching looks at it
};

/// What arrives, one request after another: a trace file, a generator, or a chain of both.
class RequestSource {
 public:
  virtual ~RequestSource() = default;
  /// The next request, never earlier than the one before; false at the end. What becomes of
  /// requests is none of a source's business: their clients hear of it (traces/clients.h).
  /// Throws InputError naming file and line where a file is malformed.
  virtual bool next(Request& request) = 0;
};

}  // namespace cleave
