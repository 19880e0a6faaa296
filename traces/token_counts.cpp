#include "traces/token_counts.h"

#include <cmath>

namespace cleave {

namespace {

constexpr std::uint32_t kCommon = 1 << 20;

}  // namespace

void TokenCounts::add(std::uint32_t tokens) {
  ++total_;
  if (tokens >= kCommon) {
    ++rest_[tokens];
    return;
  }
  if (tokens >= counts_.size()) counts_.resize(tokens + std::size_t{1});
  ++counts_[tokens];
}

void TokenCounts::for_each(const std::function<void(std::uint32_t, std::uint64_t)>& call) const {
  for (std::size_t tokens = 0; tokens < counts_.size(); ++tokens) {
    if (counts_[tokens] > 0) call(static_cast<std::uint32_t>(tokens), counts_[tokens]);
  }
  for (const auto& [tokens, count] : rest_) call(tokens, count);
}

double TokenCounts::mean() const {
  double sum = 0;
  for_each([&](std::uint32_t tokens, std::uint64_t count) {
    sum += static_cast<double>(tokens) * static_cast<double>(count);
  });
  return total_ == 0 ? 0 : sum / static_cast<double>(total_);
}

double TokenCounts::deviation() const {
  const double middle = mean();
  double sum = 0;
  for_each([&](std::uint32_t tokens, std::uint64_t count) {
    const double off = static_cast<double>(tokens) - middle;
    sum += off * off * static_cast<double>(count);
  });
  return total_ == 0 ? 0 : std::sqrt(sum / static_cast<double>(total_));
}

std::uint32_t TokenCounts::quantile(double p) const {
  if (total_ == 0) return 0;
  const auto position =
      static_cast<std::uint64_t>(std::llround(p * static_cast<double>(total_ - 1)));
  std::uint64_t passed = 0;
  std::uint32_t found = 0;
  for_each([&](std::uint32_t tokens, std::uint64_t count) {
    if (passed <= position) found = tokens;
    passed += count;
  });
  return found;
}

std::vector<std::uint32_t> TokenCounts::quantiles(std::size_t count) const {
  std::vector<std::uint32_t> values;
  std::uint64_t passed = 0;
  for_each([&](std::uint32_t tokens, std::uint64_t times) {
    passed += times;
    while (values.size() < count) {
      const double p = static_cast<double>(values.size()) / static_cast<double>(count - 1);
      const auto position =
          static_cast<std::uint64_t>(std::llround(p * static_cast<double>(total_ - 1)));
      if (position >= passed) break;
      values.push_back(tokens);
    }
  });
  return values;
}

}  // namespace cleave
