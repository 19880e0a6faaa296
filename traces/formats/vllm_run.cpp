#include "traces/json_lines_reader.h"

// Requests of a vLLM server as LLMServingSim (casys-kaist/LLMServingSim, bench/) records them:
// times in seconds of the clock.
namespace cleave {
namespace {

class VllmRun final : public TraceFormat {
 public:
  bool recognises(std::string_view line) const override {
    return has_json_field(line, "input_toks") && has_json_field(line, "arrival_time");
  }
  std::unique_ptr<TraceReader> open(const std::string& path) const override {
    return std::make_unique<JsonLinesReader>(path, JsonLinesLayout{.clock = true,
                                                                   .time = "arrival_time",
                                                                   .prompt = "input_toks",
                                                                   .output = "output_toks"});
  }
};

const TraceFormats::Entry kEntry{"vllm-run", "requests of a vLLM server, recorded (JSON lines, s)",
                                 [] { return std::make_unique<VllmRun>(); }};

}  // namespace
}  // namespace cleave
