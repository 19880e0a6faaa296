#include "traces/formats/line_fields.h"
#include "traces/json_lines_reader.h"
#include "traces/parse.h"

// Bailian usage traces of Qwen serving (github.com/alibaba-edu/qwen-bailian-usagetraces-anon):
// times in seconds, one id for every block of 16 prompt tokens. Written, all turns of a
// conversation have one chat_id.
namespace cleave {
namespace {

constexpr std::uint32_t kBlock = 16;

class Bailian final : public TraceFormat, public TraceWriter {
 public:
  bool recognises(std::string_view line) const override {
    return has_json_field(line, "chat_id") && has_json_field(line, "timestamp");
  }
  std::unique_ptr<TraceReader> open(const std::string& path) const override {
    return std::make_unique<JsonLinesReader>(
        path, JsonLinesLayout{.block_tokens = kBlock, .chats = true});
  }
  const TraceWriter* writer() const override { return this; }
  void append(std::string& row, const Request& request, std::uint64_t number) const override {
    const std::uint64_t chat = request.session > 0 ? request.session : number + 1;
    row += "{\"chat_id\": " + std::to_string(chat) + ", \"parent_chat_id\": -1, \"timestamp\": ";
    append_number(row, request.arrival_s);
    row += ", \"input_length\": " + std::to_string(request.prompt_tokens) +
           ", \"output_length\": " + std::to_string(request.output_tokens) + ", ";
    append_block_ids(row, request, kBlock);
    row += "}";
  }
};

const TraceFormats::Entry kEntry{"bailian", "Bailian traces of Qwen serving (JSON lines, seconds)",
                                 [] { return std::make_unique<Bailian>(); }};

}  // namespace
}  // namespace cleave
