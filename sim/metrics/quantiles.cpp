#include "sim/metrics/quantiles.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>

namespace cleave {

namespace {

// A bin holds the values that share the sign, the exponent and the first 11 bits of the fraction of
// their floating-point representation; bins therefore ascend with the values.
constexpr int kFractionBits = 11;
constexpr int kShift = 52 - kFractionBits;
constexpr int kLowestExponent = -40;  // about a picosecond; smaller values share the first bin
constexpr int kHighestExponent = 40;
constexpr std::uint64_t kFirst = static_cast<std::uint64_t>(1023 + kLowestExponent)
                                 << kFractionBits;
constexpr std::uint64_t kBins = static_cast<std::uint64_t>(kHighestExponent - kLowestExponent)
                                << kFractionBits;

std::uint64_t bin_of(double value) {
  const std::uint64_t raw = std::bit_cast<std::uint64_t>(value) >> kShift;
  return std::min(raw > kFirst ? raw - kFirst : 0, kBins - 1);
}

double lower_end(std::uint64_t bin) { return std::bit_cast<double>((bin + kFirst) << kShift); }

/// Numbers as bits that ascend with them, and back.
constexpr std::uint64_t kSign = std::uint64_t{1} << 63;
std::uint64_t ascending(double value) {
  const auto bits = std::bit_cast<std::uint64_t>(value);
  return (bits & kSign) != 0 ? ~bits : bits | kSign;
}
double value_of(std::uint64_t bits) {
  return std::bit_cast<double>((bits & kSign) != 0 ? bits & ~kSign : ~bits);
}

/// Ascending. By digits from the last on, several times as fast as by comparing; every run ends
/// with a dozen of these.
void sort(std::vector<double>& values) {
  constexpr unsigned kDigitBits = 11;
  constexpr std::size_t kDigitValues = std::size_t{1} << kDigitBits;
  constexpr std::size_t kFew = 512;  // for which it is not worth its counters
  if (values.size() < kFew) {
    std::sort(values.begin(), values.end());
    return;
  }
  std::vector<std::uint64_t> keys(values.size());
  std::vector<std::uint64_t> sorted(values.size());
  std::transform(values.begin(), values.end(), keys.begin(), ascending);
  for (unsigned shift = 0; shift < 64; shift += kDigitBits) {
    const auto digit = [&](std::uint64_t key) { return (key >> shift) % kDigitValues; };
    std::array<std::size_t, kDigitValues + 1> from{};
    for (const std::uint64_t key : keys) ++from[digit(key) + 1];
    for (std::size_t i = 1; i <= kDigitValues; ++i) from[i] += from[i - 1];
    for (const std::uint64_t key : keys) sorted[from[digit(key)]++] = key;
    keys.swap(sorted);
  }
  std::transform(keys.begin(), keys.end(), values.begin(), value_of);
}

}  // namespace

void Quantiles::start_counting() {
  counts_.assign(kBins, 0);
  for (const double value : values_) ++counts_[bin_of(value)];
  values_ = {};
}

void Quantiles::count(double value, std::uint64_t weight) {
  if (counts_.empty()) start_counting();
  counts_[bin_of(value)] += weight;
}

void Quantiles::add_run(double first, double growth, std::uint64_t n, std::uint64_t weight) {
  if (n == 0 || weight == 0) return;
  const auto steps = static_cast<double>(n);
  const auto times = static_cast<double>(weight);
  const double last = first + growth * (steps - 1);
  const double sum = steps * (first + last) / 2;
  const double squares = steps * first * first + first * growth * steps * (steps - 1) +
                         growth * growth * (steps - 1) * steps * (2 * steps - 1) / 6;
  note(first, n * weight, times * sum, times * squares);
  largest_ = std::max(largest_, last);
  if (counts_.empty()) start_counting();
  std::uint64_t bin = bin_of(first);
  const std::uint64_t last_bin = bin_of(last);
  std::uint64_t done = 0;
  for (; bin < last_bin; ++bin) {
    const double inside = (lower_end(bin + 1) - first) / growth;
    const auto until = std::min(n, static_cast<std::uint64_t>(std::max(0.0, std::ceil(inside))));
    if (until <= done) continue;
    counts_[bin] += (until - done) * weight;
    done = until;
  }
  counts_[last_bin] += (n - done) * weight;
}

double Quantiles::deviation() const {
  if (count_ == 0) return 0;
  const double mean_value = mean();
  return std::sqrt(std::max(0.0, squares_ / static_cast<double>(count_) - mean_value * mean_value));
}

/// The values at ascending `ranks`; one pass over the bins.
std::vector<double> Quantiles::at_ranks(const std::vector<std::uint64_t>& ranks) const {
  std::vector<double> values;
  if (counts_.empty()) {
    if (!sorted_) sort(values_);
    sorted_ = true;
    for (const std::uint64_t rank : ranks) values.push_back(values_[rank]);
    return values;
  }
  std::uint64_t bin = bin_of(least_);
  std::uint64_t before = 0;  // values in lower bins
  for (const std::uint64_t rank : ranks) {
    while (before + counts_[bin] <= rank) before += counts_[bin++];
    const double inside =
        (static_cast<double>(rank - before) + 0.5) / static_cast<double>(counts_[bin]);
    const double low = lower_end(bin);
    values.push_back(std::clamp(low + (lower_end(bin + 1) - low) * inside, least_, largest_));
  }
  return values;
}

std::vector<double> Quantiles::quantiles(const std::vector<double>& shares) const {
  if (count_ == 0) return std::vector<double>(shares.size(), 0);
  std::vector<std::uint64_t> below;
  std::vector<std::uint64_t> above;
  for (const double share : shares) {
    below.push_back(static_cast<std::uint64_t>(share * static_cast<double>(count_ - 1)));
    above.push_back(std::min(below.back() + 1, count_ - 1));
  }
  const std::vector<double> low = at_ranks(below);
  const std::vector<double> high = at_ranks(above);
  std::vector<double> values;
  for (std::size_t i = 0; i < shares.size(); ++i) {
    const double rank = shares[i] * static_cast<double>(count_ - 1);
    const double part = rank - std::floor(rank);
    values.push_back(low[i] + (high[i] - low[i]) * part);
  }
  return values;
}

Json Quantiles::json() const {
  Json json{{kStatistics.front(), count_}};
  std::vector<double> values{mean(), deviation(), least(), largest()};
  const std::vector<double> inner = quantiles({0.5, 0.9, 0.95, 0.99, 0.999});
  values.insert(values.end(), inner.begin(), inner.end());
  for (std::size_t i = 0; i < values.size(); ++i) {
    json[kStatistics[i + 1]] = count_ == 0 ? Json() : Json(values[i]);
  }
  return json;
}

Json Quantiles::cumulative(std::size_t points) const {
  Json json = Json::array();
  if (count_ == 0) return json;
  std::vector<double> shares;
  for (std::size_t i = 0; i <= points; ++i) {
    shares.push_back(static_cast<double>(i) / static_cast<double>(points));
  }
  const std::vector<double> values = quantiles(shares);
  for (std::size_t i = 0; i <= points; ++i) json.push_back({values[i], shares[i]});
  return json;
}

}  // namespace cleave
