#pragma once

#include <cstdint>

namespace cleave {

/// A number for two numbers, as good as drawn: the SplitMix64 finalizer, twice.
constexpr std::uint64_t hash_of(std::uint64_t a, std::uint64_t b);

/// The one random number generator: counter-based, so that draw `i` of stream `stream` under `seed`
/// is the same everywhere and needs no draws before it. Each draw mixes (seed, stream, counter)
/// with two rounds of the SplitMix64 finalizer (Steele, Lea, Flood, OOPSLA 2014).
class Random {
 public:
  Random(std::uint64_t seed, std::uint64_t stream) : key_(mix(mix(seed) ^ (stream * kGolden))) {}

  /// 64 uniform bits.
  std::uint64_t bits() { return mix(key_ + kGolden * ++counter_); }
  /// Uniform in the open interval (0, 1).
  double uniform() { return (static_cast<double>(bits() >> 11) + 0.5) * 0x1.0p-53; }
  /// Uniform whole number below `bound`.
  std::uint64_t below(std::uint64_t bound) {
    return static_cast<std::uint64_t>((static_cast<Wide>(bits()) * bound) >> 64);
  }

 private:
  __extension__ using Wide = unsigned __int128;
  static constexpr std::uint64_t kGolden = 0x9e3779b97f4a7c15ULL;
  friend constexpr std::uint64_t hash_of(std::uint64_t a, std::uint64_t b);
  static constexpr std::uint64_t mix(std::uint64_t x) {
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
    return x ^ (x >> 31);
  }

  std::uint64_t key_;
  std::uint64_t counter_ = 0;
};

constexpr std::uint64_t hash_of(std::uint64_t a, std::uint64_t b) {
  return Random::mix(Random::mix(a + Random::kGolden) + Random::kGolden * (b + 1));
}

}  // namespace cleave
