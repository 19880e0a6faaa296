#include "traces/json_lines_reader.h"

// Bailian usage traces of Qwen serving (github.com/alibaba-edu/qwen-bailian-usagetraces-anon):
// times in seconds, one id for every block of 16 prompt tokens.
namespace cleave {
namespace {

class Bailian final : public TraceFormat {
 public:
  bool recognises(std::string_view line) const override {
    return has_json_field(line, "chat_id") && has_json_field(line, "timestamp");
  }
  std::unique_ptr<TraceReader> open(const std::string& path) const override {
    return std::make_unique<JsonLinesReader>(path,
                                             JsonLinesLayout{.block_tokens = 16, .chats = true});
  }
};

const TraceFormats::Entry kEntry{"bailian", "Bailian traces of Qwen serving (JSON lines, seconds)",
                                 [] { return std::make_unique<Bailian>(); }};

}  // namespace
}  // namespace cleave
