#include <algorithm>
#include <iostream>
#include <memory>

#include "sim/base/builtin.h"
#include "sim/base/error.h"
#include "sim/base/reference.h"
#include "sim/cli/command.h"
#include "sim/cli/reference_text.h"

namespace cleave {

namespace {

constexpr const char* kFolders[] = {"profiles/gpus",    "profiles/machines", "profiles/llms",
                                    "profiles/latency", "profiles/roofline", "profiles/slos",
                                    "traces",           "profiles/presets",  "profiles/scenarios",
                                    "profiles/plans",   "profiles/sweeps",   "profiles/compare",
                                    "profiles/engines", "profiles/prices"};

struct Options {
  std::string name;
  std::string part;
  bool markdown = false;
};

int show_reference(const Options& options) {
  const auto& [name, part, markdown] = options;
  if (markdown && !part.empty()) {
    throw InputError("show " + name + " " + part + " --markdown: expected no part: all is shown");
  }
  std::cout << (markdown ? reference_markdown(name)
                         : reference_text(name, part, "show " + name + " " + part));
  return 0;
}

int show(const Options& options) {
  const std::string& name = options.name;
  std::vector<std::string> known = Reference::documents();
  if (std::find(known.begin(), known.end(), name) != known.end()) return show_reference(options);
  if (!options.part.empty() || options.markdown) {
    throw InputError("show " + name + (options.markdown ? " --markdown" : " " + options.part) +
                     ": expected scenario, plan, sweep, trace or profile, which alone have " +
                     (options.markdown ? "tables" : "parts"));
  }
  std::vector<std::string> found;
  for (const std::string folder : kFolders) {
    const std::string path = folder + "/" + name + ".json";
    if (builtin_file(path)) found.push_back(path);
    for (const std::string& other : builtin_names(folder)) known.push_back(other);
  }
  if (found.empty()) throw_unknown_name("show", "name", name, known);
  for (const std::string& path : found) {
    if (found.size() > 1) std::cout << path << ":\n";
    std::cout << *builtin_file(path);
  }
  return 0;
}

void add_show(CLI::App& app, Action& action) {
  auto options = std::make_shared<Options>();
  CLI::App* show_app = app.add_subcommand(
      "show", with_example("Shows what a scenario, plan, sweep, trace or profile can say: each key "
                           "with default, unit, range and meaning. Or shows a built-in entry, "
                           "figures, source and date: a file to start one's own from.",
                           "cleave show scenario workload"));
  show_app
      ->add_option("NAME", options->name,
                   "scenario, plan, sweep, trace, profile, or a name that cleave list shows")
      ->required();
  show_app->add_option("PART", options->part, "only a section of it, or a key: pools.count");
  show_app->add_flag("--markdown", options->markdown, "as the pages of the documentation");
  show_app->callback([options, &action] { action = [options] { return show(*options); }; });
}

const Command kCommand{81, add_show};

}  // namespace

}  // namespace cleave
