#include "sim/report/aiperf_metrics.h"

#include <array>
#include <cmath>

#include "sim/report/table.h"

namespace cleave {

namespace {

constexpr double kMs = 1000;

struct Metric {
  const char* tag;
  const char* unit;
  const char* ours;  ///< Markdown
  const char* differs;
  /// A distribution in our unit, a number, or null.
  Json (*value)(const RunResult& run);
  double times = 1;  ///< AIPerf's unit is so many of ours
};

double at(const Json& object, const char* key) { return object.at(key).get<double>(); }

/// Of the SLO; null where the run has none.
Json of_slo(const RunResult& run, const char* key) {
  const Json& slo = run.summary.value("slo", Json());
  return slo.is_object() ? slo.value(key, Json()) : Json();
}

double failed(const RunResult& run) {
  return at(run.summary.at("window"), "arrived") - at(run.summary.at("requests"), "measured");
}

const Metric kMetrics[] = {
    {"time_to_first_token", "ms", "`ttft`", "",
     [](const RunResult& r) { return r.summary.at("ttft"); }, kMs},
    {"inter_token_latency", "ms", "`tpot`",
     "a request's mean; left out where `results.tpot` is `per_token`",
     [](const RunResult& r) {
       const Json results = r.scenario.value("results", Json::object());
       return results.value("tpot", "per_gap") == "per_gap" ? r.summary.at("tpot") : Json();
     },
     kMs},
    {"inter_chunk_latency", "ms", "`itl`", "an iteration is a chunk",
     [](const RunResult& r) { return r.summary.at("itl"); }, kMs},
    {"request_latency", "ms", "`e2e`", "", [](const RunResult& r) { return r.summary.at("e2e"); },
     kMs},
    {"input_sequence_length", "tokens", "`prompt_length`", "",
     [](const RunResult& r) { return r.summary.value("prompt_length", Json()); }},
    {"output_sequence_length", "tokens", "`output_length`", "",
     [](const RunResult& r) { return r.summary.value("output_length", Json()); }},
    {"request_count", "requests", "`requests.measured`", "",
     [](const RunResult& r) { return r.summary.at("requests").at("measured"); }},
    {"error_request_count", "requests", "`window.arrived` - `requests.measured`",
     "rejected, or unfinished at the end", [](const RunResult& r) { return Json(failed(r)); }},
    {"request_throughput", "requests/sec", "`served_rps`", "over the measured window",
     [](const RunResult& r) { return r.summary.at("served_rps"); }},
    {"output_token_throughput", "tokens/sec", "`tokens.output_per_s`", "over the measured window",
     [](const RunResult& r) { return r.summary.at("tokens").at("output_per_s"); }},
    {"total_token_throughput", "tokens/sec", "`tokens.prompt_per_s` + `tokens.output_per_s`",
     "over the measured window",
     [](const RunResult& r) {
       const Json& tokens = r.summary.at("tokens");
       return Json(at(tokens, "prompt_per_s") + at(tokens, "output_per_s"));
     }},
    {"good_request_count", "requests", "`slo.attainment` x `window.arrived`",
     "by the limits of the highest percentiles",
     [](const RunResult& r) {
       const Json share = of_slo(r, "attainment");
       if (!share.is_number()) return Json();
       return Json(std::round(share.get<double>() * at(r.summary.at("window"), "arrived")));
     }},
    {"good_request_fraction", "ratio", "`slo.attainment`", "the same",
     [](const RunResult& r) { return of_slo(r, "attainment"); }},
    {"goodput", "requests/sec", "`slo.goodput_rps`", "the same",
     [](const RunResult& r) { return of_slo(r, "goodput_rps"); }},
    {"benchmark_duration", "sec", "`window.to_s` - `window.from_s`",
     "to the last arrival; AIPerf's to the last response", [](const RunResult& r) {
       return Json(at(r.summary.at("window"), "to_s") - at(r.summary.at("window"), "from_s"));
     }}};

/// Ours have the deviation of all values, AIPerf's is that of a sample.
double of_sample(double deviation, double count) {
  return count > 1 ? deviation * std::sqrt(count / (count - 1)) : 0;
}

/// Nothing where there is no value.
Json block(const Metric& metric, const Json& value) {
  if (value.is_number()) return {{"unit", metric.unit}, {"avg", value.get<double>()}};
  if (!value.is_object() || value.value("count", 0) == 0) return {};
  Json block{{"unit", metric.unit}, {"avg", metric.times * at(value, "mean")}};
  for (const char* statistic : {"min", "max", "p50", "p90", "p95", "p99"}) {
    block[statistic] = metric.times * at(value, statistic);
  }
  block["std"] = metric.times * of_sample(at(value, "std"), at(value, "count"));
  block["count"] = value["count"];
  return block;
}

/// What was asked for, where AIPerf says it.
Json input_config(const RunResult& run) {
  Json config = Json::object();
  const Json llm = run.scenario.value("llm", Json());
  if (llm.is_string()) config["endpoint"]["model_names"] = Json::array({llm});
  const Json workload = run.scenario.value("workload", Json::object());
  for (const auto& [ours, theirs] :
       {std::pair{"concurrency", "concurrency"}, std::pair{"rate_rps", "request_rate"}}) {
    const Json value = workload.value(ours, Json());
    if (value.is_number()) config["loadgen"][theirs] = value;
  }
  return config;
}

}  // namespace

Json aiperf_metrics(const RunResult& run) {
  Json all{{"schema_version", "1.5"}, {"input_config", input_config(run)}};
  for (const Metric& metric : kMetrics) {
    Json found = block(metric, metric.value(run));
    if (!found.is_null()) all[metric.tag] = std::move(found);
  }
  return all;
}

std::string aiperf_text(const Json& metrics) {
  constexpr std::array kColumns = {"avg", "min", "max", "p99", "p90", "p50", "std"};
  Table table({"AIPerf's metric", "unit", "avg", "min", "max", "p99", "p90", "p50", "std"}, 2);
  for (const Metric& metric : kMetrics) {
    if (!metrics.contains(metric.tag)) continue;
    const Json& found = metrics[metric.tag];
    std::vector<std::string> row{metric.tag, metric.unit};
    for (const char* column : kColumns) {
      row.push_back(found.contains(column) ? figure(found[column].get<double>()) : "");
    }
    table.add(std::move(row));
  }
  return table.text();
}

std::string aiperf_names() {
  Table table({"AIPerf", "unit", "in summary.json", "differs"}, 4);
  for (const Metric& metric : kMetrics) {
    std::vector<std::string> row{metric.tag, metric.unit, metric.ours, metric.differs};
    for (std::string& cell : row) std::erase(cell, '`');
    table.add(std::move(row));
  }
  return table.text();
}

std::string aiperf_markdown() {
  std::string text =
      "<!-- AIPerf's metrics, by: cleave list aiperf --markdown -->\n\n"
      "| AIPerf | unit | in summary.json | differs |\n| --- | --- | --- | --- |\n";
  for (const Metric& metric : kMetrics) {
    text += std::string("| `") + metric.tag + "` | " + metric.unit + " | " + metric.ours + " | " +
            metric.differs + (*metric.differs == '\0' ? "|\n" : " |\n");
  }
  return text;
}

}  // namespace cleave
