#include "sim/explore/compare.h"
#include "tests/fuzz/target.h"

namespace cleave::fuzz {

namespace {

void feed(std::string_view input) {
  const ComparePolicy policy = read_compare_policy(file_of("policy.json", input));
  const Json summary = {{"schema_version", 1},
                        {"workload_hash", "a"},
                        {"scenario_hash", "a"},
                        {"requests", {{"arrived", 100}}},
                        {"ttft", {{"p99", 0.25}, {"p99.9", nullptr}}},
                        {"slo", {{"holds", true}}},
                        {"pools", {{{"utilization", 0.5}}}}};
  compare_runs({"a", {summary}}, {"b", {summary}}, policy, {}).dump();
  compare_runs({"a", {summary, summary}}, {"b", {summary, summary}}, policy, {}).dump();
}

const Entry kEntry{"compare_policy", {Syntax::kJson, feed}};

}  // namespace

}  // namespace cleave::fuzz
