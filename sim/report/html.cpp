#include "sim/report/html.h"

#include <array>

#include "sim/base/builtin.h"
#include "sim/base/error.h"
#include "sim/scenario/resolve.h"

namespace cleave {

namespace {

constexpr std::string_view kFolder = "sim/report/page/";
/// In the order in which they need each other.
constexpr std::array kScripts = {"dom.js", "charts.js", "run.js", "runs.js", "sweep.js", "main.js"};
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
  for (const char c : json.dump()) {
    if (c == '<') {
      safe += "\\u003c";
    } else {
      safe += c;
    }
  }
  return safe;
}

std::string page(const Json& results) {
  std::string code;
  for (const char* script : kScripts) code += part(script);
  const auto library = builtin_file(kLibrary);
  const std::vector<std::pair<std::string_view, std::string>> values = {
      {"@nonce@", scenario_hash(results)},
      {"@version@", CLEAVE_VERSION},
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
      for (Json& pool : summary["pools"]) {
        pool.erase("over_time");
        pool.erase("batch_tokens_cdf");
      }
    }
    results["runs"].push_back(
        {{"name", run.name}, {"summary", std::move(summary)}, {"scenario", run.scenario}});
  }
  results["name"] = names;
  return page(results);
}

std::string sweep_page(const std::string& name, const Json& points) {
  return page({{"kind", "sweep"}, {"name", name}, {"points", points}});
}

}  // namespace cleave
