#include "sim/base/json_reader.h"
#include "tests/fuzz/target.h"

namespace cleave::fuzz {

namespace {

/// A folder as cleave run --out leaves it. No scenario stands in for a summary there, so nothing is
/// simulated.
void feed(std::string_view input) {
  const std::string summary = file_of("run/summary.json", input);
  file_of("run/scenario.json", "{}");
  const std::string run = summary.substr(0, summary.rfind('/'));
  const Json read = parse_json(input, summary);
  run_cleave({"report", run, "-o", no_file("run.html")});
  run_cleave({"report", run, run, "-o", no_file("runs.html")});
  // Against the same where every second number is larger.
  Json other = read;
  bool larger = false;
  const auto enlarge = [&](const auto& self, Json& value) -> void {
    if (value.is_number_float() && (larger = !larger)) value = value.get<double>() * 2;
    if (!value.is_structured()) return;
    for (Json& inner : value) self(self, inner);
  };
  enlarge(enlarge, other["ttft"]);
  const std::string changed = file_of("changed/summary.json", other.dump());
  for (const char* as : {"--json", "--same-scenario"}) {
    run_cleave({"compare", run, changed.substr(0, changed.rfind('/')), as, "--junit",
                no_file("junit.xml"), "--markdown", no_file("compared.md")});
  }
}

const Entry kEntry{"summary", {Syntax::kJson, feed}};

}  // namespace

}  // namespace cleave::fuzz
