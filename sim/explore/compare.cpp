#include "sim/explore/compare.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <optional>
#include <utility>

#include "sim/base/error.h"
#include "sim/explore/paired.h"
#include "sim/explore/summary_path.h"

namespace cleave {

namespace {

/// What a metric was in the two runs of one seed: a number, true or false; null where a run has no
/// such value.
struct Pair {
  Json base;
  Json changed;
};

/// A metric in all runs.
struct Measured {
  const MetricRule* rule;
  std::vector<Pair> pairs;

  bool any() const {
    return has([](const Pair& pair) { return !pair.base.is_null() || !pair.changed.is_null(); });
  }
  bool lost() const {
    return has([](const Pair& pair) { return !pair.base.is_null() && pair.changed.is_null(); });
  }
  bool gained() const {
    return has([](const Pair& pair) { return pair.base.is_null() && !pair.changed.is_null(); });
  }

 private:
  template <class Test>
  bool has(const Test& test) const {
    return std::any_of(pairs.begin(), pairs.end(), test);
  }
};

[[noreturn]] void throw_unknown_metric(const MetricRule& rule, const Json& summary) {
  const std::string near = nearest_name(rule.metric, numbers_of_summary(summary));
  throw InputError(rule.place + ": unknown metric \"" + rule.metric + "\"" +
                   (near.empty() ? "; expected a number of summary.json, such as ttft.p99"
                                 : "; did you mean \"" + near + "\"?"));
}

Json metric_value(const Json* found, const MetricRule& rule) {
  if (found == nullptr || found->is_null()) return nullptr;
  if (found->is_boolean() || found->is_number()) return *found;
  throw InputError(rule.place + ": \"" + rule.metric + "\" is " + json_kind(*found) +
                   "; expected a number of summary.json, such as ttft.p99");
}

Measured measure(const ComparedRuns& base, const ComparedRuns& changed, const MetricRule& rule) {
  Measured measured{&rule, {}};
  for (std::size_t i = 0; i < base.summaries.size(); ++i) {
    const Json* before = find_in_summary(base.summaries[i], rule.metric);
    const Json* after = find_in_summary(changed.summaries[i], rule.metric);
    if (before == nullptr && after == nullptr) throw_unknown_metric(rule, base.summaries[i]);
    measured.pairs.push_back({metric_value(before, rule), metric_value(after, rule)});
  }
  return measured;
}

/// True and false as 1 and 0.
double number_of(const Json& value) {
  return value.is_boolean() ? static_cast<double>(value.get<bool>()) : value.get<double>();
}

bool beyond(double base, double changed, const Tolerance& tolerance) {
  const double allowed = tolerance.allowed(base);
  // Exactly the tolerance is still within it, whatever the last binary digit says.
  constexpr double kRounding = 1e-12;
  const double slack = kRounding * std::max(std::abs(base), std::abs(changed));
  return changed != base && std::abs(changed - base) > allowed + (allowed > 0 ? slack : 0);
}

double mean_of(const std::vector<double>& values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

/// What is shown of one side: the value of one run as it is, the mean of several.
Json shown(const std::vector<Pair>& pairs, Json Pair::*side) {
  if (pairs.size() == 1) return pairs.front().*side;
  std::vector<double> values;
  for (const Pair& pair : pairs) {
    if (!(pair.*side).is_null()) values.push_back(number_of(pair.*side));
  }
  return values.empty() ? Json() : Json(mean_of(values));
}

std::string verdict_on(double change, Better::Way better) {
  if (better == Better::kNeither) return "changed";
  return (change < 0) == (better == Better::kLess) ? "better" : "worse";
}

/// The part of a row that needs both values in the same run.
void compare_pairs(const Measured& measured, double confidence, Json& row) {
  std::vector<double> before;
  std::vector<double> after;
  std::vector<double> differences;
  for (const Pair& pair : measured.pairs) {
    if (pair.base.is_null()) continue;
    before.push_back(number_of(pair.base));
    after.push_back(number_of(pair.changed));
    differences.push_back(after.back() - before.back());
  }
  const double base = mean_of(before);
  const double change = mean_of(differences);
  row["change"] = change;
  if (base != 0) row["relative"] = change / std::abs(base);
  row["verdict"] = "same";
  const bool several = measured.pairs.size() > 1;
  std::optional<Interval> interval;
  if (differences.size() > 1) {
    interval = mean_interval(differences, confidence);
    row["interval"] = {interval->low, interval->high};
  }
  if (!beyond(base, mean_of(after), measured.rule->tolerance)) return;
  const bool by_chance = several && (!interval || interval->contains(0));
  row["verdict"] = by_chance ? "noise" : verdict_on(change, measured.rule->better);
}

Json row_of(const Measured& measured, double confidence) {
  const MetricRule& rule = *measured.rule;
  Json row{{"metric", rule.metric},
           {"direction", direction_name(rule.better)},
           {"tolerance", rule.tolerance.text()},
           {"base", shown(measured.pairs, &Pair::base)},
           {"new", shown(measured.pairs, &Pair::changed)},
           {"change", nullptr},
           {"relative", nullptr},
           {"interval", nullptr},
           {"verdict", "changed"}};
  if (measured.lost() || measured.gained()) {
    if (measured.lost() && rule.better != Better::kNeither) row["verdict"] = "worse";
  } else {
    compare_pairs(measured, confidence, row);
  }
  return row;
}

bool fails(const std::string& verdict, FailOn fail_on) {
  if (fail_on == FailOn::kNever) return false;
  if (verdict == "worse") return true;
  return fail_on == FailOn::kChange && verdict != "same" && verdict != "noise";
}

/// Why the runs of one seed cannot be compared; "" if they can.
std::string why_not(const ComparedRuns& base, const ComparedRuns& changed, std::size_t run,
                    bool same_scenario) {
  const Json& before = base.summaries[run];
  const Json& after = changed.summaries[run];
  const auto differ = [&](const char* key) { return before[key] != after[key]; };
  const auto both = [&](const char* key) {
    return " (" + before[key].dump() + " in " + base.name + ", " + after[key].dump() + " in " +
           changed.name + ")";
  };
  if (differ("schema_version")) {
    return "their summaries have different schemas" + both("schema_version");
  }
  if (differ("workload_hash")) {
    return "they served different workloads, or the same with another seed" + both("workload_hash");
  }
  if (before["requests"]["arrived"] != after["requests"]["arrived"]) {
    return "they served different requests under the same workload; the trace has changed between "
           "the runs";
  }
  if (same_scenario && differ("scenario_hash")) {
    return "they are runs of different scenarios" + both("scenario_hash");
  }
  return "";
}

std::string why_not(const ComparedRuns& base, const ComparedRuns& changed, bool same_scenario) {
  for (std::size_t run = 0; run < base.summaries.size(); ++run) {
    const std::string why = why_not(base, changed, run, same_scenario);
    if (!why.empty()) return why;
  }
  return "";
}

/// Of several, the first: they differ in the seed alone.
Json identity(const ComparedRuns& runs) {
  const Json& summary = runs.summaries.front();
  return {{"name", runs.name},
          {"schema_version", summary["schema_version"]},
          {"workload_hash", summary["workload_hash"]},
          {"scenario_hash", summary["scenario_hash"]},
          {"estimated", summary.value("estimated", Json()) == true}};
}

}  // namespace

Json compare_runs(const ComparedRuns& base, const ComparedRuns& changed,
                  const ComparePolicy& policy, const CompareOptions& options) {
  const std::size_t seeds = base.summaries.size();
  Json result{{"base", identity(base)},
              {"new", identity(changed)},
              {"outcome", "not_comparable"},
              {"reason", why_not(base, changed, options.same_scenario)},
              {"seeds", seeds},
              {"confidence", seeds > 1 ? Json(options.confidence) : Json()},
              {"better", 0},
              {"worse", 0},
              {"changed", 0},
              {"failures", 0},
              {"metrics", Json::array()}};
  if (result["reason"] != "") return result;
  std::vector<Measured> all;
  for (const MetricRule& rule : policy) {
    Measured measured = measure(base, changed, rule);
    if (measured.any()) all.push_back(std::move(measured));
  }
  const double each = 1 - (1 - options.confidence) / static_cast<double>(all.size());
  for (const Measured& measured : all) {
    Json row = row_of(measured, each);
    const std::string verdict = row["verdict"];
    row["fails"] = fails(verdict, options.fail_on);
    if (row["fails"] == true) result["failures"] = result["failures"].get<int>() + 1;
    if (result.contains(verdict)) result[verdict] = result[verdict].get<int>() + 1;
    result["metrics"].push_back(std::move(row));
  }
  const bool same = result["better"] == 0 && result["worse"] == 0 && result["changed"] == 0;
  result["outcome"] = same ? "same" : "changed";
  return result;
}

}  // namespace cleave
