#include "sim/scenario/traffic_classes.h"

#include <algorithm>

#include "sim/base/error.h"
#include "sim/base/reference.h"
#include "sim/scenario/llms.h"
#include "sim/scenario/resolve.h"

namespace cleave {

namespace {

const Setting kName{"name", nullptr, "", "of the class", words("a text")};
const Setting kSlo{"slo", nullptr, "", "of its requests; the scenario's",
                   words("as the scenario's slo")};
const Setting kAdmission{"admission", nullptr, "", "a limit of its rate",
                         words("a section of its own")};
const Setting kShed{"shed_late", false, "",
                    "a request past its limit of TTFT before its prompt begins is dropped",
                    true_or_false()};
const Reference::Entry kClass{
    {"scenario",
     "classes[]",
     "Kinds of requests: each has a share of the workload's, or a workload of its own.",
     {kName, kClassLlm, kSlo, kAdmission, kShed}}};
const Setting kMostRate{"rate_rps", nullptr, "requests/s", "more of the class are rejected",
                        in({0, 1e9, true})};
const Setting kBurst{"burst", 1, "requests", "that may come at once", in({1, 1e9, false})};
const Reference::Entry kLimit{{"scenario",
                               "classes[].admission",
                               "A limit of the class's rate, by a bucket of tokens.",
                               {kMostRate, kBurst}}};

/// The limit of TTFT in seconds of the highest percentile.
std::optional<double> ttft_limit(const SloSpec& slo) {
  const SloLimit* found = nullptr;
  for (const SloLimit& limit : slo.limits) {
    if (limit.metric != "ttft" || limit.slowdown) continue;
    if (found == nullptr || limit.percentile > found->percentile) found = &limit;
  }
  return found == nullptr ? std::nullopt : std::optional(found->limit);
}

void read_admission(JsonReader reader, ClassSpec& spec) {
  spec.most_rps = kMostRate.number(reader);
  spec.burst = kBurst.number(reader);
  reader.finish();
}

ClassSpec read_class(JsonReader& reader, const Scenario& scenario) {
  ClassSpec spec;
  spec.name = kName.text(reader);
  if (spec.name.empty()) reader.fail("name", "expected a name, found \"\"");
  spec.llm = read_class_llm(reader, scenario);
  spec.slo = kSlo.given(reader) ? read_slo(reader) : scenario.slo;
  const bool gaps = std::any_of(spec.slo.limits.begin(), spec.slo.limits.end(),
                                [](const SloLimit& limit) { return limit.metric == "itl"; });
  if (gaps && reader.has("slo")) {
    reader.fail("slo",
                "has a limit of itl, which is measured over all classes together; expected tpot");
  }
  spec.ttft_limit_s = ttft_limit(spec.slo);
  if (kAdmission.given(reader)) read_admission(reader.object(kAdmission.name), spec);
  spec.sheds_late = kShed.boolean(reader);
  if (spec.sheds_late && !spec.ttft_limit_s) {
    reader.fail("shed_late",
                "needs a limit of ttft in seconds, by which requests are late; its slo has none");
  }
  return spec;
}

/// What only some ways to send requests go with.
void check_traffic(JsonReader& reader, const Workload& workload) {
  const bool own = std::any_of(workload.classes.begin(), workload.classes.end(),
                               [](const WorkloadClass& each) { return each.own != nullptr; });
  if (own && !offers_rate(workload)) {
    reader.fail("classes",
                "with a workload of their own contradict workload.concurrency and arrivals "
                "\"" +
                    workload.arrivals + "\"; expected arrivals at a rate");
  }
  const bool shares = std::any_of(workload.classes.begin(), workload.classes.end(),
                                  [](const WorkloadClass& each) { return each.own == nullptr; });
  if (shares && (workload.sessions || workload.after_reply)) {
    reader.fail("classes",
                "with shares contradict the workload's conversations; expected a class with a "
                "workload of its own that has them");
  }
  if (!workload.priority_shares.empty()) {
    reader.fail("classes", "contradict workload.priority_shares; give each class its priority");
  }
}

}  // namespace

bool classes_bring_all(const Json& document) {
  if (!document.is_object() || !document.contains("classes")) return false;
  const Json& classes = document["classes"];
  const auto own = [](const Json& each) {
    return each.is_object() && each.contains("workload") && !each.contains("share");
  };
  return classes.is_array() && !classes.empty() && std::all_of(classes.begin(), classes.end(), own);
}

namespace {

/// A trace says the names of classes.
void name_classes(JsonReader& reader, Scenario& scenario) {
  Workload& workload = scenario.workload;
  if (!workload.columns || workload.columns->traffic_class.empty()) return;
  if (!reader.has("classes")) {
    throw InputError("workload.columns.class: has no meaning without classes");
  }
  if (workload.arrivals != "replay") {
    throw InputError(
        "workload.columns.class: is for requests that are replayed; expected arrivals "
        "\"replay\"");
  }
  for (const ClassSpec& each : scenario.classes) workload.columns->classes.push_back(each.name);
}

}  // namespace

void read_classes(JsonReader& reader, Scenario& scenario) {
  if (!reader.has("classes")) {
    name_classes(reader, scenario);
    return;
  }
  for (JsonReader& each : reader.objects("classes")) {
    const ClassSpec spec = read_class(each, scenario);
    const auto same = [&](const ClassSpec& other) { return other.name == spec.name; };
    if (std::any_of(scenario.classes.begin(), scenario.classes.end(), same)) {
      each.fail("name", "\"" + spec.name + "\" is the name of a class before this one");
    }
    scenario.workload.classes.push_back(
        read_workload_class(each, scenario.workload, scenario.classes.size()));
    scenario.classes.push_back(spec);
    each.finish();
    const bool looked_at = scenario.batching.queue_order == QueueOrder::kPriority;
    if (scenario.workload.classes.back().priority > 0 && !looked_at) {
      each.fail("priority",
                "nobody looks at priorities; expected batching.queue_order \"priority\"");
    }
  }
  name_classes(reader, scenario);
  if (scenario.classes.empty()) reader.fail("classes", "expected one class at least, found []");
  check_traffic(reader, scenario.workload);
  const bool slack = scenario.batching.queue_order == QueueOrder::kSlack;
  const bool limited =
      std::any_of(scenario.classes.begin(), scenario.classes.end(),
                  [](const ClassSpec& each) { return each.ttft_limit_s.has_value(); });
  if (slack && !limited) {
    throw InputError(
        "batching.queue_order: \"slack\" is the time left to a first token; expected a class "
        "whose slo limits ttft in seconds");
  }
}

}  // namespace cleave
