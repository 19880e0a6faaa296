#include <algorithm>

#include "sim/base/error.h"
#include "sim/explore/sweep_spec.h"
#include "sim/scenario/resolve.h"
#include "tests/fuzz/target.h"

namespace cleave::fuzz {

namespace {

double size_of(const Json& axis) {
  if (!axis.is_object()) return static_cast<double>(std::max<std::size_t>(axis.size(), 1));
  const auto number = [&](const char* key, double otherwise) {
    const Json value = axis.value(key, Json());
    return value.is_number() ? value.get<double>() : otherwise;
  };
  return (number("to", 0) - number("from", 0)) / number("step", 1);
}

/// A grid of millions of places takes its time, which is no finding.
void refuse_large_grid(const Json& spec) {
  constexpr double kMost = 1000;
  if (!spec.is_object()) return;
  double size = 1;
  for (const Json& axis : spec.value("vary", Json())) size *= std::max(1.0, size_of(axis));
  if (!(size <= kMost)) throw InputError("sweep.json: a large grid");
}

void feed(std::string_view input) {
  const std::string file = file_of("sweep.json", input);
  const Json json = parse_json(input, file);
  refuse_large_grid(json);
  const SweepSpec spec(json, file);
  spec.hash();
  for (std::uint64_t point = 0; point < std::min<std::uint64_t>(spec.size(), 4); ++point) {
    spec.values(point);
    read_scenario(spec.scenario(point));
  }
}

const Entry kEntry{"sweep", {Syntax::kJson, feed}};

}  // namespace

}  // namespace cleave::fuzz
