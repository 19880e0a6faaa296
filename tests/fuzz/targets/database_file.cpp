#include "tests/fuzz/results.h"
#include "tests/fuzz/target.h"

namespace cleave::fuzz {

namespace {

/// A results database byte by byte.
void feed(std::string_view input) {
  for (const char* log : {"-wal", "-shm", "-journal"}) no_file(std::string("results.db") + log);
  read_all_of(file_of("results.db", input));
}

const Entry kEntry{"database_file", {Syntax::kBytes, feed}};

}  // namespace

}  // namespace cleave::fuzz
