#include "sim/report/benchmark_report.h"

#include <array>

#include "sim/base/program.h"
#include "sim/report/table.h"
#include "sim/scenario/resolve.h"

namespace cleave {

namespace {

const char* kTool = "cleave";

/// The statistics of a distribution under the schema's names; null where there is none.
Json statistics(const Json& distribution, const char* units) {
  constexpr std::array<std::pair<const char*, const char*>, 9> kNames{{{"mean", "mean"},
                                                                       {"std", "stddev"},
                                                                       {"min", "min"},
                                                                       {"p50", "p50"},
                                                                       {"p90", "p90"},
                                                                       {"p95", "p95"},
                                                                       {"p99", "p99"},
                                                                       {"p99.9", "p99p9"},
                                                                       {"max", "max"}}};
  if (!distribution.is_object() || !distribution.value("mean", Json()).is_number()) return {};
  Json all{{"units", units}};
  for (const auto& [ours, theirs] : kNames) all[theirs] = distribution.at(ours);
  return all;
}

Json rate(const Json& value, const char* units) {
  return value.is_number() ? Json{{"units", units}, {"mean", value}} : Json();
}

/// Leaves out what is not known.
Json known(Json object) {
  for (auto at = object.begin(); at != object.end();) {
    at = at->is_null() ? object.erase(at) : std::next(at);
  }
  return object;
}

/// The name of an engine that is simulated, and the versions that it was fitted to.
std::pair<std::string, std::string> engine_of(const Json& scenario) {
  const Json named = scenario.value("latency", Json::object()).value("engine", Json());
  const Json policy = scenario.value("batching", Json::object()).value("policy", Json());
  const std::string engine = named.is_string()    ? named.get<std::string>()
                             : policy.is_string() ? policy.get<std::string>()
                                                  : "unknown";
  if (!named.is_string()) return {engine, "unknown"};
  const Json profile = load_profile("profiles/engines", "engine", engine, "latency.engine");
  return {engine, profile.value("versions", "unknown")};
}

/// A pool as the schema's inference engine.
Json component(const RunResult& run, std::size_t index) {
  const Json& pool = run.summary.at("pools")[index];
  const Json& document = run.scenario.at("pools").at(index);
  const auto role = pool.at("role").get<std::string>();
  const auto [engine, versions] = engine_of(run.scenario);
  const Json machine = document.value("machine", Json());
  const Json profile = machine.is_string() ? load_profile("profiles/machines", "machine",
                                                          machine.get<std::string>(), "machine")
                                           : machine;
  const Json gpu = profile.is_object() ? profile.value("gpu", Json()) : Json();
  const Json llm = run.scenario.value("llm", Json());
  const Json data = pool.at("data_parallel");
  return {{"metadata",
           {{"label", role + "-" + std::to_string(index)},
            {"cfg_id", scenario_hash(document)},
            {"description", "simulated, not measured"}}},
          {"standardized",
           {{"kind", "inference_engine"},
            {"tool", engine},
            {"tool_version", versions},
            {"role", role == "prompt"  ? "prefill"
                     : role == "token" ? "decode"
                                       : "replica"},
            {"replicas", pool.at("instances")},
            {"model", {{"name", llm.is_string() ? llm : Json("custom")}}},
            {"accelerator",
             {{"model", gpu.is_string() ? gpu : pool.at("machine")},
              {"count", pool.at("gpus")},
              {"parallelism",
               {{"tp", pool.at("tensor_parallel")},
                {"dp", data},
                {"dp_local", data},
                {"workers", 1},
                {"ep", pool.at("expert_parallel")},
                {"pp", pool.at("pipeline_parallel")}}}}}}},
          {"native", {{"config", document}}}};
}

/// "fixed" where every request has the same length.
Json length(const Json& workload, const char* setting, const Json& distribution) {
  if (workload.contains(setting) && !workload.contains("length_range")) {
    return {{"distribution", "fixed"}, {"value", workload[setting]}};
  }
  const bool there = distribution.is_object() && distribution.value("mean", Json()).is_number();
  if (!there) return {{"distribution", "other"}, {"value", 0}};
  return {{"distribution", workload.contains(setting) ? "uniform" : "other"},
          {"value", distribution.at("mean")},
          {"min", static_cast<std::int64_t>(distribution.at("min").get<double>())},
          {"max", static_cast<std::int64_t>(distribution.at("max").get<double>())}};
}

Json load(const RunResult& run) {
  const Json& workload = run.scenario.at("workload");
  const Json rate_rps = workload.value("rate_rps", Json());
  const Json concurrency = workload.value("concurrency", Json());
  Json standardized{{"tool", kTool},
                    {"tool_version", program_version()},
                    {"source", workload.contains("trace") ? "sampled" : "random"},
                    {"input_seq_len",
                     length(workload, "prompt_tokens", run.summary.value("prompt_length", Json()))},
                    {"output_seq_len", length(workload, "output_tokens",
                                              run.summary.value("output_length", Json()))}};
  if (rate_rps.is_number()) standardized["rate_qps"] = rate_rps;
  if (concurrency.is_number()) standardized["concurrency"] = concurrency;
  return {{"metadata", {{"cfg_id", run.summary.value("workload_hash", Json())}}},
          {"standardized", standardized},
          {"native", {{"config", workload}}}};
}

Json performance(const Json& summary) {
  const Json& requests = summary.at("requests");
  const Json& tokens = summary.at("tokens");
  const double per_s =
      tokens.at("prompt_per_s").get<double>() + tokens.at("output_per_s").get<double>();
  return {{"requests",
           known({{"total", requests.at("arrived")},
                  {"failures", requests.at("rejected")},
                  {"incomplete", requests.at("unfinished")},
                  {"input_length", statistics(summary.value("prompt_length", Json()), "count")},
                  {"output_length", statistics(summary.value("output_length", Json()), "count")}})},
          {"latency", known({{"time_to_first_token", statistics(summary.at("ttft"), "s")},
                             {"time_per_output_token", statistics(summary.at("tpot"), "s/token")},
                             {"inter_token_latency", statistics(summary.at("itl"), "s/token")},
                             {"request_latency", statistics(summary.at("e2e"), "s")}})},
          {"throughput", known({{"input_token_rate", rate(tokens.at("prompt_per_s"), "tokens/s")},
                                {"output_token_rate", rate(tokens.at("output_per_s"), "tokens/s")},
                                {"total_token_rate", rate(per_s, "tokens/s")},
                                {"request_rate", rate(summary.at("served_rps"), "queries/s")}})}};
}

}  // namespace

Json benchmark_report(const RunResult& run) {
  Json stack = Json::array();
  for (std::size_t i = 0; i < run.summary.at("pools").size(); ++i)
    stack.push_back(component(run, i));
  const double length_s = run.summary.at("duration_s").get<double>();
  return {{"version", "0.2"},
          {"run",
           {{"uid", "cleave-" +
                        scenario_hash({run.scenario, run.summary.value("cleave_version", Json())})},
            {"eid", run.summary.value("scenario_hash", Json())},
            {"time", {{"duration", "PT" + Json(length_s).dump() + "S"}}},
            {"description", run.name + ": simulated by Cleave, not measured"},
            {"keywords", {"simulated", kTool}}}},
          {"scenario", {{"stack", stack}, {"load", load(run)}}},
          {"results", {{"request_performance", {{"aggregate", performance(run.summary)}}}}}};
}

}  // namespace cleave
