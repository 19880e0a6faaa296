#include <algorithm>

#include "models/catalogue/hardware.h"
#include "models/catalogue/llm.h"
#include "models/catalogue/parallelism.h"
#include "sim/base/csv_table.h"
#include "sim/explore/measured_point.h"

// Output tokens per second at saturation, as TensorRT-LLM publishes them (perf-overview.md): all
// requests are there at the start (trtllm-bench throughput), all of them as long.

namespace cleave {

namespace {

/// So many for each pair of lengths.
std::uint32_t requests_of(std::uint32_t prompt_tokens, std::uint32_t output_tokens) {
  if (prompt_tokens == 128 && output_tokens == 128) return 30'000;
  if (prompt_tokens >= 20'000) return 1000;
  const bool fewer = prompt_tokens == 5000 || output_tokens == 4096 ||
                     (prompt_tokens == 1000 && output_tokens == 2000) ||
                     (prompt_tokens == 2048 && output_tokens == 2048);
  return fewer ? 1500 : 3000;
}

/// LLMs with experts run with attention data-parallel (enable_attention_dp), and experts spread
/// out.
Parallelism degrees(std::uint32_t gpus, bool experts) {
  return experts ? Parallelism{1, 1, gpus, gpus} : Parallelism{gpus, 1, 1, 1};
}

MeasuredPoint point_of(const CsvTable& table, std::size_t row) {
  constexpr std::uint32_t kTokens = 8192;
  const auto count = [&](const char* column) {
    return static_cast<std::uint32_t>(table.number(row, column));
  };
  MeasuredPoint point;
  point.llm = known_llm(table.text(row, "llm"));
  point.gpu = known_gpu(table.text(row, "gpu"));
  point.engine = "trtllm";
  const std::uint32_t gpus = count("tensor_parallel");
  const std::uint32_t requests = requests_of(count("prompt_tokens"), count("output_tokens"));
  point.layout = "tp" + std::to_string(gpus);
  point.id = table.text(row, "llm") + " " + table.text(row, "gpu") + " " + point.layout + " " +
             table.text(row, "prompt_tokens") + "/" + table.text(row, "output_tokens");
  point.assumed = std::to_string(requests) + " requests at once";
  point.measured.output_tokens_per_s = table.number(row, "output_tokens_per_s");
  const std::string machine = machine_with(point.gpu, gpus);
  if (point.llm.empty()) point.why_not = "no LLM like " + table.text(row, "llm");
  if (machine.empty()) point.why_not = "no machine with " + table.text(row, "gpu");
  if (!point.why_not.empty()) return point;
  const std::string& weights = table.text(row, "weights");
  Json formats{{"format", weights}};
  const bool experts = load_llm(point.llm, "llm").experts > 1;
  if (experts) formats["experts"] = weights;
  const Parallelism spread = degrees(gpus, experts);
  if (experts && gpus > 1) point.assumed += ", attention data-parallel";
  point.scenario = {{"llm", point.llm},
                    {"weights", formats},
                    {"kv_cache", {{"format", table.text(row, "kv_cache")}}},
                    {"latency", {{"policy", "engine"}, {"engine", "trtllm"}}},
                    {"scheduler", {{"policy", "token_jsq"}}},
                    {"batching",
                     {{"policy", "trtllm"},
                      {"max_num_tokens", std::max(kTokens, count("prompt_tokens") + kTokens / 4)}}},
                    {"results", {{"warmup_s", 0}}},
                    {"pools",
                     {{{"role", "mixed"},
                       {"machine", machine},
                       {"count", 1},
                       {"instances_per_machine", 1},
                       {"tensor_parallel", spread.tensor},
                       {"data_parallel", spread.data},
                       {"expert_parallel", spread.expert}}}},
                    {"workload",
                     {{"trace", nullptr},
                      {"prompt_tokens", count("prompt_tokens")},
                      {"output_tokens", count("output_tokens")},
                      {"arrivals", "infinite"},
                      {"requests", requests}}}};
  return point;
}

bool recognises(const std::string& text) {
  const std::string first = text.substr(0, text.find('\n'));
  return first.find("output_tokens_per_s") != std::string::npos &&
         first.find("tensor_parallel") != std::string::npos;
}

std::vector<MeasuredPoint> read(const std::string& file, const MeasuredSources&) {
  const CsvTable table(file);
  std::vector<MeasuredPoint> points;
  for (std::size_t row = 0; row < table.rows(); ++row) points.push_back(point_of(table, row));
  return points;
}

}  // namespace

const MeasuredFormat kThroughputRows{recognises, read};

}  // namespace cleave
