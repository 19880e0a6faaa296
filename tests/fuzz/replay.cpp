// The corpora of the fuzzed parsers, read once: no input may bring anything but an InputError.

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>

#include "tests/catch.h"
#include "tests/fuzz/target.h"

using namespace cleave::fuzz;

namespace {

namespace fs = std::filesystem;

const fs::path kCorpus = fs::path(CLEAVE_SOURCE_DIR) / "tests/fuzz/corpus";

std::vector<fs::path> inputs_of(const std::string& target) {
  std::vector<fs::path> all;
  for (const auto& entry : fs::directory_iterator(kCorpus / target)) all.push_back(entry.path());
  std::sort(all.begin(), all.end());
  return all;
}

std::string bytes_of(const fs::path& file) {
  std::ifstream in(file, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

}  // namespace

TEST_CASE("Every input of the corpora is read or refused in a sentence") {
  for (const auto& [name, target] : targets()) {
    DYNAMIC_SECTION(name) {
      int read = 0;
      for (const fs::path& input : inputs_of(name)) {
        INFO(input.string());
        bool good = false;
        CHECK_NOTHROW(good = reads(target, bytes_of(input)));
        read += good ? 1 : 0;
      }
      // Otherwise the inputs would not get beyond the first checks.
      CHECK(read > 0);
    }
  }
}

TEST_CASE("Every corpus has its target") {
  for (const auto& entry : fs::directory_iterator(kCorpus)) {
    INFO(entry.path());
    CHECK(targets().contains(entry.path().filename().string()));
  }
}
