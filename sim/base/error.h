#pragma once

#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace cleave {

/// What is wrong with something the user gave: one sentence that names the place (file and line, or
/// JSON path) and says what was expected. Caught once, in main, which exits with code 2.
class InputError : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

/// A mistake of ours: the state that shows it. Nothing that the user gave is to blame.
class BrokenInvariant : public std::logic_error {
 public:
  using std::logic_error::logic_error;
};

/// What to tell the user of any exception: the sentence of an InputError, that the memory ran out,
/// or that this is a mistake of ours.
std::string sentence_of(const std::exception& error);

/// Throws BrokenInvariant.
[[noreturn]] void broken_invariant(const std::string& state);

/// The known name nearest to `name` by edit distance, or "" if none is near.
std::string nearest_name(std::string_view name, const std::vector<std::string>& known);

/// `pools[1].machine: unknown machine "dgx-h10"; did you mean "dgx-h100"?`, or with the list of
/// known names when none is near.
[[noreturn]] void throw_unknown_name(const std::string& place, std::string_view kind,
                                     std::string_view name, const std::vector<std::string>& known);

}  // namespace cleave
