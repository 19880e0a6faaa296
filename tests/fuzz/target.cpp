#include "tests/fuzz/target.h"

#include <algorithm>
#include <filesystem>
#include <iostream>
#include <streambuf>

#include "sim/base/error.h"
#include "sim/cli/command.h"
#include "tests/support/temp_folder.h"

namespace cleave {

namespace {

/// By name of the subcommand.
std::map<std::string, AddCommand>& commands() {
  static std::map<std::string, AddCommand> all;
  return all;
}

}  // namespace

// In place of the one in main.cpp, which is not part of the programs made from targets.
Command::Command(int /*order*/, AddCommand add) {
  CLI::App app;
  Action unused;
  add(app, unused);
  for (const CLI::App* one : app.get_subcommands({})) commands()[one->get_name()] = add;
}

}  // namespace cleave

namespace cleave::fuzz {

namespace {

std::map<std::string, Target>& all_targets() {
  static std::map<std::string, Target> all;
  return all;
}

const testing::TempFolder& folder() {
  static const testing::TempFolder one;
  return one;
}

/// Takes what is printed, as long as it lives.
class Nowhere : public std::streambuf {
 public:
  Nowhere() : out_(std::cout.rdbuf(this)), err_(std::cerr.rdbuf(this)) {}
  ~Nowhere() override {
    std::cout.rdbuf(out_);
    std::cerr.rdbuf(err_);
  }
  Nowhere(const Nowhere&) = delete;
  Nowhere& operator=(const Nowhere&) = delete;

 private:
  int_type overflow(int_type c) override { return traits_type::not_eof(c); }
  std::streamsize xsputn(const char* /*bytes*/, std::streamsize count) override { return count; }

  std::streambuf* out_;
  std::streambuf* err_;
};

}  // namespace

Entry::Entry(const std::string& name, Target target) { all_targets().emplace(name, target); }

const std::map<std::string, Target>& targets() { return all_targets(); }

bool reads(const Target& target, std::string_view input) {
  try {
    target.feed(input);
    return true;
  } catch (const InputError&) {
    return false;
  }
}

std::string file_of(const std::string& name, std::string_view bytes) {
  return folder().write(name, std::string(bytes));
}

std::string no_file(const std::string& name) {
  const std::string path = folder().path(name);
  std::filesystem::remove_all(path);
  return path;
}

void run_cleave(const std::vector<std::string>& arguments) {
  CLI::App app;
  app.require_subcommand(1);
  Action action;
  commands().at(arguments.front())(app, action);
  try {
    // CLI11 takes them from the back.
    app.parse(std::vector<std::string>(arguments.rbegin(), arguments.rend()));
  } catch (const CLI::ParseError& error) {
    throw InputError(error.what());
  }
  const Nowhere muted;
  action();
}

}  // namespace cleave::fuzz
