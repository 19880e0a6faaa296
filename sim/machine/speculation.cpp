#include "sim/machine/speculation.h"

#include <cmath>

#include "sim/base/random.h"

namespace cleave {

namespace {

/// Streams of the run's seed, one for each number of a request and of the tokens it has.
std::uint64_t stream(std::uint64_t number, std::uint32_t generated) {
  constexpr std::uint64_t kFirst = std::uint64_t{1} << 32;
  return (number + 1) * kFirst + generated;
}

}  // namespace

double Speculation::mean() const {
  double sum = 1;
  double all_right = 1;
  for (std::uint32_t i = 0; i < tokens; ++i) sum += all_right *= acceptance;
  return sum;
}

std::uint32_t Speculation::iterations(std::uint64_t number, std::uint32_t generated,
                                      std::uint32_t count) const {
  constexpr double kRounding = 1e-9;
  if (!on()) return count;
  if (!drawn) return static_cast<std::uint32_t>(std::ceil(count / mean() - kRounding));
  Random random(seed, stream(number, generated));
  std::uint32_t iterations = 0;
  for (std::uint64_t got = 0; got < count; ++iterations) {
    std::uint32_t accepted = 0;
    while (accepted < tokens && random.uniform() < acceptance) ++accepted;
    got += 1 + accepted;
  }
  return iterations;
}

}  // namespace cleave
