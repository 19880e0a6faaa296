#pragma once

#include <cstdint>

#include "sim/core/content.h"

namespace cleave {

/// One request as it reaches the cluster.
struct Request {
  double arrival_s = 0;
  std::uint32_t prompt_tokens = 0;  ///< at least 1
  std::uint32_t output_tokens = 0;  ///< at least 1; the first comes from the prompt phase
  std::uint64_t line = 0;           ///< line in its file, from 1; running number where generated
  std::uint32_t priority = 0;       ///< the lower, the earlier, where batching looks at it
  std::uint32_t traffic_class = 0;  ///< in the scenario's order, where it has classes
  Content content = {};             ///< of its prompt, and of its output where that is known
  std::uint64_t session = 0;        ///< the conversation that it is a turn of; 0: none
  std::uint32_t turn = 0;           ///< of its session, from 1
  bool last_turn = true;
  /// A later turn that follows a reply comes so long after it; below 0: at its arrival, but not
  /// before that reply.
  double after_s = -1;
};

/// What arrives, one request after another: a trace file, a generator, or a chain of both.
class RequestSource {
 public:
  virtual ~RequestSource() = default;
  /// The next request, never earlier than the one before; false at the end. What becomes of
  /// requests is none of a source's business: their clients hear of it (traces/clients.h).
  /// Throws InputError naming file and line where a file is malformed.
  virtual bool next(Request& request) = 0;
  /// The next turn of a session whose last one has got its reply (`served`), or never will; false
  /// where the conversation is over.
  virtual bool follow_up(std::uint64_t /*session*/, bool /*served*/, Request& /*request*/) {
    return false;
  }
};

}  // namespace cleave
