#include <cctype>
#include <iostream>
#include <string>
#include <string_view>

#include "sim/base/version.h"
#include "sim/cli/command.h"
#include "sim/cli/help.h"

namespace cleave {

namespace {

/// Text that means nothing to roff: one line for each of its own.
std::string roff(const std::string& text) {
  std::string escaped;
  for (const char c : text) {
    const bool line_begins = escaped.empty() || escaped.back() == '\n';
    if (line_begins && (c == '.' || c == '\'')) escaped += "\\&";
    if (c == '\\') {
      escaped += "\\e";
    } else if (c == '-') {
      escaped += "\\-";
    } else {
      escaped += c;
    }
  }
  return escaped;
}

/// In an argument of a macro.
std::string quoted(const std::string& text) {
  std::string escaped;
  for (const char c : roff(text)) escaped += c == '"' ? std::string("\\(dq") : std::string(1, c);
  return '"' + escaped + '"';
}

/// "[OPTIONS] SCENARIO": what may follow a command's name.
std::string arguments_of(const CLI::App& app, const Help& help) {
  std::string usage = help.make_usage(&app, "");
  const std::string_view label = "Usage:";
  usage.erase(0, usage.find(label) + label.size());
  const std::size_t begin = usage.find_first_not_of(" \n");
  if (begin == std::string::npos) return "";
  return usage.substr(begin, usage.find_last_not_of(" \n") + 1 - begin);
}

std::string option_entry(const CLI::Option& option, const Help& help) {
  const bool positional = option.get_positional();
  const std::string values = help.make_option_opts(&option);
  std::string entry = ".TP\n\\fB" + roff(help.make_option_name(&option, positional)) + "\\fR";
  if (!values.empty()) entry += roff(values);
  return entry + "\n" + roff(help.make_option_desc(&option)) + "\n";
}

/// Arguments first. Of all commands alike, --help is left to the program's own entries.
std::string entries_of(const CLI::App& app, const Help& help) {
  std::string text;
  for (const bool positional : {true, false}) {
    for (const CLI::Option* option : app.get_options()) {
      if (option->get_positional() != positional) continue;
      if (app.get_parent() != nullptr && option == app.get_help_ptr()) continue;
      text += option_entry(*option, help);
    }
  }
  return text;
}

std::string example_of(const CLI::App& app) {
  const std::string example = described(app.get_description()).example;
  return example.empty() ? "" : ".PP\nExample:\n.PP\n.EX\n    " + roff(example) + "\n.EE\n";
}

/// A command and those below it, each with what `--help` says of it.
std::string sections_of(const CLI::App& app, const std::string& path, const Help& help) {
  const std::string description = described(app.get_description()).text;
  std::string text = ".SS " + quoted(path + " " + arguments_of(app, help)) + "\n" +
                     roff(description) + "\n" + entries_of(app, help) + example_of(app);
  for (const CLI::App* sub : app.get_subcommands([](const CLI::App*) { return true; })) {
    text += sections_of(*sub, path + " " + sub->get_name(), help);
  }
  return text;
}

/// "Simulates clusters." as the NAME of a page has it: "simulates clusters".
std::string as_name(std::string sentence) {
  sentence[0] = static_cast<char>(std::tolower(static_cast<unsigned char>(sentence[0])));
  if (sentence.ends_with('.')) sentence.pop_back();
  return sentence;
}

std::string manual_page(const CLI::App& app) {
  const Help help;
  const Description description = described(app.get_description());
  std::string text = ".TH CLEAVE 1 \"\" " + quoted(std::string("cleave ") + kVersion) +
                     " \"User Commands\"\n.nh\n.ad l\n"
                     ".SH NAME\ncleave \\- " +
                     roff(as_name(description.text)) +
                     "\n.SH SYNOPSIS\n.B cleave\n.I COMMAND\n[\\fIOPTIONS\\fR]\n.SH DESCRIPTION\n" +
                     roff(description.text) + "\n" + entries_of(app, help) + example_of(app) +
                     ".SH COMMANDS\n";
  for (const CLI::App* sub : app.get_subcommands([](const CLI::App*) { return true; })) {
    text += sections_of(*sub, "cleave " + sub->get_name(), help);
  }
  return text + R"(.SH EXIT STATUS
.TP
.B 0
What was asked for is done.
.TP
.B 2
Bad input: one sentence on standard error names the place and what was expected.
.TP
.B 70
A mistake of Cleave's own.
.PP
What else a command ends with is said with it.
)";
}

void add_man(CLI::App& app, Action& action) {
  CLI::App* man = app.add_subcommand(
      "man", with_example("Prints the manual page: what --help says of every command.",
                          "cleave man > ~/.local/share/man/man1/cleave.1"));
  man->callback([&app, &action] {
    action = [&app] {
      std::cout << manual_page(app);
      return 0;
    };
  });
}

const Command kCommand{91, add_man};

}  // namespace

}  // namespace cleave
