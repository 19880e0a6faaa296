#include "sim/report/compare_text.h"

#include <cmath>
#include <cstdio>

#include "sim/report/table.h"

namespace cleave {

namespace {

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

std::string text_of(const Json& json, const char* key) { return json[key].get<std::string>(); }

bool comparable(const Json& comparison) { return comparison["outcome"] != "not_comparable"; }

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

/// "2 of 24 metrics changed beyond their tolerance: 1 better, 1 worse".
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
  if (beyond == 0) {
    return "All " + std::to_string(metrics) + " metrics are within their tolerance" +
           estimates(comparison);
  }
  return std::to_string(beyond) + " of " + std::to_string(metrics) +
         " metrics changed beyond their tolerance" + kinds + estimates(comparison);
}

/// Bytes that are no UTF-8 (file names may have them) are replaced.
std::string valid_utf8(const std::string& text) {
  return Json::parse(readable_json(text)).get<std::string>();
}

/// For the content and the attributes of XML 1.0, which knows no control characters.
std::string xml(const std::string& text) {
  std::string escaped;
  for (const char c : valid_utf8(text)) {
    switch (c) {
      case '&':
        escaped += "&amp;";
        break;
      case '<':
        escaped += "&lt;";
        break;
      case '>':
        escaped += "&gt;";
        break;
      case '"':
        escaped += "&quot;";
        break;
      case '\'':
        escaped += "&apos;";
        break;
      case '\t':
        escaped += "&#9;";
        break;
      case '\n':
        escaped += "&#10;";
        break;
      case '\r':
        escaped += "&#13;";
        break;
      default:
        escaped += static_cast<unsigned char>(c) < ' ' ? '?' : c;
    }
  }
  return escaped;
}

/// Text that means nothing to Markdown, on one line of a table.
std::string markdown(const std::string& text) {
  std::string escaped;
  for (const char c : valid_utf8(text)) {
    if (c == '\n' || c == '\r') {
      escaped += ' ';
      continue;
    }
    if (std::string_view("\\`*_[]<>|#&").find(c) != std::string_view::npos) escaped += '\\';
    escaped += c;
  }
  return escaped;
}

std::string junit_case(const Json& row) {
  const std::string metric = text_of(row, "metric");
  const std::string verdict = text_of(row, "verdict");
  std::string text = "    <testcase classname=\"cleave.compare\" name=\"" + xml(metric) + "\"";
  if (verdict == "same") return text + "/>\n";
  const std::string message = verdict + ": " + value_text(row["base"]) + " -> " +
                              value_text(row["new"]) + " (" + change_text(row) + ", tolerance " +
                              text_of(row, "tolerance") + ")";
  text += ">\n      <failure type=\"" + verdict + "\" message=\"" + xml(metric + " " + message);
  return text + "\">base " + row["base"].dump() + ", new " + row["new"].dump() + "; better is " +
         text_of(row, "direction") + "</failure>\n    </testcase>\n";
}

}  // namespace

std::string compare_text(const Json& comparison) {
  if (!comparable(comparison)) return verdict_line(comparison) + "\n";
  Table table({"metric", "base", "new", "change", "tolerance", "better is", "verdict"});
  for (const Json& row : comparison["metrics"]) {
    table.add({text_of(row, "metric"), value_text(row["base"]), value_text(row["new"]),
               change_text(row), text_of(row, "tolerance"), text_of(row, "direction"),
               text_of(row, "verdict")});
  }
  return table.text() + "\n" + verdict_line(comparison) + "\n";
}

std::string compare_markdown(const Json& comparison) {
  std::string text = "### cleave compare: " + markdown(text_of(comparison["base"], "name")) +
                     " → " + markdown(text_of(comparison["new"], "name")) + "\n\n" +
                     markdown(verdict_line(comparison)) + ".\n";
  if (!comparable(comparison)) return text;
  text +=
      "\n| metric | base | new | change | tolerance | verdict |\n"
      "| :-- | --: | --: | --: | --: | :-- |\n";
  for (const Json& row : comparison["metrics"]) {
    const std::string verdict = text_of(row, "verdict");
    text += "| " + markdown(text_of(row, "metric")) + " | " + value_text(row["base"]) + " | " +
            value_text(row["new"]) + " | " + change_text(row) + " | " + text_of(row, "tolerance") +
            " | " + (verdict == "same" ? verdict : "**" + verdict + "**") + " |\n";
  }
  return text;
}

std::string compare_junit(const Json& comparison) {
  const bool can = comparable(comparison);
  std::size_t failures = 0;
  std::string cases;
  for (const Json& row : comparison["metrics"]) {
    cases += junit_case(row);
    failures += row["verdict"] == "same" ? 0 : 1;
  }
  if (!can) {
    cases =
        "    <testcase classname=\"cleave.compare\" name=\"comparable\">\n"
        "      <error type=\"not_comparable\" message=\"" +
        xml(verdict_line(comparison)) + "\"/>\n    </testcase>\n";
  }
  const std::size_t tests = can ? comparison["metrics"].size() : 1;
  const std::string counts = "tests=\"" + std::to_string(tests) + "\" failures=\"" +
                             std::to_string(failures) + "\" errors=\"" + (can ? "0" : "1") + "\"";
  const auto property = [&](const char* key) {
    return "      <property name=\"" + std::string(key) + "\" value=\"" +
           xml(text_of(comparison[key], "name")) + "\"/>\n";
  };
  return "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites " + counts +
         ">\n  <testsuite name=\"cleave compare\" " + counts + ">\n    <properties>\n" +
         property("base") + property("new") + "    </properties>\n" + cases +
         "  </testsuite>\n</testsuites>\n";
}

}  // namespace cleave
