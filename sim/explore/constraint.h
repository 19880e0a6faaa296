#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "sim/base/json_reader.h"
#include "sim/scenario/scenario.h"

namespace cleave {

/// What the points of a sweep must satisfy: two sums compared, as in
///     pools[0].count + pools[1].count = 40
///     cost_per_hour <= 1500
///     2 * pools[0].count >= pools[1].count
/// A term is a number, a path of the scenario, `cost_per_hour` or `provisioned_w` (of all
/// machines), each with a factor if wanted.
class Constraint {
 public:
  /// `place` ("where[0]") is for the errors.
  Constraint(const std::string& text, std::string place);

  /// Throws InputError where a path of the constraint holds no number.
  bool holds(const Json& scenario);

  /// The keys of the scenario that holds() looks at.
  std::set<std::string> keys() const;

 private:
  struct Term {
    double factor = 1;
    std::string path;  ///< "" for a constant
  };
  class Parser;

  double value(const Term& term, const Json& scenario);
  const Machine& machine(const std::string& name, const std::string& place);

  std::string place_;
  std::vector<Term> terms_;  ///< their sum is compared with 0
  std::string comparison_;
  std::map<std::string, Machine> machines_;  ///< a sweep asks for the same few again and again
};

}  // namespace cleave
