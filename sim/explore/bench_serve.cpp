#include <cmath>
#include <numeric>

#include "sim/base/error.h"
#include "sim/explore/measured_point.h"

// What `vllm bench serve --save-result` writes: one run, with means; with --save-detailed also the
// lengths of every request.

namespace cleave {

namespace {

bool recognises(const std::string& text) {
  return text.find("\"total_input_tokens\"") != std::string::npos &&
         text.find("\"request_throughput\"") != std::string::npos;
}

std::vector<MeasuredPoint> read(const std::string& file, const MeasuredSources&) {
  const Json run = load_json(file);
  if (!run.is_object()) throw InputError(file + ": expected an object, as vllm bench serve writes");
  const auto text = [&](const char* key) {
    const Json value = run.value(key, Json());
    return value.is_string() ? value.get<std::string>() : std::string();
  };
  const auto number = [&](const char* key) -> std::optional<double> {
    const Json value = run.value(key, Json());
    return value.is_number() ? std::optional(value.get<double>()) : std::nullopt;
  };
  const auto needed = [&](const char* key) {
    const auto value = number(key);
    if (!value || *value <= 0) {
      throw InputError(file + ": " + key + ": expected a number above 0");
    }
    return *value;
  };
  MeasuredPoint point;
  point.id = file;
  point.engine = text("backend").starts_with("sglang") ? "sglang" : "vllm";
  point.llm = known_llm(text("model_id"));
  const double completed = needed("completed");
  Json workload{{"trace", nullptr},
                {"prompt_tokens", std::lround(needed("total_input_tokens") / completed)},
                {"output_tokens", std::lround(needed("total_output_tokens") / completed)},
                {"requests", std::lround(completed)}};
  point.assumed = "all requests as long as the mean";
  const auto most = number("max_concurrency");
  const auto rate = number("request_rate");
  if (most) {
    point.concurrency = static_cast<std::uint32_t>(*most);
    workload["arrivals"] = "closed";
    workload["concurrency"] = point.concurrency;
  } else if (rate) {
    workload["arrivals"] = "poisson";
    workload["rate_rps"] = *rate;
  } else {
    workload["arrivals"] = "infinite";
  }
  constexpr double kMilli = 1e-3;
  const auto seconds = [&](const char* key) -> std::optional<double> {
    const auto value = number(key);
    return value ? std::optional(*value * kMilli) : std::nullopt;
  };
  point.measured = {seconds("mean_ttft_ms"), seconds("mean_tpot_ms"), seconds("mean_e2el_ms"),
                    number("output_throughput")};
  point.scenario = {{"latency", {{"policy", "engine"}, {"engine", point.engine}}},
                    {"scheduler", {{"policy", "token_jsq"}}},
                    {"workload", workload}};
  if (!point.llm.empty()) point.scenario["llm"] = point.llm;
  return {point};
}

}  // namespace

const MeasuredFormat kBenchServe{recognises, read};

}  // namespace cleave
