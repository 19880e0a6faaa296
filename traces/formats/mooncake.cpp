#include "traces/json_lines_reader.h"

// Mooncake (github.com/kvcache-ai/Mooncake, FAST25-release): times in ms, one id for every block of
// 512 prompt tokens, equal for equal prefixes.
namespace cleave {
namespace {

class Mooncake final : public TraceFormat {
 public:
  bool recognises(std::string_view line) const override {
    return has_json_field(line, "hash_ids") && has_json_field(line, "timestamp") &&
           !has_json_field(line, "chat_id");
  }
  std::unique_ptr<TraceReader> open(const std::string& path) const override {
    return std::make_unique<JsonLinesReader>(
        path,
        JsonLinesLayout{.units_per_s = 1e3, .block_tokens = 512, .delays = true, .sessions = true});
  }
};

const TraceFormats::Entry kEntry{"mooncake", "Mooncake traces of Kimi (JSON lines, ms)",
                                 [] { return std::make_unique<Mooncake>(); }};

}  // namespace
}  // namespace cleave
