#include "sim/report/compare_text.h"

#include "sim/report/compare_words.h"
#include "sim/report/table.h"

namespace cleave {

using namespace comparison;

std::string compare_text(const Json& comparison) {
  if (!comparable(comparison)) return verdict_line(comparison) + "\n";
  const bool several = several_seeds(comparison);
  const auto with_interval = [&](std::vector<std::string> row, const std::string& interval) {
    constexpr std::ptrdiff_t kBehindChange = 4;
    if (several) row.insert(row.begin() + kBehindChange, interval);
    return row;
  };
  Table table(with_interval(
      {"metric", "base", "new", "change", "tolerance", "better is", "verdict"}, "interval"));
  for (const Json& row : comparison["metrics"]) {
    table.add(with_interval(
        {text_of(row, "metric"), value_text(row["base"]), value_text(row["new"]), change_text(row),
         text_of(row, "tolerance"), text_of(row, "direction"), text_of(row, "verdict")},
        interval_text(row)));
  }
  return table.text() + "\n" + verdict_line(comparison) + "\n";
}

}  // namespace cleave
