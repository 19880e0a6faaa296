#include "sim/report/compare_text.h"
#include "sim/report/compare_words.h"

namespace cleave {

using namespace comparison;

namespace {

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

std::string junit_case(const Json& row) {
  const std::string metric = text_of(row, "metric");
  const std::string verdict = text_of(row, "verdict");
  std::string text = "    <testcase classname=\"cleave.compare\" name=\"" + xml(metric) + "\"";
  if (row["fails"] == false) return text + "/>\n";
  const std::string message = change_line(row);
  text += ">\n      <failure type=\"" + verdict + "\" message=\"" + xml(metric + " " + message);
  return text + "\">base " + row["base"].dump() + ", new " + row["new"].dump() + "; better is " +
         text_of(row, "direction") + "</failure>\n    </testcase>\n";
}

}  // namespace

std::string compare_junit(const Json& comparison) {
  const bool can = comparable(comparison);
  std::string cases;
  for (const Json& row : comparison["metrics"]) {
    cases += junit_case(row);
  }
  if (!can) {
    cases =
        "    <testcase classname=\"cleave.compare\" name=\"comparable\">\n"
        "      <error type=\"not_comparable\" message=\"" +
        xml(verdict_line(comparison)) + "\"/>\n    </testcase>\n";
  }
  const std::size_t tests = can ? comparison["metrics"].size() : 1;
  const std::string counts = "tests=\"" + std::to_string(tests) + "\" failures=\"" +
                             comparison["failures"].dump() + "\" errors=\"" + (can ? "0" : "1") +
                             "\"";
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
