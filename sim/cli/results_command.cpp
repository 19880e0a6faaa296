#include <iostream>
#include <memory>

#include "sim/base/error.h"
#include "sim/cli/command.h"
#include "sim/explore/results_query.h"
#include "sim/explore/results_store.h"
#include "sim/report/table.h"

namespace cleave {

namespace {

struct Options {
  std::string file;
  ResultsQuery query;
  bool csv = false;
  bool json = false;
  std::string merge_out;
  std::vector<std::string> merge_in;
};

std::string csv_cell(const Json& value) {
  if (value.is_null()) return "";
  if (!value.is_string()) return value.dump();
  const std::string& text = value.get_ref<const std::string&>();
  if (text.find_first_of(",\"\n\r") == std::string::npos) return text;
  std::string quoted = "\"";
  for (const char c : text) quoted += c == '"' ? std::string("\"\"") : std::string(1, c);
  return quoted + "\"";
}

void print_csv(const std::vector<Json>& cells) {
  for (std::size_t i = 0; i < cells.size(); ++i) {
    std::cout << (i == 0 ? "" : ",") << csv_cell(cells[i]);
  }
  std::cout << '\n';
}

void export_csv(const Options& options) {
  read_results(
      options.file, options.query,
      [](const std::vector<std::string>& columns) {
        print_csv(std::vector<Json>(columns.begin(), columns.end()));
      },
      print_csv);
}

void export_json(const Options& options) {
  std::vector<std::string> names;
  bool first = true;
  std::cout << "[";
  read_results(
      options.file, options.query,
      [&](const std::vector<std::string>& columns) { names = columns; },
      [&](const std::vector<Json>& cells) {
        Json row = Json::object();
        for (std::size_t i = 0; i < cells.size(); ++i) {
          // Scenarios and summaries are stored as text.
          const bool document = names[i] == "scenario" || names[i] == "summary";
          row[names[i]] = document && cells[i].is_string()
                              ? parse_json(cells[i].get_ref<const std::string&>(),
                                           options.file + ": " + names[i])
                              : cells[i];
        }
        std::cout << (first ? "\n" : ",\n") << readable_json(row);
        first = false;
      });
  std::cout << "\n]\n";
}

std::string shown(const Json& value) {
  if (value.is_null()) return "";
  if (value.is_string()) return value.get<std::string>();
  return value.is_number_integer() ? value.dump() : figure(value.get<double>());
}

void list(Options options) {
  const bool chosen = !options.query.columns.empty();
  if (!chosen) options.query.columns = main_columns(options.file);
  std::vector<std::vector<std::string>> rows;
  bool errors = false;
  const auto add = [&](std::vector<std::string> row) { rows.push_back(std::move(row)); };
  read_results(options.file, options.query, add, [&](const std::vector<Json>& cells) {
    std::vector<std::string> row;
    row.reserve(cells.size());
    for (const Json& value : cells) row.push_back(shown(value));
    errors = errors || !row.back().empty();
    add(std::move(row));
  });
  // The last of the usual columns is for errors.
  if (!chosen && !errors) {
    for (auto& row : rows) row.pop_back();
  }
  Table table(rows.front());
  for (std::size_t i = 1; i < rows.size(); ++i) table.add(rows[i]);
  std::cout << table.text();
}

int show(const Options& options) {
  if (options.file.empty()) throw InputError("results: expected a database, or merge");
  if (options.csv) {
    export_csv(options);
  } else if (options.json) {
    export_json(options);
  } else {
    list(options);
  }
  return 0;
}

int merge(const Options& options) {
  const MergeCount count = merge_results(options.merge_out, options.merge_in);
  std::cout << options.merge_out << ": " << count.merged << " of " << count.points << " points\n";
  return 0;
}

void add_results(CLI::App& app, Action& action) {
  auto options = std::make_shared<Options>();
  CLI::App* results = app.add_subcommand(
      "results", with_example("Lists, filters and exports the results of a sweep.",
                              "cleave results results.db --where \"ttft_p99 < 1 and slo_holds = "
                              "true\" --sort cost_per_hour"));
  results->add_option("DB", options->file, "database that cleave sweep has made");
  results->add_option("--where", options->query.where, "condition on columns, as in SQL")
      ->type_name("CONDITION");
  results->add_option("--columns", options->query.columns, "which columns to show: a,b,c")
      ->delimiter(',');
  results->add_option("--sort", options->query.sort, "column to sort by");
  results->add_flag("--descending", options->query.descending, "the largest first");
  results->add_option("--limit", options->query.limit, "most rows to show")->check(WholeNumber(0));
  CLI::Option* csv = results->add_flag("--csv", options->csv, "print CSV, with all columns");
  results->add_flag("--json", options->json, "print JSON, with all columns")->excludes(csv);

  CLI::App* merge_app = results->add_subcommand(
      "merge", with_example("Puts the results of a sweep's shards into one database.",
                            "cleave results merge all.db shard0.db shard1.db"));
  merge_app->add_option("OUT", options->merge_out, "database to make or to add to")->required();
  merge_app->add_option("IN", options->merge_in, "databases of the shards")->required();
  results->callback([options, merge_app, &action] {
    const bool merging = merge_app->parsed();
    action = [options, merging] { return merging ? merge(*options) : show(*options); };
  });
}

const Command kCommand{32, add_results};

}  // namespace

}  // namespace cleave
