#include <iostream>
#include <memory>

#include "sim/base/builtin.h"
#include "sim/base/error.h"
#include "sim/cli/command.h"

namespace cleave {

namespace {

constexpr const char* kFolders[] = {"profiles/gpus",    "profiles/machines", "profiles/llms",
                                    "profiles/latency", "profiles/roofline", "profiles/slos",
                                    "traces",           "profiles/presets",  "profiles/scenarios",
                                    "profiles/plans",   "profiles/sweeps",   "profiles/compare",
                                    "profiles/engines", "profiles/prices"};

int show(const std::string& name) {
  std::vector<std::string> found;
  std::vector<std::string> known;
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
  auto name = std::make_shared<std::string>();
  CLI::App* show_app = app.add_subcommand(
      "show", with_example("Shows a built-in entry: figures, source and date. What it prints is a "
                           "file to start one's own from.",
                           "cleave show rtx-2080-ti"));
  show_app->add_option("NAME", *name, "a name that cleave list shows")->required();
  show_app->callback([name, &action] { action = [name] { return show(*name); }; });
}

const Command kCommand{81, add_show};

}  // namespace

}  // namespace cleave
