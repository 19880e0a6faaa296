#pragma once

#include <string>

#include "sim/base/json_reader.h"
#include "sim/report/table.h"

namespace cleave {

/// A number of a summary's object; 0 where it is none.
inline double number(const Json& json, const char* key) {
  const auto found = json.find(key);
  return found != json.end() && found->is_number() ? found->get<double>() : 0;
}

/// The same as text; "-" where it is none.
inline std::string quantity(const Json& json, const char* key) {
  const auto found = json.find(key);
  return found == json.end() || !found->is_number() ? "-" : figure(found->get<double>());
}

}  // namespace cleave
