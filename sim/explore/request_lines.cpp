#include <filesystem>
#include <fstream>

#include "sim/base/error.h"
#include "sim/explore/measured_point.h"
#include "sim/scenario/resolve.h"

// A run of a vLLM server as LLMServingSim records it: one JSON object a request, with input_toks,
// output_toks, arrival_time (s, of the clock), queued_ts, first_token_ts and last_token_ts (s, of
// another), and the engine's arguments in meta.json beside it.

namespace cleave {

namespace {

namespace fs = std::filesystem;

bool recognises(const std::string& text) {
  return text.find("\"input_toks\"") != std::string::npos &&
         text.find("\"first_token_ts\"") != std::string::npos;
}

/// The engine's settings, where they were recorded.
Json engine_settings(const fs::path& meta, MeasuredPoint& point) {
  Json scenario{{"latency", {{"policy", "engine"}, {"engine", "vllm"}}},
                {"scheduler", {{"policy", "token_jsq"}}}};
  if (!fs::exists(meta)) return scenario;
  const Json document = load_json(meta.string());
  const Json* const kept = document.is_object() && document.contains("engine_kwargs")
                               ? &document["engine_kwargs"]
                               : nullptr;
  if (kept == nullptr || !kept->is_object()) {
    throw InputError(meta.string() + ": expected an object with engine_kwargs, an object");
  }
  const Json& arguments = *kept;
  const auto text = [&](const char* key) {
    const Json value = arguments.value(key, Json());
    return value.is_string() ? value.get<std::string>() : std::string();
  };
  point.llm = known_llm(text("model"));
  if (!point.llm.empty()) scenario["llm"] = point.llm;
  Json batching{{"policy", "vllm"}};
  for (const char* key : {"max_num_seqs", "max_num_batched_tokens"}) {
    if (arguments.contains(key) && arguments[key].is_number()) batching[key] = arguments[key];
  }
  scenario["batching"] = batching;
  if (text("kv_cache_dtype").starts_with("fp8")) {
    scenario["kv_cache"]["format"] = "fp8";
  }
  if (document.contains("num_gpu_blocks") && document["num_gpu_blocks"].is_number()) {
    scenario["kv_cache"]["blocks"] = document["num_gpu_blocks"];
  }
  const auto degree = [&](const char* key) {
    const Json value = arguments.value(key, Json(1));
    return value.is_number() ? value.get<std::uint32_t>() : 1U;
  };
  const std::uint32_t tensor = degree("tensor_parallel_size");
  const std::uint32_t data = degree("data_parallel_size");
  point.layout = "tp" + std::to_string(tensor) + (data > 1 ? " dp" + std::to_string(data) : "");
  const bool experts = arguments.value("enable_expert_parallel", Json(false)) == true;
  Json pool{{"role", "mixed"},
            {"count", 1},
            {"instances_per_machine", 1},
            {"tensor_parallel", tensor},
            {"data_parallel", data},
            {"expert_parallel", experts ? tensor * data : 1}};
  // LLMServingSim names folders after GPU and LLM.
  const std::string folder = meta.parent_path().filename().string();
  point.gpu = known_gpu(folder.substr(0, folder.find('_')));
  if (!point.gpu.empty()) pool["machine"] = machine_with(point.gpu, tensor * data);
  if (pool.contains("machine")) scenario["pools"] = Json::array({pool});
  return scenario;
}

std::vector<MeasuredPoint> read(const std::string& file, const MeasuredSources&) {
  MeasuredPoint point;
  point.id = file;
  point.engine = "vllm";
  point.requests = true;
  const fs::path folder = fs::path(file).parent_path();
  point.scenario = engine_settings(folder / "meta.json", point);
  point.scenario["workload"] = {{"trace", file}, {"arrivals", "replay"}};
  std::ifstream in(file);
  double ttft = 0;
  double tpot = 0;
  double e2e = 0;
  std::size_t count = 0;
  std::size_t with_tpot = 0;
  std::string line;
  for (std::size_t number = 1; std::getline(in, line); ++number) {
    if (line.empty()) continue;
    const Json request = Json::parse(line, nullptr, false);
    for (const char* key : {"queued_ts", "first_token_ts", "last_token_ts", "output_toks"}) {
      if (!request.is_object() || !request.value(key, Json()).is_number()) {
        throw InputError(file + ":" + std::to_string(number) + ": expected an object with " + key +
                         ", a number");
      }
    }
    const double first = request["first_token_ts"].get<double>();
    const double queued = request["queued_ts"].get<double>();
    const double last = request["last_token_ts"].get<double>();
    const double tokens = request["output_toks"].get<double>();
    ttft += first - queued;
    e2e += last - queued;
    ++count;
    if (tokens < 2) continue;
    tpot += (last - first) / (tokens - 1);
    ++with_tpot;
  }
  if (count == 0) throw InputError(file + ": has no requests");
  point.measured.ttft_s = ttft / static_cast<double>(count);
  point.measured.e2e_s = e2e / static_cast<double>(count);
  if (with_tpot > 0) point.measured.tpot_s = tpot / static_cast<double>(with_tpot);
  return {point};
}

}  // namespace

const MeasuredFormat kRequestLines{recognises, read};

}  // namespace cleave
