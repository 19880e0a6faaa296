#include "sim/metrics/quantiles.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <numeric>
#include <utility>

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

/// The bits of a number, which ascend with numbers.
std::uint64_t ascending(double value) {
  constexpr std::uint64_t kSign = std::uint64_t{1} << 63;
  const auto bits = std::bit_cast<std::uint64_t>(value);
  return (bits & kSign) != 0 ? ~bits : bits | kSign;
}

/// Values dealt out to drawers, each of a range of their bits, the first of all that is next to
/// nothing: drawers ascend with their values.
class Drawers {
 public:
  /// About 2^bits of them, or one for each value that there can be.
  Drawers(double least, double largest, int bits)
      : from_(ascending(std::max(least, kNextToNothing * std::abs(largest)))),
        to_(std::max(from_, ascending(largest))),
        shift_(std::max(0, static_cast<int>(std::bit_width(to_ - from_)) - bits)) {}

  std::size_t count() const { return ((to_ - from_) >> shift_) + 1; }
  std::size_t of(double value) const {
    return (std::clamp(ascending(value), from_, to_) - from_) >> shift_;
  }

 private:
  static constexpr double kNextToNothing = 1e-6;  // of the largest

  std::uint64_t from_;
  std::uint64_t to_;
  int shift_;
};

/// Ascending: dealt out to about as many drawers as there are values, then by comparing within
/// each. Every run ends with a dozen of these.
void sort(std::vector<double>& values) {
  constexpr std::size_t kFew = 64;  // for which it is not worth its counters
  constexpr int kMostBits = 18;
  if (values.size() < kFew) {
    std::sort(values.begin(), values.end());
    return;
  }
  const auto [least, largest] = std::minmax_element(values.begin(), values.end());
  const Drawers drawers(*least, *largest,
                        std::min(kMostBits, static_cast<int>(std::bit_width(values.size()))));
  // Where each drawer begins, and once all are dealt out, ends.
  std::vector<std::uint32_t> ends(drawers.count() + 1);
  for (const double value : values) ++ends[drawers.of(value) + 1];
  std::partial_sum(ends.begin(), ends.end(), ends.begin());
  std::vector<double> dealt(values.size());
  for (const double value : values) dealt[ends[drawers.of(value)]++] = value;
  auto begin = dealt.begin();
  for (const std::uint32_t place : ends) {
    const auto end = dealt.begin() + place;
    if (end - begin > 1) std::sort(begin, end);
    begin = end;
  }
  values.swap(dealt);
}

/// Those that would stand at these ascending ranks if they were sorted: only the drawers that they
/// are in are looked through.
std::vector<double> found_at(const std::vector<std::uint64_t>& ranks,
                             const std::vector<double>& values, double least, double largest) {
  constexpr int kBits = 11;
  constexpr std::uint32_t kNotWanted = 0xffffffffU;
  const Drawers drawers(least, largest, kBits);
  std::vector<std::uint32_t> counts(drawers.count());
  std::vector<std::uint16_t> drawer_of;
  drawer_of.reserve(values.size());
  for (const double value : values) {
    drawer_of.push_back(static_cast<std::uint16_t>(drawers.of(value)));
    ++counts[drawer_of.back()];
  }
  std::vector<std::uint32_t> begins(drawers.count(), kNotWanted);  // of those that are wanted
  std::vector<std::uint32_t> places;                               // of the ranks
  std::uint32_t taken = 0;
  std::uint64_t before = 0;  // values in lower drawers
  std::size_t drawer = 0;
  for (const std::uint64_t rank : ranks) {
    while (before + counts[drawer] <= rank) before += counts[drawer++];
    if (begins[drawer] == kNotWanted) {
      begins[drawer] = taken;
      taken += counts[drawer];
    }
    places.push_back(taken - counts[drawer] + static_cast<std::uint32_t>(rank - before));
  }
  std::vector<double> wanted(taken);
  for (std::size_t i = 0; i < values.size(); ++i) {
    std::uint32_t& place = begins[drawer_of[i]];
    if (place != kNotWanted) wanted[place++] = values[i];
  }
  std::vector<double> found;
  auto from = wanted.begin();
  for (const std::uint32_t place : places) {
    const auto at = wanted.begin() + place;
    std::nth_element(from, at, wanted.end());
    from = at;
    found.push_back(*at);
  }
  return found;
}

}  // namespace

void Quantiles::start_counting() {
  counting_ = true;
  for (const double value : values_) counts_.add(bin_of(value), 1);
  values_ = {};
}

void Quantiles::count(double value, std::uint64_t weight) {
  if (!counting_) start_counting();
  counts_.add(bin_of(value), weight);
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
  if (!counting_) start_counting();
  std::uint64_t bin = bin_of(first);
  const std::uint64_t last_bin = bin_of(last);
  std::uint64_t done = 0;
  for (; bin < last_bin; ++bin) {
    const double inside = (lower_end(bin + 1) - first) / growth;
    const auto until = std::min(n, static_cast<std::uint64_t>(std::max(0.0, std::ceil(inside))));
    if (until <= done) continue;
    counts_.add(bin, (until - done) * weight);
    done = until;
  }
  counts_.add(last_bin, (n - done) * weight);
}

double Quantiles::deviation() const {
  if (count_ == 0) return 0;
  const double mean_value = mean();
  return std::sqrt(std::max(0.0, squares_ / static_cast<double>(count_) - mean_value * mean_value));
}

/// The values at ascending `ranks`; one pass over the bins.
std::vector<double> Quantiles::at_ranks(const std::vector<std::uint64_t>& ranks) const {
  constexpr std::size_t kFew = 16;  // cheaper to find than to sort all
  std::vector<double> values;
  if (!counting_) {
    const bool asked_before = std::exchange(asked_, true);
    if (!sorted_ && !asked_before && ranks.size() <= kFew) {
      return found_at(ranks, values_, least_, largest_);
    }
    if (!sorted_) sort(values_);
    sorted_ = true;
    for (const std::uint64_t rank : ranks) values.push_back(values_[rank]);
    return values;
  }
  std::uint64_t bin = bin_of(least_);
  std::uint64_t before = 0;  // values in lower bins
  for (const std::uint64_t rank : ranks) {
    while (before + counts_.of(bin) <= rank) before += counts_.of(bin++);
    const double inside =
        (static_cast<double>(rank - before) + 0.5) / static_cast<double>(counts_.of(bin));
    const double low = lower_end(bin);
    values.push_back(std::clamp(low + (lower_end(bin + 1) - low) * inside, least_, largest_));
  }
  return values;
}

std::vector<double> Quantiles::quantiles(const std::vector<double>& shares) const {
  if (count_ == 0) return std::vector<double>(shares.size(), 0);
  const auto below = [&](double share) {
    return static_cast<std::uint64_t>(share * static_cast<double>(count_ - 1));
  };
  const auto above = [&](double share) { return std::min(below(share) + 1, count_ - 1); };
  std::vector<std::uint64_t> ranks;
  for (const double share : shares) ranks.insert(ranks.end(), {below(share), above(share)});
  std::sort(ranks.begin(), ranks.end());
  ranks.erase(std::unique(ranks.begin(), ranks.end()), ranks.end());
  const std::vector<double> found = at_ranks(ranks);
  const auto at = [&](std::uint64_t rank) {
    return found[static_cast<std::size_t>(std::lower_bound(ranks.begin(), ranks.end(), rank) -
                                          ranks.begin())];
  };
  std::vector<double> values;
  for (const double share : shares) {
    const double rank = share * static_cast<double>(count_ - 1);
    const double low = at(below(share));
    values.push_back(low + (at(above(share)) - low) * (rank - std::floor(rank)));
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
