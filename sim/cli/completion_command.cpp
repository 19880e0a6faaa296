#include <iostream>
#include <map>
#include <string>
#include <vector>

#include "sim/base/builtin.h"
#include "sim/base/reference.h"
#include "sim/cli/command.h"
#include "traces/write.h"

namespace cleave {

namespace {

using Names = std::vector<std::string>;

/// The options whose values are names; of all others that take a value it is a file.
Names value_names(const std::string& option) {
  static const std::map<std::string, std::string> folders{{"run --preset", "profiles/presets"},
                                                          {"run --trace", "traces"},
                                                          {"compare --policy", "profiles/compare"}};
  const auto folder = folders.find(option);
  if (folder != folders.end()) return builtin_names(folder->second);
  return option.starts_with("trace ") && option.ends_with(" --format") ? writable_formats()
                                                                       : Names{};
}

/// What the argument of a command may be in the place of a file.
Names argument_names(const std::string& command) {
  static const std::map<std::string, std::string> folders{
      {"run", "profiles/scenarios"}, {"plan", "profiles/plans"}, {"sweep", "profiles/sweeps"}};
  const auto folder = folders.find(command);
  return folder == folders.end() ? Names{} : builtin_names(folder->second);
}

std::string joined(const Names& words) {
  std::string text;
  for (const std::string& word : words) text += (text.empty() ? "" : " ") + word;
  return text;
}

std::string below(const std::string& path, const std::string& name) {
  return path.empty() ? name : path + " " + name;
}

/// The parts of the script that depend on the commands, as branches of `case`.
struct Branches {
  std::string commands;  ///< what leads on to another subcommand
  std::string values;    ///< options that take a value
  std::string words;     ///< what may come next
};

void add_branches(const CLI::App& app, const std::string& path, Branches& branches) {
  Names options;
  bool positional = false;
  for (const CLI::Option* option : app.get_options()) {
    positional = positional || option->get_positional();
    Names names;
    for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
    for (const std::string& name : option->get_snames()) names.push_back("-" + name);
    options.insert(options.end(), names.begin(), names.end());
    if (option->get_items_expected_max() == 0) continue;
    for (const std::string& name : names) {
      const std::string place = below(path, name);
      branches.values += "    '" + place + "') words='" + joined(value_names(place)) + "' ;;\n";
    }
  }
  Names subcommands;
  for (const CLI::App* sub : app.get_subcommands([](const CLI::App*) { return true; })) {
    const std::string place = below(path, sub->get_name());
    subcommands.push_back(sub->get_name());
    branches.commands += "      '" + place + "') at='" + place + "' ;;\n";
    add_branches(*sub, place, branches);
  }
  // Without a dash there, an argument is a file: left to the shell.
  if (path == "show") subcommands = Reference::documents();
  const std::string next = joined(subcommands);
  branches.words += "    '" + path + " -') words='" + joined(options) + "' ;;\n";
  branches.words += "    '" + path + " ') words='" +
                    (next.empty() && !positional ? joined(options) : next) + "' names='" +
                    joined(argument_names(path)) + "' ;;\n";
}

std::string bash_script(const CLI::App& app) {
  Branches branches;
  add_branches(app, "", branches);
  return R"(# Completion of cleave's commands for bash; made by: cleave completion bash
_cleave() {
  local word=${COMP_WORDS[COMP_CWORD]} option=${COMP_WORDS[COMP_CWORD - 1]} at='' words='' names='' i
  # Bash takes --option=value apart.
  if [[ $word == '=' ]]; then
    word=''
  elif [[ $option == '=' ]]; then
    option=${COMP_WORDS[COMP_CWORD - 2]}
  fi
  COMPREPLY=()
  for ((i = 1; i < COMP_CWORD; ++i)); do
    case "${at:+$at }${COMP_WORDS[i]}" in
)" + branches.commands +
         R"(    esac
  done
  case "${at:+$at }$option" in
)" + branches.values +
         R"(    *)
      local dash=''
      [[ $word == -* ]] && dash='-'
      case "$at $dash" in
)" + branches.words +
         R"(      esac
      ;;
  esac
  # Before a letter is typed, files come first.
  [[ -n $word ]] && words+=" $names"
  mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word")
}
# With no word that fits, the names of files.
complete -o bashdefault -o default -F _cleave cleave
)";
}

void add_completion(CLI::App& app, Action& action) {
  CLI::App* completion = app.add_subcommand(
      "completion", with_example("Prints a script that completes cleave's commands in a shell.",
                                 "source <(cleave completion bash)"));
  completion->require_subcommand(1);
  CLI::App* bash = completion->add_subcommand(
      "bash", with_example("Prints the script for bash.",
                           "cleave completion bash > ~/.local/share/bash-completion/completions/"
                           "cleave"));
  bash->callback([&app, &action] {
    action = [&app] {
      std::cout << bash_script(app);
      return 0;
    };
  });
}

const Command kCommand{90, add_completion};

}  // namespace

}  // namespace cleave
