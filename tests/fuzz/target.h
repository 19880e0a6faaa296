#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace cleave::fuzz {

/// How libFuzzer changes inputs: bytes anywhere, or JSON value by value too.
enum class Syntax { kBytes, kJson };

/// One parser. `feed` returns, or throws InputError, whatever it is given; all else is a finding.
struct Target {
  Syntax syntax = Syntax::kBytes;
  void (*feed)(std::string_view input) = nullptr;
};

/// A target shows itself by existing, in a file of its own and with corpus/NAME beside it:
///     const Entry kScenario{"scenario", {Syntax::kJson, feed}};
struct Entry {
  Entry(const std::string& name, Target target);
};
const std::map<std::string, Target>& targets();

/// Whether the target reads the input: false where it throws InputError.
bool reads(const Target& target, std::string_view input);

/// A file that holds `bytes`, in a folder that lives as long as the process.
std::string file_of(const std::string& name, std::string_view bytes);
/// The path of such a file, which is not there.
std::string no_file(const std::string& name);

/// Does what `cleave ARGUMENTS` does, but prints nothing.
void run_cleave(const std::vector<std::string>& arguments);

}  // namespace cleave::fuzz
