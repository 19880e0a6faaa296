#include "sim/report/figure_text.h"

#include "sim/report/table.h"

namespace cleave {

namespace {

/// " (requests/$; more is better; compared within 1%; column requests_per_usd)".
std::string properties(const Figure& figure) {
  const auto& [way, within, statistics] = figure.better;
  std::vector<std::string> parts;
  if (!figure.unit.empty()) parts.push_back(figure.unit);
  if (way != Better::kNeither) {
    parts.emplace_back(way == Better::kMore ? "more is better" : "less is better");
  }
  if (!within.empty()) {
    parts.push_back("compared within " + within);
    for (const std::string& statistic : statistics) {
      parts.back() += (statistic == statistics.front() ? ": " : ", ") + statistic;
    }
  }
  if (!figure.column.empty()) {
    parts.push_back("column " + figure.column + (figure.distribution ? "_*" : ""));
  }
  std::string text;
  for (const std::string& part : parts) text += (text.empty() ? " (" : "; ") + part;
  return text.empty() ? "" : text + ")";
}

std::string without_backticks(std::string markdown) {
  std::erase(markdown, '`');
  return markdown;
}

std::string quoted(const std::string& name) { return "`" + name + "`"; }

std::string unit_cell(const Figure& figure) {
  return figure.unit + (figure.unit.empty() ? "| " : " | ");
}

/// A line that readers of the page do not see, and the heading of a table of three columns.
std::string heading(const std::string& what, const std::string& columns) {
  return "<!-- " + what + ", by: cleave list figures --markdown -->\n\n" + columns +
         "\n| --- | --- | --- |\n";
}

}  // namespace

std::string figures_text(const std::vector<FigureGroup>& groups) {
  std::string text;
  for (const FigureGroup& group : groups) {
    text += group.name + '\n';
    for (const Figure& figure : group.figures) {
      text += wrapped(
          "  " + figure.path + properties(figure) + ": " + without_backticks(figure.meaning) + "\n",
          80, 4);
    }
  }
  return text;
}

std::string figures_markdown(const FigureGroup& group) {
  const bool csv = group.name.ends_with(".csv");
  std::string text = heading("figures of " + group.name,
                             std::string(csv ? "| column" : "| field") + " | unit | definition |");
  for (const Figure& figure : group.figures) {
    text += "| " + quoted(figure.path) + " | " + unit_cell(figure) + figure.meaning + " |\n";
  }
  return text;
}

std::string columns_markdown(const std::vector<Figure>& figures) {
  std::string text =
      heading("columns of a results database", "| column | unit | in summary.json |");
  for (const Figure& figure : figures) {
    const std::string column = with_number(figure.column, "N") + (figure.distribution ? "_*" : "");
    const std::string number = figure.has_column_for_each() ? "[N]" : "[0]";
    const std::string path = with_number(figure.path, number) + (figure.distribution ? ".*" : "");
    text += "| " + quoted(column) + " | " + unit_cell(figure) + quoted(path) + " |\n";
  }
  return text;
}

}  // namespace cleave
