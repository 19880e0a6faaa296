#include "models/latency/expert_load.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "sim/base/random.h"

namespace cleave {

namespace {

/// So many groups stand for the experts of a part.
constexpr std::size_t kGroups = 24;

double sum(const std::vector<double>& values) {
  return std::accumulate(values.begin(), values.end(), 0.0);
}

/// Parts of as many experts each, the shares of each.
using Parts = std::vector<std::vector<double>>;

Parts at_random(std::vector<double> shares, std::uint32_t parts) {
  constexpr std::uint64_t kPlacement = 0x6578706572747321;
  Random random(kPlacement, 0);
  for (std::size_t i = shares.size(); i > 1; --i) {
    std::swap(shares[i - 1],
              shares[static_cast<std::size_t>(random.uniform() * static_cast<double>(i))]);
  }
  Parts all(parts);
  for (std::size_t i = 0; i < shares.size(); ++i)
    all[i * parts / shares.size()].push_back(shares[i]);
  return all;
}

/// The most asked for first, each to the part with the least to do that has a place left.
Parts spread(const std::vector<double>& shares, std::uint32_t parts) {
  const std::size_t places = (shares.size() + parts - 1) / parts;
  Parts all(parts);
  std::vector<double> load(parts);
  for (const double share : shares) {
    std::size_t least = parts;
    for (std::size_t i = 0; i < parts; ++i) {
      if (all[i].size() < places && (least == parts || load[i] < load[least])) least = i;
    }
    all[least].push_back(share);
    load[least] += share;
  }
  return all;
}

}  // namespace

std::vector<double> expert_shares(std::uint32_t experts, std::uint32_t asked, double skew) {
  std::vector<double> shares(experts);
  for (std::uint32_t i = 0; i < experts; ++i) shares[i] = std::pow(i + 1.0, -skew);
  // Those that all tokens ask for leave the rest to the others.
  std::size_t whole = 0;
  for (;;) {
    const double rest =
        std::accumulate(shares.begin() + static_cast<std::ptrdiff_t>(whole), shares.end(), 0.0);
    const double factor = (asked - static_cast<double>(whole)) / rest;
    for (std::size_t i = whole; i < shares.size(); ++i) shares[i] *= factor;
    if (whole == shares.size() || shares[whole] < 1) return shares;
    while (whole < shares.size() && shares[whole] >= 1) shares[whole++] = 1;
    if (whole >= asked) return shares;
  }
}

ExpertLoad::ExpertLoad(std::uint32_t experts, std::uint32_t asked, std::uint32_t parts,
                       const ExpertSkew& skew)
    : parts_(parts), here_(1.0 * experts / parts), most_asked_(std::min<double>(asked, here_)) {
  if (skew.skew == 0 || experts <= asked) {
    busiest_ = {{1.0 * asked / experts, here_}};
    routed_each_ = 1.0 * asked / parts;
    return;
  }
  const std::vector<double> shares = expert_shares(experts, asked, skew.skew);
  const Parts all = skew.balanced ? spread(shares, parts) : at_random(shares, parts);
  std::vector<double> most = *std::max_element(
      all.begin(), all.end(), [](const auto& a, const auto& b) { return sum(a) < sum(b); });
  std::sort(most.rbegin(), most.rend());
  routed_each_ = sum(most);
  for (std::size_t group = 0; group < std::min(kGroups, most.size()); ++group) {
    // Few of those at the front, which differ most.
    const auto edge = [&](std::size_t i) {
      const double part = static_cast<double>(i) / static_cast<double>(kGroups);
      const auto place = static_cast<std::size_t>(static_cast<double>(most.size()) * part * part);
      return most.size() <= kGroups ? i : std::max(i, place);
    };
    const std::size_t from = edge(group);
    const std::size_t to = group + 1 == kGroups ? most.size() : edge(group + 1);
    double alike = 0;
    for (std::size_t i = from; i < to; ++i) alike += most[i];
    const auto count = static_cast<double>(to - from);
    if (count > 0) busiest_.push_back({alike / count, count});
  }
}

ExpertLoad::Busiest ExpertLoad::of(double tokens) const {
  Busiest busiest;
  double spread = 0;
  for (const Alike& alike : busiest_) {
    const double asked = 1 - std::pow(1 - alike.share, tokens);
    const double touched = alike.count * asked;
    busiest.touched += touched;
    spread += touched * (1 - asked);
  }
  busiest.routed = tokens * routed_each_;
  if (parts_ == 1) return busiest;
  const double beyond = std::sqrt(2 * std::log(parts_));
  busiest.touched = std::min(here_, busiest.touched + beyond * std::sqrt(spread));
  busiest.routed =
      std::min(tokens * most_asked_, busiest.routed + beyond * std::sqrt(busiest.routed));
  return busiest;
}

}  // namespace cleave
