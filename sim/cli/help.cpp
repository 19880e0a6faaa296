#include "sim/cli/help.h"

#include <algorithm>
#include <charconv>
#include <sstream>

#include "sim/cli/command.h"
#include "sim/report/table.h"

namespace cleave {

WholeNumber::WholeNumber(std::uint64_t least) {
  func_ = [least](const std::string& text) -> std::string {
    std::uint64_t number = 0;
    const char* const end = text.data() + text.size();
    const auto [rest, error] = std::from_chars(text.data(), end, number);
    if (error == std::errc() && rest == end && number >= least) return "";
    return "expected a whole number, at least " + std::to_string(least) + ", found " + text;
  };
}

namespace {

constexpr std::size_t kColumns = 80;
const std::string kExample = "\nExample: ";

}  // namespace

std::string with_example(const std::string& description, const std::string& example) {
  return description + kExample + example;
}

Description described(const std::string& description) {
  const std::size_t at = description.find(kExample);
  if (at == std::string::npos) return {description, ""};
  return {description.substr(0, at), description.substr(at + kExample.size())};
}

std::string Help::make_description(const CLI::App* app) const {
  const auto [text, example] = described(app->get_description());
  return wrapped(text, kColumns, 0) + (example.empty() ? "" : kExample + example) + "\n";
}

std::string Help::make_subcommand(const CLI::App* app) const {
  return row(app->get_display_name(true), described(app->get_description()).text);
}

std::string Help::make_option(const CLI::Option* option, bool is_positional) const {
  return row(make_option_name(option, is_positional) + make_option_opts(option),
             make_option_desc(option));
}

std::string Help::row(const std::string& name, const std::string& text) const {
  std::string line = text;
  std::replace(line.begin(), line.end(), '\n', ' ');
  const std::size_t column = get_column_width();
  std::ostringstream out;
  CLI::detail::format_help(out, name, wrapped(line, kColumns - column, 0), column);
  return out.str();
}

}  // namespace cleave
