#pragma once

#include <optional>

#include "sim/metrics/figure.h"

namespace cleave {

/// What the energy of a whole run costs, where the scenario says prices or carbon over time.
struct EnergyBill {
  double facility_kwh = 0;  ///< what the machines take times PUE
  std::optional<double> usd;
  std::optional<double> kg_co2;
  double machines_usd = 0;  ///< the machines' own price; NaN where nobody knows
  double tokens = 0;        ///< prompt and output, of completed requests

  static const FigureTable<EnergyBill>& figures();
};

}  // namespace cleave
