#pragma once

#include <cstdint>
#include <memory>

#include "sim/base/json_reader.h"
#include "traces/transform.h"

namespace cleave {

/// Whole numbers that are drawn, each as likely as the others, `least` and `most` included.
struct TokenRange {
  std::uint32_t least = 0;
  std::uint32_t most = 0;
};

/// Key "sessions" of a workload: each request begins a conversation. Each later turn repeats what
/// was said so far, prompt and replies, and adds to it.
struct SessionSettings {
  TokenRange turns{1, 1};
  /// From the last token of a reply to the next turn, the mean of an exponential distribution.
  double think_s = 0;
  /// That a later turn adds, and gets; without ("most" 0), as many as the first prompt and output
  /// had.
  TokenRange input_tokens;
  TokenRange output_tokens;
};

/// Key "system_prompts": every prompt begins with one of a few texts.
struct SystemPrompts {
  std::uint32_t groups = 1;
  TokenRange tokens;
  double zipf = 0;  ///< the n-th text is 1 / n^zipf times as frequent as the first
};

/// Each throws InputError for keys and numbers that are none.
SessionSettings read_sessions(JsonReader reader);
SystemPrompts read_system_prompts(JsonReader reader);

/// The requests with a text before each prompt. Throws InputError where a prompt becomes longer
/// than kMaxTokens.
SourcePtr add_system_prompts(SourcePtr source, const SystemPrompts& settings, std::uint64_t seed);

/// Every request the first turn of a conversation, whose other turns are follow_up()s. What is
/// drawn for a conversation does not depend on when its turns are completed.
SourcePtr converse(SourcePtr source, const SessionSettings& settings, std::uint64_t seed);

/// Later turns of the source's sessions become follow_up()s: sent Request::after_s after the reply
/// before, or, where the trace does not say, at their time but not before that reply. Where such a
/// prompt is long enough to repeat all that was said before, and its content, if known, does not
/// say otherwise, it does. Keeps all requests of the source.
SourcePtr answer_replies(SourcePtr source);

}  // namespace cleave
