// Figures: what there is to know of each follows from one row of a table.

#include "sim/metrics/figures.h"

#include <algorithm>
#include <map>
#include <set>

#include "sim/explore/metric_columns.h"
#include "sim/metrics/units.h"
#include "sim/report/figure_text.h"
#include "tests/catch.h"
#include "tests/support/simulation.h"

namespace cleave {

namespace {

/// The paths of all values of a summary, a distribution or a list that is drawn being one value.
void add_paths(const Json& at, const std::string& path, std::set<std::string>& paths) {
  if (at.is_object() && !at.contains("p99.9") && path != "units") {
    for (const auto& [key, value] : at.items()) {
      add_paths(value, path.empty() ? key : path + "." + key, paths);
    }
  } else if (at.is_array() && (at.empty() || at[0].is_object())) {
    for (const Json& one : at) add_paths(one, path + "[]", paths);
  } else {
    paths.insert(path);
  }
}

std::set<std::string> known_paths() {
  std::set<std::string> paths;
  for (const Figure& figure : figures()) CHECK(paths.insert(figure.path).second);
  return paths;
}

/// Runs that have between them all that a summary can have.
std::vector<Json> summaries() {
  return {
      simulate_changes({{"workload", {{"duration_s", 5}, {"rate_rps", 20}}},
                        {"kv_cache", {{"blocks", 60}}},
                        {"power", {{"budget_w", 1e5}}},
                        {"prices", "lambda-on-demand"}}),
      simulate_changes({{"workload", {{"duration_s", 1}, {"sessions", {{"turns", 2}}}}},
                        {"batching", {{"policy", "vllm"}}},
                        {"kv_cache", {{"prefix_caching", true}, {"tiers", {{{"tier", "host"}}}}}},
                        {"slo", "none"}}),
      simulate_changes({{"workload", {{"duration_s", 5}, {"rate_rps", 20}}},
                        {"scaling", {{"policy", "reactive"}}},
                        {"classes", {{{"name", "a"}, {"share", 1}}, {{"name", "b"}, {"share", 2}}}},
                        {"power", {{"usd_per_kwh", 0.1}, {"g_co2_per_kwh", 300}, {"pue", 1.2}}}})};
}

bool matches(const std::string& name, const std::string& pattern) {
  if (pattern.starts_with('*')) return name.ends_with(pattern.substr(1));
  if (pattern.ends_with('*')) return name.starts_with(pattern.substr(0, pattern.size() - 1));
  return name == pattern;
}

/// What stands between `separator`s.
std::vector<std::string> parts(const std::string& text, const std::string& separator) {
  std::vector<std::string> all;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = std::min(text.find(separator, at), text.size());
    all.push_back(text.substr(at, end - at));
    at = end + separator.size();
  }
  return all;
}

/// One of the few things that a table needs to hold figures of.
struct Kettle {
  double water_l;
  double power_w;
};

const FigureTable<Kettle>& kettle_figures() {
  static const FigureTable<Kettle> table{
      {"power_w", "W", "what it draws", [](const Kettle& kettle) { return kettle.power_w; }},
      {"minutes_to_boil", "min", "boil_minutes", better::less("1%"), "from 20 to 100 degrees",
       [](const Kettle& kettle) {
         return kettle.power_w > 0 ? std::optional(kettle.water_l * 80 * 4186 / kettle.power_w / 60)
                                   : std::nullopt;
       }}};
  return table;
}

}  // namespace

TEST_CASE("every value of a summary is a figure, and every figure is a value of some summary") {
  const std::set<std::string> known = known_paths();
  std::set<std::string> seen;
  for (const Json& summary : summaries()) {
    std::set<std::string> paths;
    add_paths(summary, "", paths);
    for (const std::string& path : paths) {
      INFO(path);
      const auto below = known.lower_bound(path + ".");
      const bool object = below != known.end() && below->starts_with(path + ".");
      CHECK(known.contains(path) != object);
      if (!object) seen.insert(path);
    }
  }
  CHECK(seen == known);
}

TEST_CASE("every figure says what it is") {
  for (const FigureGroup& group : figure_groups()) {
    for (const Figure& figure : group.figures) {
      INFO(group.name << ": " << figure.path);
      CHECK_FALSE(figure.meaning.empty());
      CHECK(figure.meaning.find_first_of("|\n") == std::string::npos);
      const bool compared = !figure.better.within.empty();
      CHECK((!compared || figure.better.way != Better::kNeither));
      CHECK(figure.better.statistics.empty() == !(compared && figure.distribution));
      for (const std::string& statistic : figure.better.statistics) {
        CHECK(std::count(kStatistics.begin(), kStatistics.end(), statistic) == 1);
      }
    }
  }
}

TEST_CASE("every unit of a figure is known") {
  std::set<std::string> known;
  for (const Unit& unit : units()) known.insert(unit.symbol);
  for (const FigureGroup& group : figure_groups()) {
    for (const Figure& figure : group.figures) {
      INFO(group.name << ": " << figure.path << ": " << figure.unit);
      for (const std::string& part : parts(figure.unit, ", ")) {
        CHECK(known.contains(part.starts_with("or ") ? part.substr(3) : part));
      }
    }
  }
}

TEST_CASE("what a summary says of units is what its figures say") {
  // Of names that several patterns fit, the longest pattern says the unit.
  const auto said = [](const std::string& name) {
    std::pair<std::size_t, std::string> longest;
    for (const Unit& unit : units()) {
      for (const std::string& pattern : parts(unit.names, ", ")) {
        if (matches(name, pattern)) longest = std::max(longest, {pattern.size(), unit.symbol});
      }
    }
    return longest.second;
  };
  // The patterns are too wide for these, and stay as long as the version of the summary's schema.
  const std::map<std::string, std::string> wrong{
      {"requests_per_usd", "$"}, {"price_per_hour", "$"}, {"bandwidth_bytes_per_s", "tokens/s"}};
  for (const Figure& figure : figures()) {
    const std::string name = figure.path.substr(figure.path.rfind('.') + 1);
    const std::string unit = said(name);
    INFO(figure.path << ": " << figure.unit << ", " << unit);
    if (unit.empty()) continue;
    CHECK((unit == parts(figure.unit, ", ").front() ||
           (wrong.contains(name) && wrong.at(name) == unit)));
  }
}

TEST_CASE("a figure is one row: its value, its column and its description follow") {
  const FigureTable<Kettle>& table = kettle_figures();
  CHECK(table.json(Kettle{1.5, 2000}).dump() == R"({"power_w":2000.0,"minutes_to_boil":4.186})");
  CHECK(table.json(Kettle{1.5, 0}).dump() == R"({"power_w":0.0,"minutes_to_boil":null})");

  std::string csv = table.csv_header();
  table.add_csv_line(csv, {1.5, 2000}, Digits::kFewest);
  table.add_csv_line(csv, {1.5, 0}, Digits::kSeventeen);
  CHECK(csv == "power_w,minutes_to_boil\n2000,4.186\n0,\n");

  CHECK(figures_markdown({"kettle.csv", table.figures()}) ==
        "<!-- figures of kettle.csv, by: cleave list figures --markdown -->\n\n"
        "| column | unit | definition |\n| --- | --- | --- |\n"
        "| `power_w` | W | what it draws |\n"
        "| `minutes_to_boil` | min | from 20 to 100 degrees |\n");
  CHECK(figures_text({{"kettle.csv", table.figures()}}) ==
        "kettle.csv\n"
        "  power_w (W): what it draws\n"
        "  minutes_to_boil (min; less is better; compared within 1%; column\n"
        "      boil_minutes): from 20 to 100 degrees\n");
}

TEST_CASE("a table holds objects, lists, distributions and what may be left out") {
  struct Kitchen {
    std::vector<Kettle> kettles;
    std::optional<Kettle> best;
    Quantiles waits;
  };
  const FigureTable<Kitchen> table{
      {"kettles[]", kettle_figures(),
       [](const Kitchen& kitchen) { return kettle_figures().json(kitchen.kettles); }},
      {"best", kettle_figures(),
       [](const Kitchen& kitchen) { return kettle_figures().json(kitchen.best); }},
      {"wait", "s", "wait", better::less(), "for tea",
       [](const Kitchen& kitchen) { return &kitchen.waits; }},
      {"curve", "", "left out where nobody waits", [](const Kitchen& kitchen) {
         return kitchen.waits.count() > 0 ? kitchen.waits.cumulative(1)
                                          : Json(Json::value_t::discarded);
       }}};
  std::vector<std::string> paths;
  for (const Figure& figure : table.figures()) paths.push_back(figure.path);
  CHECK(paths == std::vector<std::string>{"kettles[].power_w", "kettles[].minutes_to_boil",
                                          "best.power_w", "best.minutes_to_boil", "wait", "curve"});
  CHECK(table.figures()[4].distribution);

  Kitchen kitchen{{{1, 1000}}, {}, {}};
  Json json = table.json(kitchen);
  CHECK(json["kettles"][0]["power_w"] == 1000);
  CHECK(json["best"].is_null());
  CHECK(json["wait"]["count"] == 0);
  CHECK_FALSE(json.contains("curve"));
  kitchen.waits.add(5);
  kitchen.best = {1, 3000};
  json = table.json(kitchen);
  CHECK(json["best"]["power_w"] == 3000);
  CHECK(json["wait"]["p99.9"] == 5);
  CHECK(json["curve"].size() == 2);
}

TEST_CASE("columns of a results database: one for a number, ten for a distribution, and of pools") {
  std::map<std::string, std::string> where;
  for (const MetricColumn& column : metric_columns(2))
    where[column.name] = column.where.to_string();
  CHECK(where["cost_per_hour"] == "/cost/price_per_hour");
  CHECK(where["ttft_p99_9"] == "/ttft/p99.9");
  CHECK(where["busiest_link_bytes"] == "/links/0/bytes");
  CHECK(where["pool1_utilization"] == "/pools/1/utilization");
  CHECK_FALSE(where.contains("pool2_utilization"));
}

}  // namespace cleave
