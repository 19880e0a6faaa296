#include <string_view>
#include <vector>

#include "sim/report/compare_text.h"
#include "sim/report/compare_words.h"

namespace cleave {

using namespace comparison;

namespace {

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

bool is_change(const Json& row) { return row["verdict"] != "same" && row["verdict"] != "noise"; }

std::string cells(const std::vector<std::string>& row) {
  std::string line = "|";
  for (const std::string& cell : row) line += " " + cell + " |";
  return line + "\n";
}

std::string markdown_table(const std::vector<const Json*>& rows, bool several) {
  const std::string interval = several ? " interval |" : "";
  const std::string line = several ? " --: |" : "";
  std::string text = "| metric | base | new | change |" + interval +
                     " tolerance | verdict |\n| :-- | --: | --: | --: |" + line + " --: | :-- |\n";
  for (const Json* row : rows) {
    const std::string verdict = text_of(*row, "verdict");
    std::vector<std::string> line_of{markdown(text_of(*row, "metric")), value_text((*row)["base"]),
                                     value_text((*row)["new"]), change_text(*row)};
    if (several) line_of.push_back(interval_text(*row));
    line_of.push_back(text_of(*row, "tolerance"));
    line_of.push_back(is_change(*row) ? "**" + verdict + "**" : verdict);
    text += cells(line_of);
  }
  return text;
}

/// A value of a workflow command; in a property, colons and commas mean something too.
std::string command_text(const std::string& text, bool property) {
  std::string escaped;
  for (const char c : valid_utf8(text)) {
    if (c == '%') {
      escaped += "%25";
    } else if (c == '\r') {
      escaped += "%0D";
    } else if (c == '\n') {
      escaped += "%0A";
    } else if (property && c == ':') {
      escaped += "%3A";
    } else if (property && c == ',') {
      escaped += "%2C";
    } else {
      escaped += c;
    }
  }
  return escaped;
}

std::string annotation(const std::string& kind, const std::string& title, const std::string& text) {
  return "::" + kind + " title=" + command_text(title, true) + "::" + command_text(text, false) +
         "\n";
}

}  // namespace

std::string compare_markdown(const Json& comparison) {
  std::string text = "### cleave compare: " + markdown(text_of(comparison["base"], "name")) +
                     " → " + markdown(text_of(comparison["new"], "name")) + "\n\n" +
                     markdown(verdict_line(comparison)) + ".\n";
  std::vector<const Json*> changes;
  std::vector<const Json*> others;
  for (const Json& row : comparison["metrics"]) (is_change(row) ? changes : others).push_back(&row);
  const bool several = several_seeds(comparison);
  if (!changes.empty()) text += "\n" + markdown_table(changes, several);
  if (!others.empty()) {
    text +=
        "\n<details><summary>" + std::to_string(others.size()) +
        (several ? " metrics within their tolerance or noise" : " metrics within their tolerance") +
        "</summary>\n\n" + markdown_table(others, several) + "\n</details>\n";
  }
  return text;
}

std::string compare_annotations(const Json& comparison) {
  const std::string title = "cleave compare";
  if (!comparable(comparison)) return annotation("error", title, verdict_line(comparison));
  std::string text;
  for (const Json& row : comparison["metrics"]) {
    if (!is_change(row)) continue;
    const bool fails = row["fails"];
    text += annotation(fails ? "error" : "notice", title + ": " + text_of(row, "metric"),
                       change_line(row));
  }
  return text + valid_utf8(verdict_line(comparison)) + "\n";
}

}  // namespace cleave
