#pragma once

#include <map>
#include <string>

#include "models/catalogue/hardware.h"
#include "sim/base/json_reader.h"

namespace cleave {

/// What machines cost at one provider, in one kind of contract, at one time.
struct PriceList {
  std::string name;
  std::string label;                       ///< "lambda-on-demand (Lambda, on demand, 2026-11)"
  std::map<std::string, double> per_hour;  ///< $ by the name of the machine

  /// Of a machine that is not in the list kNoPrice: prices of others are not mixed in.
  double of(const Machine& machine) const;
};

/// A list by name (profiles/prices) or file: {"provider", "kind": "on_demand" | "reserved" |
/// "spot", "date", "machines": {"dgx-h100": 31.92}}. `place` is where the name stands. Throws
/// InputError.
PriceList load_prices(const std::string& name, const std::string& place);

/// What the label of a scenario's "prices" is; "" where each machine's own price counts.
std::string prices_label(const Json& scenario);

}  // namespace cleave
