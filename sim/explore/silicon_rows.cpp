#include <algorithm>
#include <cmath>
#include <optional>

#include "models/catalogue/hardware.h"
#include "models/catalogue/llm.h"
#include "models/catalogue/parallelism.h"
#include "sim/base/csv_table.h"
#include "sim/base/error.h"
#include "sim/explore/measured_point.h"
#include "sim/explore/validate.h"
#include "sim/scenario/resolve.h"

// aiconfigurator's silicon_sample.csv. Rows of InferenceX are closed loops of `concurrency`
// requests, ten times as many measured and twice as many before; lengths are uniform from 0.8 to 1
// times those given. "internal" rows have constant lengths.

namespace cleave {

namespace {

struct Row {
  const CsvTable& table;
  std::size_t index;

  const std::string& text(const char* column) const { return table.text(index, column); }
  std::uint32_t count(const std::string& column) const {
    return static_cast<std::uint32_t>(std::max(1.0, table.number(index, column, 1)));
  }
  bool has(const std::string& column) const { return !table.text(index, column).empty(); }
  bool internal() const { return text("silicon_data_source").starts_with("internal"); }
};

/// "silicon_concurrency=64" of the row's source, else sequences of a group times groups.
std::uint32_t concurrency_of(const Row& row) {
  const std::string& source = row.text("silicon_data_source");
  const std::string key = "silicon_concurrency=";
  const std::size_t at = source.find(key);
  const bool several = row.internal() && row.text("mode") == "agg";  // workers behind a router
  if (at != std::string::npos && !several) {
    return static_cast<std::uint32_t>(std::max(1L, std::atol(source.c_str() + at + key.size())));
  }
  return row.count("batch_size") * row.count("attention_dp_size");
}

/// The degrees of a kind of worker; `kind` is "", "prefill_" or "decode_". Where "TP8, EP8" was
/// written as moe_tp 8 x moe_ep 8 on 8 GPUs, and where the groups of "TP4, attention data parallel"
/// were counted twice, what was meant is taken.
Parallelism degrees(const Row& row, const std::string& kind) {
  Parallelism degrees;
  degrees.tensor = row.count(kind + "tp_size");
  degrees.pipeline = row.count(kind + "pp_size");
  degrees.data = row.count(kind + "attention_dp_size");
  degrees.expert = row.count(kind + "moe_ep_size");
  const std::uint32_t moe_tensor = row.count(kind + "moe_tp_size");
  const std::uint32_t gpus = degrees.stage_gpus();
  if (row.internal() || moe_tensor * degrees.expert != gpus) {
    degrees.expert = std::min(degrees.expert, gpus);
    while (gpus % degrees.expert != 0) --degrees.expert;
    return degrees;
  }
  if (moe_tensor == degrees.expert && moe_tensor > 1) {
    degrees.data = degrees.data > 1 ? moe_tensor : 1;
    degrees.tensor = moe_tensor / degrees.data;
  } else if (degrees.data == degrees.tensor && degrees.data > 1) {
    degrees.expert = degrees.data;
    degrees.tensor = 1;
  }
  return degrees;
}

std::string layout_name(const Parallelism& degrees) {
  std::string name = "tp" + std::to_string(degrees.tensor);
  if (degrees.pipeline > 1) name += " pp" + std::to_string(degrees.pipeline);
  if (degrees.data > 1) name += " dp" + std::to_string(degrees.data);
  if (degrees.expert > 1) name += " ep" + std::to_string(degrees.expert);
  return name;
}

/// What weights, experts and KV cache are kept in.
void add_formats(const Row& row, const Llm& llm, const Gpu& gpu, Json& scenario) {
  const std::string& precision = row.text("precision");
  const bool blackwell = gpu.fp4_flops > 0;
  Json weights = Json::object();
  if (llm.name.starts_with("gpt-oss")) {
    weights["experts"] = "mxfp4";
  } else if (precision == "fp8") {
    weights["format"] = "fp8";
    if (llm.experts > 1) weights["experts"] = "fp8";
  } else if (precision == "fp4") {
    weights[llm.experts > 1 ? "experts" : "format"] = "nvfp4";
  } else if (precision == "int4") {
    weights[llm.experts > 1 ? "experts" : "format"] = "int4";
  }
  if (!weights.empty()) scenario["weights"] = weights;
  const std::string& engine = row.text("backend");
  const bool small_kv = engine == "trtllm" ? !precision.empty() : blackwell;
  if (small_kv) scenario["kv_cache"] = {{"format", "fp8"}};
}

Json pool(const char* role, const std::string& gpu, const Parallelism& degrees,
          std::uint32_t workers) {
  return {{"role", role},
          {"machine", machine_with(gpu, degrees.gpus())},
          {"count", workers},
          {"instances_per_machine", 1},
          {"tensor_parallel", degrees.tensor},
          {"pipeline_parallel", degrees.pipeline},
          {"data_parallel", degrees.data},
          {"expert_parallel", degrees.expert}};
}

void add_workload(const Row& row, std::uint32_t concurrency, Json& scenario) {
  constexpr std::uint32_t kMeasured = 10;
  constexpr std::uint32_t kBefore = 2;
  Json workload{{"trace", nullptr},
                {"prompt_tokens", row.count("isl")},
                {"output_tokens", row.count("osl")},
                {"arrivals", "closed"},
                {"concurrency", concurrency},
                {"requests", kMeasured * concurrency},
                {"warmup_requests", kBefore * concurrency}};
  if (!row.internal()) workload["length_range"] = {0.8, 1};
  // Nobody says how these were made. SGLang's look as if all were as long, the others' as if not.
  if (row.internal() && row.text("backend") != "sglang") workload["length_range"] = {0.95, 1};
  scenario["workload"] = workload;
}

/// As InferenceX starts SGLang's servers (benchmarks/single_node/*.sh): those of DeepSeek and
/// Qwen3.5 on B200 and B300 look for requests seldom, unless attention is data-parallel; prompts of
/// DeepSeek in FP8, and of GLM, are in larger chunks, and memory is shared out by hand.
void add_sglang(const Row& row, MeasuredPoint& point, Json& batching) {
  constexpr std::uint32_t kManyRequests = 16;
  const bool deepseek = point.llm.starts_with("deepseek");
  const bool qwen = point.llm.starts_with("qwen3.5");
  const bool glm = point.llm.starts_with("glm");
  if (row.internal() || row.text("mode") != "agg" || !(deepseek || qwen || glm)) return;
  const bool small = row.text("precision") == "fp4";
  const bool blackwell = point.gpu.starts_with("b200") || point.gpu.starts_with("b300");
  if (blackwell && !glm && row.count("attention_dp_size") == 1) {
    batching["scheduler_recv_interval"] = point.concurrency >= kManyRequests ? 30 : 10;
  }
  if (glm || (deepseek && !small)) {
    batching["chunked_prefill_size"] = batching["max_prefill_tokens"] = 32768;
  }
  point.scenario["kv_cache"]["memory_fraction"] = qwen ? 0.8 : deepseek && !small ? 0.82 : 0.85;
  if (qwen) point.scenario["kv_cache"]["format"] = "fp8";
}

void add_engine(const Row& row, MeasuredPoint& point) {
  Json& scenario = point.scenario;
  const std::string& engine = row.text("backend");
  scenario["latency"] = {{"policy", "engine"}, {"engine", engine}};
  Json batching{{"policy", engine}};
  if (engine == "vllm") batching["max_num_batched_tokens"] = 8192;
  if (engine == "trtllm" && !row.internal()) batching["max_num_tokens"] = 20'000;
  if (engine == "sglang") add_sglang(row, point, batching);
  scenario["batching"] = batching;
}

/// "" where the row can be described.
std::string why_not(const Row& row, const MeasuredPoint& point) {
  if (point.llm.empty()) return "no LLM like " + row.text("model_path");
  if (point.gpu.empty()) return "no GPU like " + row.text("system");
  if (machine_with(point.gpu, 1).empty()) return "no machine with " + point.gpu;
  const std::string& engine = row.text("backend");
  if (engine != "vllm" && engine != "sglang" && engine != "trtllm") return "engine " + engine;
  return "";
}

/// Where a row does not say, what most rows do that say: one worker of groups with attention of
/// their own, and of SGLang; else four, each with its part of the sequences.
std::uint32_t decode_workers(const Row& row, const Parallelism& degrees, MeasuredPoint& point) {
  if (row.has("decode_num_workers")) return row.count("decode_num_workers");
  const bool one = row.text("backend") == "sglang" || degrees.data > 1;
  point.assumed = one ? "one worker of each kind" : "one prefill worker and four decode workers";
  return one ? 1 : 4;
}

void describe_split(const Row& row, MeasuredPoint& point) {
  point.layout = "split";
  const Parallelism prefill = degrees(row, "prefill_");
  const Parallelism decode = degrees(row, "decode_");
  if (prefill.tensor == decode.tensor && prefill.tensor > 8 && prefill.expert == 1) {
    point.why_not = "degrees of parallelism that are sums over workers";
    return;
  }
  point.scenario["pools"] = {pool("prompt", point.gpu, prefill, row.count("prefill_num_workers")),
                             pool("token", point.gpu, decode, decode_workers(row, decode, point))};
  point.scenario["scheduler"] = {{"policy", "kv_round_robin"}};
  point.scenario["kv_transfer"] = {{"policy", row.text("backend") == "sglang" ? "push" : "pull"}};
}

MeasuredPoint point_of(const Row& row, std::size_t number) {
  MeasuredPoint point;
  point.id = row.has("id") ? row.text("id") : "row " + std::to_string(number + 2);
  point.llm = known_llm(row.text("model_path"));
  point.gpu = known_gpu(row.text("system"));
  point.engine = row.text("backend");
  point.concurrency = concurrency_of(row);
  const auto seconds = [&](const char* column) -> std::optional<double> {
    constexpr double kMilli = 1e-3;
    const double value = row.table.number(row.index, column, 0) * kMilli;
    return value > 0 ? std::optional(value) : std::nullopt;
  };
  point.measured.tpot_s = seconds("silicon_tpot_ms");
  point.measured.ttft_s = seconds("silicon_ttft_ms");
  point.why_not = why_not(row, point);
  if (!point.why_not.empty()) return point;

  point.scenario["llm"] = point.llm;
  add_formats(row, load_llm(point.llm, "llm"), load_gpu(point.gpu, "gpu"), point.scenario);
  add_engine(row, point);
  add_workload(row, point.concurrency, point.scenario);
  if (row.internal()) point.assumed = "lengths that differ by 5 %, or by nothing";
  if (row.text("mode") == "disagg") {
    describe_split(row, point);
    return point;
  }
  const Parallelism layout = degrees(row, "");
  point.layout = layout_name(layout);
  if (layout.tensor > 8 && layout.expert == 1) {
    point.why_not = "degrees of parallelism that are sums over workers";
    return point;
  }
  point.scenario["pools"] = {pool("mixed", point.gpu, layout, 1)};
  point.scenario["scheduler"] = {{"policy", "token_jsq"}};
  return point;
}

bool can_be_read(const MeasuredPoint& point) {
  try {
    read_scenario(scenario_of_point(point, {}));
    return true;
  } catch (const InputError&) {
    return false;
  }
}

/// Servers that are short of memory are given more of it than engines take by themselves.
void make_room(MeasuredPoint& point) {
  if (!point.why_not.empty() || can_be_read(point)) return;
  constexpr double kNearlyAll = 0.97;
  MeasuredPoint roomy = point;
  roomy.scenario["kv_cache"]["memory_fraction"] = kNearlyAll;
  if (!can_be_read(roomy)) return;
  roomy.assumed += (roomy.assumed.empty() ? "" : "; ") +
                   std::string("97 % of the memory, since the engine's own share has no room");
  point = std::move(roomy);
}

bool recognises(const std::string& text) {
  const std::string first = text.substr(0, text.find('\n'));
  return first.find("silicon_tpot_ms") != std::string::npos &&
         first.find("model_path") != std::string::npos;
}

std::vector<MeasuredPoint> read(const std::string& file, const MeasuredSources&) {
  const CsvTable table(file);
  std::vector<MeasuredPoint> points;
  for (std::size_t i = 0; i < table.rows(); ++i) {
    points.push_back(point_of({table, i}, i));
    if (!points.back().why_not.empty()) continue;
    for (const Json& pool : points.back().scenario["pools"]) {
      if (pool["machine"] == "")
        points.back().why_not = "no machine with as many " + points.back().gpu;
    }
    make_room(points.back());
  }
  return points;
}

}  // namespace

const MeasuredFormat kSiliconRows{recognises, read};

}  // namespace cleave
