#include "sim/explore/compare.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <filesystem>
#include <optional>
#include <set>
#include <string_view>

#include "sim/base/child_process.h"
#include "sim/base/error.h"
#include "sim/scenario/pool_latency.h"
#include "sim/scenario/resolve.h"
#include "sim/simulation.h"

namespace cleave {

namespace {

namespace fs = std::filesystem;

/// As policies name each Better::Way.
const std::vector<std::string> kDirections{"lower", "higher", "either"};

Tolerance parse_tolerance(std::string_view text, const std::string& place) {
  Tolerance tolerance;
  std::string_view digits = text;
  tolerance.relative = digits.ends_with('%');
  if (tolerance.relative) digits.remove_suffix(1);
  const char* end = digits.data() + digits.size();
  const auto [rest, error] = std::from_chars(digits.data(), end, tolerance.amount);
  const bool number = error == std::errc() && rest == end && std::isfinite(tolerance.amount);
  if (!number || tolerance.amount < 0) {
    throw InputError(place + ": expected a share such as 1% or an amount such as 0.05, found \"" +
                     std::string(text) + "\"");
  }
  constexpr double kPercent = 100;
  if (tolerance.relative) tolerance.amount /= kPercent;
  return tolerance;
}

Tolerance read_tolerance(JsonReader& rule) {
  const Json& value = rule.value("tolerance");
  if (value.is_number()) return {rule.number("tolerance", kNonNegative), false};
  return parse_tolerance(rule.text("tolerance"), rule.path_of("tolerance"));
}

std::string tolerance_text(const Tolerance& tolerance) {
  constexpr double kPercent = 100;
  const double amount = tolerance.relative ? tolerance.amount * kPercent : tolerance.amount;
  char digits[32];
  std::snprintf(digits, sizeof digits, "%.6g", amount);
  return std::string(digits) + (tolerance.relative ? "%" : "");
}

/// The value at `path`, null where a part of the path is null, nothing where there is none. Keys
/// may hold dots themselves ("p99.9"), so the longest that fits is taken.
const Json* find_metric(const Json& at, std::string_view path) {
  if (path.empty() || at.is_null()) return &at;
  if (at.is_array() && path.front() == '[') {
    std::size_t index = 0;
    const char* end = path.data() + path.size();
    const auto [rest, error] = std::from_chars(path.data() + 1, end, index);
    if (error != std::errc() || rest == end || *rest != ']' || index >= at.size()) return nullptr;
    path.remove_prefix(static_cast<std::size_t>(rest + 1 - path.data()));
    if (path.starts_with('.')) path.remove_prefix(1);
    return find_metric(at[index], path);
  }
  if (!at.is_object()) return nullptr;
  for (std::size_t end = path.size(); end > 0; --end) {
    if (end < path.size() && path[end] != '.' && path[end] != '[') continue;
    const auto found = at.find(std::string(path.substr(0, end)));
    if (found == at.end()) continue;
    path.remove_prefix(end);
    if (path.starts_with('.')) path.remove_prefix(1);
    return find_metric(*found, path);
  }
  return nullptr;
}

/// The metrics that a summary has, for suggestions.
void list_metrics(const Json& at, const std::string& path, std::vector<std::string>& metrics) {
  static const std::set<std::string> not_compared{
      "schema_version",   "cdf",  "over_time", "batch_tokens_cdf", "rejected_requests",
      "slowest_requests", "units"};
  if (at.is_number() || at.is_boolean()) metrics.push_back(path);
  for (const auto& [key, value] : at.items()) {
    if (at.is_array()) list_metrics(value, path + "[" + key + "]", metrics);
    if (!at.is_object() || not_compared.contains(key)) continue;
    list_metrics(value, path.empty() ? key : path + "." + key, metrics);
  }
}

[[noreturn]] void throw_unknown_metric(const MetricRule& rule, const Json& summary) {
  std::vector<std::string> known;
  list_metrics(summary, "", known);
  const std::string near = nearest_name(rule.metric, known);
  throw InputError(rule.place + ": unknown metric \"" + rule.metric + "\"" +
                   (near.empty() ? "; expected a number of summary.json, such as ttft.p99"
                                 : "; did you mean \"" + near + "\"?"));
}

/// A number, true and false as 1 and 0, or nothing where the run has no such value.
std::optional<double> metric_value(const Json* found, const MetricRule& rule) {
  if (found == nullptr || found->is_null()) return {};
  if (found->is_boolean()) return found->get<bool>() ? 1 : 0;
  if (found->is_number()) return found->get<double>();
  throw InputError(rule.place + ": \"" + rule.metric + "\" is " + json_kind(*found) +
                   "; expected a number of summary.json, such as ttft.p99");
}

bool beyond(double base, double changed, const Tolerance& tolerance) {
  const double allowed = tolerance.relative ? tolerance.amount * std::abs(base) : tolerance.amount;
  // Exactly the tolerance is still within it, whatever the last binary digit says.
  constexpr double kRounding = 1e-12;
  const double slack = kRounding * std::max(std::abs(base), std::abs(changed));
  return changed != base && std::abs(changed - base) > allowed + (allowed > 0 ? slack : 0);
}

/// The row of one metric; nothing where neither run has it.
std::optional<Json> compare_metric(const Json& base, const Json& changed, const MetricRule& rule) {
  const Json* before = find_metric(base, rule.metric);
  const Json* after = find_metric(changed, rule.metric);
  if (before == nullptr && after == nullptr) throw_unknown_metric(rule, base);
  const auto old_value = metric_value(before, rule);
  const auto new_value = metric_value(after, rule);
  if (!old_value && !new_value) return {};
  Json row{{"metric", rule.metric},
           {"direction", kDirections[rule.better]},
           {"tolerance", tolerance_text(rule.tolerance)},
           {"base", old_value ? *before : Json()},
           {"new", new_value ? *after : Json()},
           {"change", nullptr},
           {"relative", nullptr},
           {"verdict", "changed"}};
  if (!old_value || !new_value) return row;
  const double change = *new_value - *old_value;
  row["change"] = change;
  if (*old_value != 0) row["relative"] = change / std::abs(*old_value);
  if (!beyond(*old_value, *new_value, rule.tolerance)) {
    row["verdict"] = "same";
  } else if (rule.better != Better::kNeither) {
    row["verdict"] = (change < 0) == (rule.better == Better::kLess) ? "better" : "worse";
  }
  return row;
}

/// Why two runs cannot be compared; "" if they can.
std::string why_not(const ComparedRun& base, const ComparedRun& changed, bool same_scenario) {
  const auto differ = [&](const char* key) { return base.summary[key] != changed.summary[key]; };
  const auto both = [&](const char* key) {
    return " (" + base.summary[key].dump() + " in " + base.name + ", " +
           changed.summary[key].dump() + " in " + changed.name + ")";
  };
  if (differ("schema_version")) {
    return "their summaries have different schemas" + both("schema_version");
  }
  if (differ("workload_hash")) {
    return "they served different workloads, or the same with another seed" + both("workload_hash");
  }
  if (base.summary["requests"]["arrived"] != changed.summary["requests"]["arrived"]) {
    return "they served different requests under the same workload; the trace has changed between "
           "the runs";
  }
  if (same_scenario && differ("scenario_hash")) {
    return "they are runs of different scenarios" + both("scenario_hash");
  }
  return "";
}

Json identity(const ComparedRun& run) {
  return {{"name", run.name},
          {"schema_version", run.summary["schema_version"]},
          {"workload_hash", run.summary["workload_hash"]},
          {"scenario_hash", run.summary["scenario_hash"]},
          {"estimated", run.summary.value("estimated", Json()) == true}};
}

/// A summary has what identifies its run; nothing else is taken for granted.
void check_summary(const Json& summary, const std::string& name) {
  JsonReader reader(summary, name);
  reader.number("schema_version");
  reader.text("workload_hash");
  reader.text("scenario_hash");
  reader.object("requests").number("arrived");
}

/// What the user gave: a run with its summary, or a scenario and no summary.
struct Input {
  ComparedRun run;
  std::optional<Scenario> scenario;
};

Input read_input(const std::string& name) {
  std::string file = name;
  std::error_code ignored;
  if (fs::is_directory(name, ignored)) {
    file = (fs::path(name) / "summary.json").string();
    if (!fs::exists(file, ignored)) {
      throw InputError(name +
                       ": has no summary.json; expected a folder of results, a summary or a "
                       "scenario");
    }
  }
  Input input{{name, load_json(file)}, {}};
  const Json& document = input.run.summary;
  if (file != name || (document.is_object() && document.contains("schema_version"))) {
    check_summary(document, file);
    return input;
  }
  ScenarioSources sources;
  sources.file = name;
  try {
    input.scenario = read_scenario(merge_scenario(sources));
    ProfileUse().add(*input.scenario).check();
  } catch (const InputError& error) {
    const std::string what = error.what();
    throw InputError(what.starts_with(name) ? what : name + ": " + what);
  }
  return input;
}

}  // namespace

ComparePolicy read_compare_policy(const std::string& name) {
  const Json document = load_profile("profiles/compare", "policy", name, "--policy");
  JsonReader reader(document, name);
  reader.text("summary", "");
  JsonReader metrics = reader.object("metrics");
  reader.finish();
  ComparePolicy policy;
  for (const auto& [metric, unused] : document["metrics"].items()) {
    JsonReader rule = metrics.object(metric);
    const std::string direction = rule.name("direction", "direction", kDirections);
    const auto at = std::find(kDirections.begin(), kDirections.end(), direction);
    const Tolerance tolerance = read_tolerance(rule);
    rule.finish();
    policy.push_back({metric, static_cast<Better::Way>(at - kDirections.begin()), tolerance, name});
  }
  return policy;
}

void set_tolerance(ComparePolicy& policy, const std::string& setting) {
  const std::size_t equals = setting.rfind('=');
  if (equals == std::string::npos || equals == 0) {
    throw InputError("--tolerance " + setting + ": expected METRIC=1%, as in ttft.p99=1%");
  }
  const std::string metric = setting.substr(0, equals);
  const std::string place = "--tolerance " + setting;
  const Tolerance tolerance = parse_tolerance(setting.substr(equals + 1), place);
  const auto find = [&](ComparePolicy& rules) {
    return std::find_if(rules.begin(), rules.end(),
                        [&](const MetricRule& rule) { return rule.metric == metric; });
  };
  const auto known = find(policy);
  if (known != policy.end()) {
    known->tolerance = tolerance;
    return;
  }
  ComparePolicy usual = read_compare_policy("default");
  const auto rule = find(usual);
  policy.push_back(
      {metric, rule == usual.end() ? Better::kNeither : rule->better, tolerance, place});
}

std::vector<ComparedRun> load_compared(const std::string& base, const std::string& changed) {
  std::vector<Input> inputs;
  inputs.push_back(read_input(base));
  inputs.push_back(read_input(changed));
  std::vector<std::optional<ChildProcess>> children(inputs.size());
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    if (!inputs[i].scenario) continue;
    children[i].emplace(
        [&scenario = *inputs[i].scenario] { return Simulation(scenario).alone().run().dump(); });
  }
  std::vector<ComparedRun> runs;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    runs.push_back(std::move(inputs[i].run));
    if (!children[i]) continue;
    try {
      runs[i].summary = parse_json(children[i]->result(), runs[i].name);
    } catch (const InputError& error) {
      throw InputError(runs[i].name + ": " + error.what());
    }
  }
  return runs;
}

Json compare_runs(const ComparedRun& base, const ComparedRun& changed, const ComparePolicy& policy,
                  bool same_scenario) {
  Json result{{"base", identity(base)},
              {"new", identity(changed)},
              {"outcome", "not_comparable"},
              {"reason", why_not(base, changed, same_scenario)},
              {"better", 0},
              {"worse", 0},
              {"changed", 0},
              {"metrics", Json::array()}};
  if (result["reason"] != "") return result;
  for (const MetricRule& rule : policy) {
    const std::optional<Json> row = compare_metric(base.summary, changed.summary, rule);
    if (!row) continue;
    result["metrics"].push_back(*row);
    const std::string verdict = (*row)["verdict"];
    if (verdict != "same") result[verdict] = result[verdict].get<int>() + 1;
  }
  const bool same = result["better"] == 0 && result["worse"] == 0 && result["changed"] == 0;
  result["outcome"] = same ? "same" : "changed";
  return result;
}

}  // namespace cleave
