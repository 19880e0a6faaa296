#include "sim/base/error.h"
#include "sim/base/reference.h"
#include "sim/scenario/resolve.h"

namespace cleave {

namespace {

const std::vector<std::string> kMetrics{"ttft", "tpot", "itl", "e2e"};
const std::vector<std::string> kPercentiles{"p50", "p90", "p95", "p99", "p99.9"};

std::vector<Setting> limits_of(const std::vector<std::string>& metrics) {
  std::vector<Setting> all;
  for (const std::string& metric : metrics) {
    all.push_back({metric, nullptr, "", "limits of its percentiles",
                   words("a section, keys of p50, p90, p95, p99, p99.9 with numbers above 0")});
  }
  return all;
}

const Setting kTimesAlone{"slowdown", nullptr, "",
                          "limits in times the latency of the same request alone on a machine",
                          words("a section of its own")};
const Setting kLimits{"limits", nullptr, "", "limits in seconds", words("a section of its own")};
const Setting kReference{"reference", nullptr, "", "the machine that slowdowns compare with",
                         words("a machine: cleave list machines")};
const Reference::Entry kSlo{{"scenario",
                             "slo",
                             "What latencies may be: the name of a profile or the limits.",
                             {kTimesAlone,
                              kLimits,
                              {"summary", "", "", "said of it", words("a text")},
                              {"source", "", "", "where it is from", words("a text")},
                              {"date", "", "", "of the source", words("a text")}}}};
std::vector<Setting> slowdowns() {
  std::vector<Setting> all = limits_of({"ttft", "tpot", "e2e"});
  all.insert(all.begin(), kReference);
  return all;
}
const Reference::Entry kSlowdowns{
    {"scenario", "slo.slowdown", "Limits in times a latency alone.", slowdowns()}};
const Reference::Entry kInSeconds{
    {"scenario", "slo.limits", "Limits in seconds.", limits_of(kMetrics)}};

const Setting kWarmup{"warmup_s",
                      nullptr,
                      "s",
                      "from then on is measured; \"auto\": from where the cluster is full",
                      {.range = {0, 1e9, false}, .words = "or \"auto\""}};
const Setting kTpot{"tpot", nullptr, "",
                    "a request's: the mean of its gaps, or per token after the first until its end",
                    one_of({"per_gap", "per_token"})};
const Reference::Entry kResults{{"scenario", "results", "What is measured.", {kWarmup, kTpot}}};

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
  if (kTimesAlone.given(reader)) {
    JsonReader slowdown = reader.object(kTimesAlone.name);
    slo.reference = load_machine(kReference.text(slowdown), slowdown.path_of(kReference.name));
    read_limits(slowdown, Limit::kSlowdown, slo);
  }
  if (kLimits.given(reader)) read_limits(reader.object(kLimits.name), Limit::kSeconds, slo);
  reader.finish();
  if (slo.limits.empty()) {
    throw InputError(reader.path() +
                     ": expected limits such as {\"limits\": {\"ttft\": {\"p90\": 0.5}}}");
  }
  return slo;
}

ResultsSpec read_results(JsonReader reader) {
  ResultsSpec spec;
  const Json& warmup = reader.value(kWarmup.name);
  if (warmup.is_number()) {
    spec.warmup_s = kWarmup.number(reader);
  } else if (warmup != "auto") {
    reader.fail("warmup_s",
                "expected seconds from 0 to 1e9, or \"auto\", found " + json_kind(warmup));
  }
  spec.tpot_per_token = kTpot.choice(reader) == "per_token";
  reader.finish();
  return spec;
}

}  // namespace cleave
