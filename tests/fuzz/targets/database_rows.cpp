#include "sim/base/error.h"
#include "tests/fuzz/results.h"
#include "tests/fuzz/target.h"

namespace cleave::fuzz {

namespace {

/// What a results database holds, as make_results() takes it: a sound file whose cells are not.
void feed(std::string_view input) {
  const Json content = parse_json(input, "rows");
  if (!content.is_object()) throw InputError("rows: expected an object");
  read_all_of(make_results("rows.db", content));
}

const Entry kEntry{"database_rows", {Syntax::kJson, feed}};

}  // namespace

}  // namespace cleave::fuzz
