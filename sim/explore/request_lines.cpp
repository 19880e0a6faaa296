#include <filesystem>
#include <fstream>

#include "sim/base/error.h"
#include "sim/explore/measured_requests.h"

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
  point.llm = known_llm(text_at(arguments, "/model"));
  if (!point.llm.empty()) scenario["llm"] = point.llm;
  Json batching{{"policy", "vllm"}};
  for (const char* key : {"max_num_seqs", "max_num_batched_tokens"}) {
    if (arguments.contains(key) && arguments[key].is_number()) batching[key] = arguments[key];
  }
  scenario["batching"] = batching;
  if (text_at(arguments, "/kv_cache_dtype").starts_with("fp8")) {
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
  const fs::path folder = fs::path(file).parent_path();
  point.scenario = engine_settings(folder / "meta.json", point);
  std::ifstream in(file);
  std::vector<MeasuredRequest> requests;
  std::string line;
  for (std::size_t number = 1; std::getline(in, line); ++number) {
    if (line.empty()) continue;
    const Json request = Json::parse(line, nullptr, false);
    const auto field = [&](const std::string& key) {
      const auto value = number_at(request, "/" + key);
      if (!value) {
        throw InputError(file + ":" + std::to_string(number) + ": expected an object with " + key +
                         ", a number");
      }
      return *value;
    };
    const double ttft = field("first_token_ts") - field("queued_ts");
    const double e2e = field("last_token_ts") - field("queued_ts");
    const double output = field("output_toks");
    requests.push_back({field("arrival_time"),
                        field("input_toks"),
                        output,
                        {ttft, tpot_of(ttft, e2e, output), e2e, {}}});
  }
  describe_requests(std::move(requests), 0, point);
  return {point};
}

}  // namespace

const MeasuredFormat kRequestLines{recognises, read};

}  // namespace cleave
