// The program that libFuzzer drives: the target is the one that CLEAVE_FUZZ_TARGET names.

#include <cstdint>
#include <cstdlib>
#include <iostream>

#include "tests/fuzz/mutate_json.h"
#include "tests/fuzz/target.h"

namespace {

using cleave::fuzz::Syntax;
using cleave::fuzz::Target;

const Target& chosen() {
  static const Target target = [] {
    const char* name = std::getenv("CLEAVE_FUZZ_TARGET");
    const auto found = cleave::fuzz::targets().find(name == nullptr ? "" : name);
    if (found != cleave::fuzz::targets().end()) return found->second;
    std::cerr << "CLEAVE_FUZZ_TARGET: expected one of";
    for (const auto& [known, unused] : cleave::fuzz::targets()) std::cerr << ' ' << known;
    std::cerr << '\n';
    std::exit(2);
  }();
  return target;
}

}  // namespace

// What libFuzzer offers, and what it asks for.
extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t most);
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);
extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size,
                                               std::size_t most, unsigned seed);

int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  cleave::fuzz::reads(chosen(), {reinterpret_cast<const char*>(data), size});
  return 0;
}

std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size, std::size_t most,
                                    unsigned seed) {
  const bool as_bytes = chosen().syntax == Syntax::kBytes || seed % 4 == 0;
  const std::string text(reinterpret_cast<const char*>(data), size);
  const std::string changed =
      as_bytes ? "" : cleave::fuzz::mutate_json(text, seed, LLVMFuzzerMutate);
  if (changed.empty() || changed.size() > most) return LLVMFuzzerMutate(data, size, most);
  std::copy(changed.begin(), changed.end(), data);
  return changed.size();
}
