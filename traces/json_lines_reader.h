#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "traces/line_reader.h"
#include "traces/trace_reader.h"

namespace cleave {

/// What a JSON lines format means by its fields for time, lengths and, optionally, `hash_ids`.
struct JsonLinesLayout {
  double units_per_s = 1;          ///< of `timestamp` and `delay`
  std::uint32_t block_tokens = 0;  ///< tokens that one of `hash_ids` stands for; 0 ignores them
  bool delays = false;             ///< `delay` since the previous line may replace the time
  bool sessions = false;           ///< `session_id` names the conversation of a request
  bool chats = false;              ///< `chat_id` names it, `parent_chat_id` the one it goes on from
  bool clock = false;              ///< times are a clock's: the first line is at 0
  std::string_view time = "timestamp";
  std::string_view prompt = "input_length";
  std::string_view output = "output_length";
};

/// Reads one JSON object a line; fields that are not needed are skipped.
class JsonLinesReader final : public TraceReader {
 public:
  JsonLinesReader(const std::string& path, JsonLinesLayout layout);
  bool next(Request& request) override;
  const std::vector<std::uint64_t>* prompt_blocks() const override {
    return layout_.block_tokens == 0 ? nullptr : &blocks_;
  }
  std::uint32_t prompt_block_tokens() const override { return layout_.block_tokens; }

 private:
  struct Fields;

  const char* read_field(std::string_view key, const char* at, Fields& fields);
  const char* read_blocks(const char* at);
  double after_s(double delay) const;
  std::uint64_t session_of(const Fields& fields);
  double arrival_of(const Fields& fields);

  LineReader lines_;
  JsonLinesLayout layout_;
  std::vector<std::uint64_t> blocks_;
  double last_arrival_s_ = 0;
  std::unordered_map<std::uint64_t, std::uint64_t> first_chat_;  ///< of each chat's conversation
  double first_time_ = -1;  ///< of a clock; below 0: not read yet
};

/// Whether `line` is a JSON object with the field `name`.
bool has_json_field(std::string_view line, std::string_view name);

}  // namespace cleave
