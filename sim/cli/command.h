#pragma once

#include <CLI/CLI.hpp>
#include <functional>
#include <string>

namespace cleave {

/// What the chosen subcommand does once the command line is understood; gives the exit code. Throws
/// InputError for what the user got wrong.
using Action = std::function<int()>;

/// Adds one subcommand to `app`. When it is chosen, its callback puts what is to be done in
/// `action`.
using AddCommand = void (*)(CLI::App& app, Action& action);

/// A subcommand shows itself by existing:
///     const Command kCommand{40, add_run};
/// in a file of its own; lower `order` comes first in the help.
struct Command {
  Command(int order, AddCommand add);
};

/// Checks that an option is a whole number of at least `least`; CLI11 alone takes -1 for a huge
/// one.
class WholeNumber : public CLI::Validator {
 public:
  explicit WholeNumber(std::uint64_t least);
};

/// Help text of a subcommand: what it does, and one example.
std::string with_example(const std::string& description, const std::string& example);

}  // namespace cleave
