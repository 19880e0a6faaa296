#include "traces/weighted_lengths.h"

namespace cleave {

void WeightedLengths::add(const WeightedLengths& others, double factor) {
  for (const auto& [tokens, weight] : others.weights_) add(tokens, weight * factor);
}

double WeightedLengths::total() const {
  double sum = 0;
  for (const auto& [tokens, weight] : weights_) sum += weight;
  return sum;
}

std::vector<std::uint32_t> WeightedLengths::quantiles(std::size_t count) const {
  // Sums of shares miss round numbers by their rounding.
  constexpr double kRounding = 1e-9;
  const double sum = total();
  std::vector<std::uint32_t> values;
  double passed = 0;
  for (const auto& [tokens, weight] : weights_) {
    passed += weight / sum;
    while (values.size() + 1 < count && static_cast<double>(values.size()) <=
                                            (passed + kRounding) * static_cast<double>(count - 1)) {
      values.push_back(tokens);
    }
  }
  values.resize(count, weights_.rbegin()->first);
  return values;
}

}  // namespace cleave
