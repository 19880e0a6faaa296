#pragma once

#include <string>
#include <vector>

#include "sim/base/setting.h"

namespace cleave {

/// One family of policies, as its registry has it.
struct PolicyFamily {
  struct Member {
    std::string name;
    std::string summary;
    std::vector<Setting> settings;
  };
  std::string path;  ///< of the setting that names the policy: "scheduler.policy"
  std::vector<Member> members;
};

/// All but the networks, and these.
std::vector<PolicyFamily> policy_families();
PolicyFamily fabric_family();

/// For a terminal: each policy with its settings.
std::string policies_text(const PolicyFamily& family);
/// A line for each family: its setting, and the names that it may have.
std::string policy_names(const std::vector<PolicyFamily>& families);
/// "one, another".
std::string names_of(const PolicyFamily& family);

/// A setting, and the members of its family that have it with this meaning.
struct FamilySetting {
  Setting setting;
  std::string members;  ///< "one, another"
};
std::vector<FamilySetting> settings_of(const PolicyFamily& family);

}  // namespace cleave
