#pragma once

#include <CLI/CLI.hpp>
#include <string>

namespace cleave {

/// What with_example() has put together.
struct Description {
  std::string text;
  std::string example;  ///< the command line alone; "" for none
};
Description described(const std::string& description);

/// Help with descriptions broken at 80 columns. Lists of subcommands leave the examples to the
/// help of each.
class Help : public CLI::Formatter {
 public:
  std::string make_description(const CLI::App* app) const override;
  std::string make_subcommand(const CLI::App* app) const override;
  std::string make_option(const CLI::Option* option, bool is_positional) const override;

 private:
  std::string row(const std::string& name, const std::string& text) const;
};

}  // namespace cleave
