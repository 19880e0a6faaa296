#include "sim/cli/policy_text.h"

#include <algorithm>

#include "models/latency/instance_model.h"
#include "sim/fabric/fabric.h"
#include "sim/machine/batching_policy.h"
#include "sim/machine/memory_policy.h"
#include "sim/report/table.h"
#include "sim/scaling/scaling_policy.h"
#include "sim/scheduling/scheduler.h"
#include "sim/transfer/admission.h"
#include "sim/transfer/transfer_policy.h"
#include "traces/arrivals.h"

namespace cleave {

namespace {

template <class Policies>
PolicyFamily family(const std::string& path) {
  PolicyFamily family{path, {}};
  for (const std::string& name : Policies::names()) {
    family.members.push_back({name, Policies::summary(name), Policies::settings(name)});
  }
  return family;
}

std::string default_of(const Setting& setting) {
  return setting.otherwise.is_null() ? "" : setting.otherwise.dump();
}

/// " (8192 tokens)", or nothing.
std::string in_brackets(const Setting& setting) {
  const std::string otherwise = default_of(setting);
  const std::string gap = otherwise.empty() || setting.unit.empty() ? "" : " ";
  const std::string text = otherwise + gap + setting.unit;
  return text.empty() ? "" : " (" + text + ")";
}

}  // namespace

std::vector<PolicyFamily> policy_families() {
  return {family<Schedulers>("scheduler.policy"),
          family<LatencyPolicies>("latency.policy"),
          family<BatchingPolicies>("batching.policy"),
          family<MemoryPolicies>("batching.memory"),
          family<TransferPolicies>("kv_transfer.policy"),
          family<Admissions>("kv_transfer.admission"),
          family<ScalingPolicies>("scaling.policy"),
          family<ArrivalProcesses>("workload.arrivals")};
}

PolicyFamily fabric_family() { return family<Fabrics>("fabric.topology"); }

std::string policies_text(const PolicyFamily& family) {
  std::string text = family.path + '\n';
  for (const auto& [name, summary, settings] : family.members) {
    text += wrapped("  " + name + ": " + summary + "\n", 80, 4);
    for (const Setting& setting : settings) {
      text += wrapped("    " + setting.name + in_brackets(setting) + ": " + setting.meaning + "\n",
                      80, 6);
    }
  }
  return text;
}

std::string names_of(const PolicyFamily& family) {
  std::string names;
  for (const auto& member : family.members) names += (names.empty() ? "" : ", ") + member.name;
  return names;
}

std::string policy_names(const std::vector<PolicyFamily>& families) {
  std::string text;
  for (const PolicyFamily& family : families) {
    text += wrapped("  " + family.path + ": " + names_of(family) + "\n", 80, 4);
  }
  return text;
}

std::vector<FamilySetting> settings_of(const PolicyFamily& family) {
  std::vector<FamilySetting> all;
  for (const auto& [name, summary, settings] : family.members) {
    for (const Setting& setting : settings) {
      const auto same = std::find_if(all.begin(), all.end(), [&](const FamilySetting& other) {
        return other.setting.name == setting.name && other.setting.meaning == setting.meaning;
      });
      if (same == all.end()) {
        all.push_back({setting, name});
      } else {
        same->members += ", " + name;
      }
    }
  }
  return all;
}

}  // namespace cleave
