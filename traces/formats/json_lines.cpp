#include "traces/formats/line_fields.h"
#include "traces/json_lines_reader.h"
#include "traces/parse.h"

// JSON lines as load generators such as NVIDIA AIPerf read and write them: `timestamp` in ms, or
// `delay` in ms. A delay is taken as the time since the previous line, so that the trace is open
// loop; the tools wait for the previous turn's answer, which a trace cannot know.
namespace cleave {
namespace {

class JsonLines final : public TraceFormat, public TraceWriter {
 public:
  bool recognises(std::string_view line) const override {
    return has_json_field(line, "input_length") && !has_json_field(line, "hash_ids") &&
           !has_json_field(line, "chat_id");
  }
  std::unique_ptr<TraceReader> open(const std::string& path) const override {
    return std::make_unique<JsonLinesReader>(
        path, JsonLinesLayout{.units_per_s = 1e3, .delays = true, .sessions = true});
  }
  const TraceWriter* writer() const override { return this; }
  void append(std::string& row, const Request& request, std::uint64_t) const override {
    append_request(row, request);
    row += "}";
  }
};

const TraceFormats::Entry kEntry{"json-lines", "JSON lines of benchmark tools (ms)",
                                 [] { return std::make_unique<JsonLines>(); }};

}  // namespace
}  // namespace cleave
