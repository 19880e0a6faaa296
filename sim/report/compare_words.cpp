#include "sim/report/compare_words.h"

#include <cmath>
#include <cstdio>

#include "sim/report/table.h"

namespace cleave::comparison {

bool several_seeds(const Json& comparison) { return comparison["seeds"] > 1; }

std::string text_of(const Json& json, const char* key) { return json[key].get<std::string>(); }

bool comparable(const Json& comparison) { return comparison["outcome"] != "not_comparable"; }

namespace {

std::string signed_figure(double value) {
  return (value < 0 ? "-" : "+") + figure(std::abs(value));
}

/// " (5 seeds, 95 % sure)", where there are several.
std::string seeds_text(const Json& comparison) {
  if (!several_seeds(comparison)) return "";
  constexpr double kPercent = 100;
  char sure[32];
  std::snprintf(sure, sizeof sure, "%.4g", kPercent * comparison["confidence"].get<double>());
  return " (" + comparison["seeds"].dump() + " seeds, " + sure + " % sure)";
}

/// "; latencies of the base are estimated", where they are.
std::string estimates(const Json& comparison) {
  const bool base = comparison["base"]["estimated"];
  const bool changed = comparison["new"]["estimated"];
  if (!base && !changed) return "";
  return std::string("; latencies of ") +
         (base && changed ? "both"
          : base          ? "the base"
                          : "the new one") +
         " are estimated";
}

}  // namespace

std::string value_text(const Json& value) {
  if (value.is_boolean()) return value.get<bool>() ? "yes" : "no";
  return value.is_number() ? figure(value.get<double>()) : "-";
}

std::string change_text(const Json& row) {
  if (row["base"].is_boolean() || row["change"].is_null()) return "-";
  const double change = row["change"];
  if (change == 0) return "0";
  constexpr double kPercent = 100;
  const std::string sign = change > 0 ? "+" : "-";
  if (row["relative"].is_null()) return sign + figure(std::abs(change));
  return sign + figure(std::abs(row["relative"].get<double>()) * kPercent) + " %";
}

std::string interval_text(const Json& row) {
  if (row["interval"].is_null()) return "-";
  const double low = row["interval"][0];
  const double high = row["interval"][1];
  const double change = row["change"];
  if (row["relative"].is_null() || change == 0) {
    return low == high ? "-" : signed_figure(low) + " to " + signed_figure(high);
  }
  constexpr double kPercent = 100;
  const double percent = kPercent * row["relative"].get<double>() / change;
  return signed_figure(low * percent) + " % to " + signed_figure(high * percent) + " %";
}

std::string verdict_line(const Json& comparison) {
  if (!comparable(comparison)) return "Not comparable: " + text_of(comparison, "reason");
  const std::size_t metrics = comparison["metrics"].size();
  std::size_t beyond = 0;
  std::string kinds;
  for (const char* verdict : {"better", "worse", "changed"}) {
    const std::size_t count = comparison[verdict];
    beyond += count;
    if (count == 0) continue;
    kinds += kinds.empty() ? ": " : ", ";
    kinds += std::to_string(count) + " " + (verdict[0] == 'c' ? "neither" : verdict);
  }
  const std::string noise = several_seeds(comparison) ? " or noise" : "";
  const std::string end = seeds_text(comparison) + estimates(comparison);
  if (beyond == 0) {
    return "All " + std::to_string(metrics) + " metrics are within their tolerance" + noise + end;
  }
  return std::to_string(beyond) + " of " + std::to_string(metrics) +
         " metrics changed beyond their tolerance" + noise + kinds + end;
}

std::string change_line(const Json& row) {
  return text_of(row, "verdict") + ": " + value_text(row["base"]) + " -> " +
         value_text(row["new"]) + " (" + change_text(row) + ", tolerance " +
         text_of(row, "tolerance") + ")";
}

std::string valid_utf8(const std::string& text) {
  return Json::parse(readable_json(text)).get<std::string>();
}

}  // namespace cleave::comparison
