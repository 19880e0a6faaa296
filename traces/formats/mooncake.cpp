#include "traces/formats/line_fields.h"
#include "traces/json_lines_reader.h"
#include "traces/parse.h"

// Mooncake (github.com/kvcache-ai/Mooncake, FAST25-release): times in ms, one id for every block of
// 512 prompt tokens, equal for equal prefixes. Conversations as NVIDIA AIPerf has them in such
// traces: `session_id`, and `delay` in ms after the reply before.
namespace cleave {
namespace {

constexpr std::uint32_t kBlock = 512;

class Mooncake final : public TraceFormat, public TraceWriter {
 public:
  bool recognises(std::string_view line) const override {
    return has_json_field(line, "hash_ids") && has_json_field(line, "timestamp") &&
           !has_json_field(line, "chat_id");
  }
  std::unique_ptr<TraceReader> open(const std::string& path) const override {
    return std::make_unique<JsonLinesReader>(
        path, JsonLinesLayout{
                  .units_per_s = 1e3, .block_tokens = kBlock, .delays = true, .sessions = true});
  }
  const TraceWriter* writer() const override { return this; }
  void append(std::string& row, const Request& request, std::uint64_t) const override {
    append_request(row, request);
    row += ", ";
    append_block_ids(row, request, kBlock);
    row += "}";
  }
};

const TraceFormats::Entry kEntry{"mooncake", "Mooncake traces of Kimi (JSON lines, ms)",
                                 [] { return std::make_unique<Mooncake>(); }};

}  // namespace
}  // namespace cleave
