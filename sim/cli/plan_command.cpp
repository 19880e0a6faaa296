#include <iostream>
#include <memory>
#include <optional>

#include "sim/base/error.h"
#include "sim/cli/command.h"
#include "sim/cli/output_file.h"
#include "sim/cli/progress.h"
#include "sim/explore/day_plan.h"
#include "sim/explore/plan.h"
#include "sim/explore/process_pool.h"
#include "sim/report/day_plan_text.h"
#include "sim/report/table.h"

namespace cleave {

namespace {

enum class Estimates : std::uint8_t { kUnsaid, kSaid, kHowSure };

std::string sizes_of(const Json& found, Estimates estimates) {
  std::string text;
  for (const Json& pool : found["pools"]) {
    if (!text.empty()) text += " + ";
    text += std::to_string(pool["count"].get<int>()) + " " + pool["role"].get<std::string>() + " " +
            pool["machine"].get<std::string>() + " tp" +
            std::to_string(pool["tensor_parallel"].get<int>());
    const int stages = pool["pipeline_parallel"].get<int>();
    if (stages > 1) text += " pp" + std::to_string(stages);
  }
  if (estimates != Estimates::kUnsaid && found["estimated"].get<bool>()) {
    const auto sure = found["how_sure"].get<std::string>();
    const bool how = estimates == Estimates::kHowSure && !sure.empty();
    text += " (estimated" + (how ? ": " + sure : "") + ")";
  }
  return text;
}

std::string price_of(const Json& price) {
  return price.is_null() ? "-" : figure(price.get<double>());
}

std::string price_text(const Json& found) {
  if (found["cost_per_hour"].is_null()) return "price unknown";
  return price_of(found["cost_per_hour"]) + " $/h, " +
         price_of(found["cost_per_million_output_tokens"]) + " $ per million output tokens";
}

std::vector<std::string> row_of(const Json& found) {
  constexpr double kKilo = 1000;
  return {found["design"].get<std::string>(),
          sizes_of(found, Estimates::kSaid),
          found["scheduler"].get<std::string>(),
          grouped(found["machines"].get<double>()),
          grouped(found["gpus"].get<double>()),
          price_of(found["cost_per_hour"]),
          price_of(found["cost_per_million_output_tokens"]),
          figure(found["provisioned_w"].get<double>() / kKilo),
          figure(found["rate_rps"].get<double>()),
          percent(found["margin"].get<double>() - 1)};
}

void print_rows(const char* title, const Json& list) {
  Table table({"design", "machines", "scheduler", "in all", "GPUs", "$/h", "$/M output", "kW",
               "requests/s", "margin"},
              3);
  for (const Json& found : list) table.add(row_of(found));
  std::cout << title << '\n' << table.text() << '\n';
}

void print_headroom(const Json& headroom) {
  Table table({"what bounds it", "breaks"}, 2);
  for (const Json& change : headroom) {
    std::string breaks;
    for (const Json& limit : change["breaks"]) {
      breaks += (breaks.empty() ? "" : ", ") + limit.get<std::string>();
    }
    table.add({change["change"].get<std::string>(), breaks.empty() ? "nothing" : breaks});
  }
  std::cout << table.text() << '\n';
}

/// How sure it is that the answer holds.
std::string verified_text(const Json& optimum, std::size_t spare_machines) {
  const Json& verified = optimum["verified"];
  const auto seeds = verified["seeds"].get<std::size_t>();
  return "Verified: every limit holds and no requests pile up in a run of " +
         figure(verified["duration_s"].get<double>()) + " s " +
         (seeds == 1 ? "with one seed" : "with each of " + std::to_string(seeds) + " seeds") +
         " (at least " + grouped(verified["times_e2e_p99"].get<double>()) +
         " times E2E P99; scheduler " + optimum["scheduler"].get<std::string>() + ")" +
         (spare_machines == 0 ? std::string(".")
                              : ", all machines there or " + std::to_string(spare_machines) +
                                    " of any one pool out.");
}

void print_infeasible(const Json& designs) {
  for (const Json& design : designs) {
    std::cout << wrapped("Infeasible: " + design["design"].get<std::string>() + ": " +
                         design["why"].get<std::string>())
              << '\n';
  }
  if (!designs.empty()) std::cout << '\n';
}

/// What it takes where estimated latencies turn out as long as they may.
std::string sure_text(const Json& sure) {
  constexpr double kPercent = 100;
  const std::string times = figure(kPercent * sure["confidence"].get<double>()) + " % sure: ";
  if (sure["optimum"].is_null()) {
    return "To be " + times + "nothing, which " + sure["why"].get<std::string>() + ".";
  }
  const Json& optimum = sure["optimum"];
  return "To be " + times + sizes_of(optimum, Estimates::kUnsaid) + ", " + price_text(optimum) +
         ", for " + figure(optimum["rate_rps"].get<double>()) + " requests/s (latencies " +
         figure(sure["longer"].get<double>()) + " times as long).";
}

void print_plan(const Json& plan) {
  if (plan["optimum"].is_null()) {
    print_infeasible(plan["infeasible"]);
  } else {
    const Json& optimum = plan["optimum"];
    std::cout << "Optimum: " << sizes_of(optimum, Estimates::kHowSure) << ", "
              << price_text(optimum) << '\n';
    if (plan.contains("prices")) {
      std::cout << "Prices: " << plan["prices"].get<std::string>() << '\n';
    }
    const auto spare = plan["spare_machines"].get<std::size_t>();
    std::cout << wrapped(verified_text(plan["optimum"], spare)) << '\n';
    if (!plan["sure"].is_null()) std::cout << wrapped(sure_text(plan["sure"])) << '\n';
    std::cout << '\n';
    if (plan["ties"].size() > 1) print_rows("Equally good, widest margin first:", plan["ties"]);
    print_rows("Best of each design:", plan["designs"]);
    print_infeasible(plan["infeasible"]);
    print_headroom(plan["headroom"]);
  }
  std::cout << "Simulations: " << plan["simulations"] << '\n';
}

constexpr int kNoAnswer = 4;

struct Options {
  std::string file;
  std::optional<std::size_t> parallel;
  std::string out;
  bool json = false;
};

Json search(const Json& plan, const std::string& place, std::size_t parallel) {
  StatusLine status(!is_terminal(2));
  const auto progress = [&](std::size_t simulations) {
    if (!status.due()) return;
    const auto done = static_cast<double>(simulations);
    status.show(grouped(done) + " simulations, " + figure(done / status.seconds()) + "/s");
  };
  if (is_day_plan(plan)) return find_day_plan(plan, place, parallel, progress);
  return find_plan(read_plan(plan, place), parallel, progress);
}

int plan(const Options& options) {
  const Json asked = load_profile("profiles/plans", "plan", options.file, "PLAN");
  const bool day = is_day_plan(asked);
  if (!day) read_plan(asked, options.file);  // what is wrong is said before a file is begun
  std::optional<OutputFile> out;
  if (!options.out.empty()) out.emplace(options.out, "--out");
  const Json found = search(asked, options.file, options.parallel.value_or(usable_cores()));
  if (out) {
    out->stream() << found.dump(1) << '\n';
    out->commit();
  }
  if (options.json) {
    std::cout << found.dump(1) << '\n';
  } else if (!out || !out->is_stdout()) {
    if (day) {
      std::cout << day_plan_text(found);
    } else {
      print_plan(found);
    }
    if (out) std::cout << "Answer in " << options.out << '\n';
  }
  return found["optimum"].is_null() ? kNoAnswer : 0;
}

void add_plan(CLI::App& app, Action& action) {
  auto options = std::make_shared<Options>();
  CLI::App* plan_app = app.add_subcommand(
      "plan", with_example(
                  "Finds the cluster that keeps its objectives at the least cost, power or "
                  "number of machines, or that serves the most within a budget. Exit code: 4 where "
                  "none does.",
                  "cleave plan hh-code-70"));
  plan_app->add_option("PLAN", options->file, "plan (JSON), or the name of a built-in one")
      ->required();
  plan_app
      ->add_option("-j", options->parallel, "simulations at a time; default: the cores there are")
      ->check(WholeNumber(1));
  plan_app->add_option("--out", options->out, "file for the answer (JSON); cleave report shows it")
      ->type_name("FILE");
  plan_app->add_flag("--json", options->json, "print the answer as JSON");
  plan_app->callback([options, &action] { action = [options] { return plan(*options); }; });
}

const Command kCommand{30, add_plan};

}  // namespace

}  // namespace cleave
