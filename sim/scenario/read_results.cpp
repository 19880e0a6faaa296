#include "sim/base/error.h"
#include "sim/scenario/resolve.h"

namespace cleave {

namespace {

const std::vector<std::string> kMetrics{"ttft", "tpot", "itl", "e2e"};
const std::vector<std::string> kPercentiles{"p50", "p90", "p95", "p99", "p99.9"};

enum class Limit : std::uint8_t { kSeconds, kSlowdown };

void read_limits(JsonReader reader, Limit kind, SloSpec& slo) {
  const bool slowdown = kind == Limit::kSlowdown;
  for (const std::string& metric : kMetrics) {
    if (!reader.has(metric)) continue;
    JsonReader limits = reader.object(metric);
    for (const std::string& percentile : kPercentiles) {
      if (!limits.has(percentile)) continue;
      slo.limits.push_back({metric, std::stod(percentile.substr(1)),
                            limits.number(percentile, kPositive), slowdown});
    }
    limits.finish();
  }
  if (slowdown && reader.has("itl")) {
    reader.fail("itl", "has no slowdown; expected it under \"limits\", in seconds");
  }
  reader.finish();
}

}  // namespace

SloSpec read_slo(JsonReader& scenario) {
  SloSpec slo;
  const Json& value = scenario.value("slo");
  if (value.is_null() || value == "none") return slo;
  const bool named = value.is_string();
  const std::string place = scenario.path_of("slo");
  const Json body =
      named ? load_profile("profiles/slos", "SLO", value.get<std::string>(), place) : value;
  slo.name = named ? value.get<std::string>() : "custom";
  JsonReader reader(body, named ? slo.name : place);
  for (const char* key : {"summary", "source", "date"}) reader.text(key, "");
  if (reader.has("slowdown")) {
    JsonReader slowdown = reader.object("slowdown");
    slo.reference = load_machine(slowdown.text("reference"), slowdown.path_of("reference"));
    read_limits(slowdown, Limit::kSlowdown, slo);
  }
  if (reader.has("limits")) read_limits(reader.object("limits"), Limit::kSeconds, slo);
  reader.finish();
  if (slo.limits.empty()) {
    throw InputError(reader.path() +
                     ": expected limits such as {\"limits\": {\"ttft\": {\"p90\": 0.5}}}");
  }
  return slo;
}

ResultsSpec read_results(JsonReader reader) {
  ResultsSpec spec;
  const Json& warmup = reader.value("warmup_s");
  if (warmup.is_number()) {
    spec.warmup_s = reader.number("warmup_s", {0, 1e9, false});
  } else if (warmup != "auto") {
    reader.fail("warmup_s",
                "expected seconds from 0 to 1e9, or \"auto\", found " + json_kind(warmup));
  }
  spec.tpot_per_token = reader.name("tpot", "choice", {"per_gap", "per_token"}) == "per_token";
  reader.finish();
  return spec;
}

}  // namespace cleave
