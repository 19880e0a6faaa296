#pragma once

#include <algorithm>
#include <string>

#include "traces/parse.h"
#include "traces/request.h"

namespace cleave {

/// The fields `session_id` and `delay` (ms), each behind a comma, of those that have them.
inline void append_session(std::string& row, const Request& request) {
  if (request.session > 0) row += ", \"session_id\": " + std::to_string(request.session);
  if (request.after_s < 0) return;
  row += ", \"delay\": ";
  append_number(row, request.after_s * 1000);
}

/// The beginning of a line: when a request came (ms), its session, and its lengths.
inline void append_request(std::string& row, const Request& request) {
  row += "{\"timestamp\": ";
  append_number(row, request.arrival_s * 1000);
  append_session(row, request);
  row += ", \"input_length\": " + std::to_string(request.prompt_tokens) +
         ", \"output_length\": " + std::to_string(request.output_tokens);
}

/// The field `hash_ids` of a line: of each block of so many tokens of the prompt, the last one in
/// part, its id; as far as the content is known by such blocks.
inline void append_block_ids(std::string& row, const Request& request, std::uint32_t block_tokens) {
  row += "\"hash_ids\": [";
  std::uint64_t end = 0;
  for (const Extent& extent : request.content) {
    const std::uint64_t next = std::min<std::uint64_t>(end + block_tokens, request.prompt_tokens);
    if (extent.end != next) break;
    if (end > 0) row += ", ";
    row += std::to_string(extent.id);
    end = next;
  }
  row += "]";
}

}  // namespace cleave
