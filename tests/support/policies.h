#pragma once

#include <string>

#include "sim/base/registry.h"

namespace cleave {

/// What makes the policy `name` of a family, with `settings` (an object).
template <class Family>
typename Family::Make policy(const std::string& name, Json settings = Json::object()) {
  settings["policy"] = name;
  JsonReader section(settings, "section");
  return Family::choose(section, "policy", "policy").make;
}

}  // namespace cleave
