#include "sim/report/html.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <set>

#include "sim/base/builtin.h"
#include "sim/base/error.h"
#include "sim/base/version.h"
#include "sim/report/sources.h"
#include "sim/scenario/resolve.h"

namespace cleave {

namespace {

constexpr std::string_view kFolder = "sim/report/page/";
/// In the order in which they need each other.
constexpr std::array kScripts = {"dom.js",   "charts.js", "facts.js",      "latency.js",
                                 "pools.js", "day.js",    "run.js",        "runs.js",
                                 "sweep.js", "rates.js",  "heat.js",       "points.js",
                                 "plan.js",  "plans.js",  "validation.js", "main.js"};
constexpr std::string_view kMetrics = "metrics";
constexpr std::string_view kLibrary = "build/echarts/echarts.min.js";

std::string part(std::string_view name) {
  const std::string path = std::string(kFolder) + std::string(name);
  const auto text = builtin_file(path);
  if (!text) broken_invariant("no built-in file " + path);
  return std::string(*text);
}

/// JSON that stands in a script element: "<" would let text in it end the element.
std::string embedded(const Json& json) {
  std::string safe;
  for (const char c : readable_json(json)) {
    if (c == '<') {
      safe += "\\u003c";
    } else {
      safe += c;
    }
  }
  return safe;
}

/// Metrics that the page has no use for; there are many, and a sweep can have many points.
bool left_out(const std::string& metric) {
  constexpr std::array kEndings = {"_count", "_std",   "_min",    "_max",     "_p95",
                                   "_p99_9", "_p99.9", "_tokens", "_measured"};
  const bool price = metric.starts_with("usd_");
  return !price && std::any_of(kEndings.begin(), kEndings.end(),
                               [&](const char* ending) { return metric.ends_with(ending); });
}

/// Six digits are more than a page shows, and half as long.
Json rounded(const Json& value) {
  if (!value.is_number_float()) return value;
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%.6g", value.get<double>());
  return std::strtod(text.data(), nullptr);
}

/// What stands under `key` of the points, by name: [{"name": ..., "values": [one a point]}].
Json columns(const Json& points, std::string_view key) {
  std::vector<std::string> names;
  std::set<std::string> known;
  for (const Json& point : points) {
    if (!point.contains(key) || !point[key].is_object()) continue;
    for (const auto& [name, value] : point[key].items()) {
      if ((key != kMetrics || !left_out(name)) && known.insert(name).second) names.push_back(name);
    }
  }
  Json all = Json::array();
  for (const std::string& name : names) {
    Json values = Json::array();
    for (const Json& point : points) {
      const bool there = point.contains(key) && point[key].is_object() && point[key].contains(name);
      values.push_back(there ? rounded(point[key][name]) : Json());
    }
    all.push_back({{"name", name}, {"values", std::move(values)}});
  }
  return all;
}

std::string page(const Json& results) {
  std::string code;
  for (const char* script : kScripts) code += part(script);
  const auto library = builtin_file(kLibrary);
  const std::vector<std::pair<std::string_view, std::string>> values = {
      {"@nonce@", scenario_hash(results)},
      {"@version@", kVersion},
      {"@style@", part("style.css")},
      {"@credits@", library ? "Charts: Apache ECharts, Apache License 2.0." : ""},
      {"@data@", embedded(results)},
      {"@library@", std::string(library.value_or(""))},
      {"@code@", code}};
  // In one pass, so that a marker within a value stays text.
  const std::string frame = part("page.html");
  std::string html;
  for (std::size_t at = 0; at < frame.size();) {
    bool found = false;
    for (const auto& [marker, value] : values) {
      if (frame.compare(at, marker.size(), marker) != 0) continue;
      html += value;
      at += marker.size();
      found = true;
      break;
    }
    if (!found) html += frame[at++];
  }
  return html;
}

/// The scenarios of what a plan has found, which name its machines.
std::vector<Json> found_scenarios(const Json& plan) {
  std::vector<Json> all;
  for (const Json& found : plan.value("designs", Json::array())) {
    all.push_back(plan.at("scenario"));
    all.back()["pools"] = found.value("pools", Json::array());
  }
  if (all.empty()) all.push_back(plan.at("scenario"));
  return all;
}

Json sources_of_plans(const std::vector<Json>& plans) {
  std::vector<Json> scenarios;
  for (const Json& plan : plans) {
    for (Json& scenario : found_scenarios(plan)) scenarios.push_back(std::move(scenario));
  }
  std::vector<const Json*> all;
  for (const Json& scenario : scenarios) all.push_back(&scenario);
  return sources_of(all);
}

}  // namespace

std::string runs_page(const std::vector<RunResult>& runs) {
  Json results{{"kind", "runs"}, {"name", ""}, {"runs", Json::array()}};
  std::string names;
  for (const RunResult& run : runs) {
    names += (names.empty() ? "" : ", ") + run.name;
    Json summary = run.summary;
    if (runs.size() > 1) {
      // What the comparison does not show would only make the page heavy.
      summary.erase("slowest_requests");
      summary.erase("links");
      for (Json& pool : summary.at("pools")) {
        pool.erase("over_time");
        pool.erase("batch_tokens_cdf");
      }
    }
    results["runs"].push_back(
        {{"name", run.name}, {"summary", std::move(summary)}, {"scenario", run.scenario}});
  }
  results["name"] = names;
  std::vector<const Json*> scenarios;
  for (const RunResult& run : runs) scenarios.push_back(&run.scenario);
  results["sources"] = sources_of(scenarios);
  return page(results);
}

std::string broken_limit(const Json& slo) {
  if (!slo.is_object() || slo.value("holds", true)) return "";
  const Json* worst = nullptr;
  double most = 0;
  for (const Json& limit : slo.at("limits")) {
    if (limit.at("holds").get<bool>() || !limit.at("value").is_number()) continue;
    const double times = limit.at("value").get<double>() / limit.at("limit").get<double>();
    if (times <= most) continue;
    worst = &limit;
    most = times;
  }
  if (worst == nullptr) return "requests not served";
  return worst->at("metric").get<std::string>() + " " + worst->at("percentile").get<std::string>();
}

std::string sweep_page(const std::string& name, const Json& points) {
  Json results{
      {"kind", "sweep"}, {"name", name}, {"numbers", Json::array()}, {"errors", Json::array()}};
  for (const Json& point : points) {
    results["numbers"].push_back(point.value("point", Json()));
    results["errors"].push_back(point.value("error", Json()));
  }
  results["parameters"] = columns(points, "parameters");
  results["metrics"] = columns(points, kMetrics);
  return page(results);
}

std::string validation_page(const std::string& name, Json validation) {
  validation["name"] = name;
  return page(validation);
}

std::string plan_page(const std::string& name, Json plan) {
  plan["name"] = name;
  plan["sources"] = sources_of_plans({plan});
  return page(plan);
}

std::string plans_page(const std::vector<std::string>& names, std::vector<Json> plans) {
  Json results{{"kind", "plans"}, {"name", ""}, {"sources", sources_of_plans(plans)}};
  std::string all;
  for (std::size_t i = 0; i < plans.size(); ++i) {
    all += (all.empty() ? "" : ", ") + names[i];
    plans[i]["name"] = names[i];
    // Of what was simulated the page shows the designs alone.
    for (Json& candidate : plans[i]["candidates"]) candidate = {{"design", candidate["design"]}};
    results["plans"].push_back(std::move(plans[i]));
  }
  results["name"] = all;
  return page(results);
}

}  // namespace cleave
