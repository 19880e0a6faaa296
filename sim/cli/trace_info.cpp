#include "sim/cli/trace_info.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <numeric>

namespace cleave {

namespace {

constexpr std::size_t kColumns = 60;
constexpr std::size_t kRows = 8;

/// Four significant digits, without an exponent where the number is of a common size.
std::string figure(double value) {
  char text[32];
  const char* format = std::abs(value) >= 1000 && std::abs(value) < 1e9 ? "%.0f" : "%.4g";
  std::snprintf(text, sizeof text, format, value);
  return text;
}

/// 3436 s as "57 min 16 s"; less than a minute with decimals.
std::string clock_text(double seconds) {
  if (seconds < 60) return figure(seconds) + " s";
  const struct {
    double length_s;
    const char* unit;
  } units[] = {{86400, "d"}, {3600, "h"}, {60, "min"}, {1, "s"}};
  double left_s = std::round(seconds);
  std::string text;
  for (const auto& [length_s, unit] : units) {
    const double count = std::floor(left_s / length_s);
    left_s -= count * length_s;
    if (count == 0) continue;
    if (!text.empty()) text += " ";
    text += figure(count) + " " + unit;
  }
  return text;
}

std::string left(std::string text, std::size_t width) {
  text.resize(std::max(width, text.size()), ' ');
  return text;
}

std::string right(const std::string& text, std::size_t width) {
  return std::string(width - std::min(width, text.size()), ' ') + text;
}

std::string length_table(const TraceStatistics& statistics) {
  constexpr std::size_t kWidth = 9;
  const std::vector<std::pair<std::string, double>> shares = {
      {"min", 0},    {"p50", 0.5},     {"p90", 0.9}, {"p95", 0.95},
      {"p99", 0.99}, {"p99.9", 0.999}, {"max", 1}};
  std::string text = left("tokens", kWidth) + right("mean", kWidth) + right("std", kWidth);
  for (const auto& [name, share] : shares) text += right(name, kWidth);
  text += "\n";
  const auto row = [&](const std::string& name, const TokenCounts& counts) {
    text += left(name, kWidth) + right(figure(counts.mean()), kWidth) +
            right(figure(counts.deviation()), kWidth);
    for (const auto& share : shares) {
      text += right(std::to_string(counts.quantile(share.second)), kWidth);
    }
    text += "\n";
  };
  row("prompt", statistics.prompt_tokens);
  row("output", statistics.output_tokens);
  return text;
}

std::string prefix_text(const TraceStatistics& statistics) {
  if (!statistics.prefix) return "not known (the format has no block ids)";
  constexpr double kPercent = 100;
  const PrefixSharing& prefix = *statistics.prefix;
  return figure(kPercent * prefix.share()) + " % of " + std::to_string(prefix.blocks) +
         " prompt blocks of " + std::to_string(prefix.block_tokens) + " tokens were seen before";
}

std::vector<double> averaged(const std::vector<double>& values, std::size_t group) {
  std::vector<double> means;
  for (std::size_t at = 0; at < values.size(); at += group) {
    const auto begin = values.begin() + static_cast<std::ptrdiff_t>(at);
    const std::size_t count = std::min(group, values.size() - at);
    const auto end = begin + static_cast<std::ptrdiff_t>(count);
    means.push_back(std::accumulate(begin, end, 0.0) / static_cast<double>(count));
  }
  return means;
}

/// 1, 2 or 5 times a power of ten: the shortest bin that gives no more columns than the chart has.
double chart_bin(double duration_s) {
  double bin_s = std::pow(10, std::floor(std::log10(duration_s / kColumns)));
  for (const double factor : {2.0, 2.5, 2.0}) {
    if (duration_s <= kColumns * bin_s) break;
    bin_s *= factor;
  }
  return bin_s;
}

}  // namespace

std::string trace_field(const std::string& name, const std::string& value) {
  constexpr std::size_t kNames = 18;
  return left(name, kNames) + value + "\n";
}

RateOverTime rate_over_time(const TraceStatistics& statistics, RequestSource& again) {
  constexpr std::size_t kEnough = 20;
  RateOverTime result{statistics.rates_rps, statistics.rate_bin_s};
  if (result.rates_rps.size() >= kEnough || statistics.duration_s <= 0) return result;
  result.bin_s = chart_bin(statistics.duration_s);
  const double bins = std::max(1.0, std::floor(statistics.duration_s / result.bin_s));
  result.rates_rps.assign(static_cast<std::size_t>(bins), 0);
  Request request;
  while (again.next(request)) {
    const double bin = (request.arrival_s - statistics.first_arrival_s) / result.bin_s;
    if (bin < bins) result.rates_rps[static_cast<std::size_t>(bin)] += 1 / result.bin_s;
  }
  return result;
}

std::string rate_chart(const RateOverTime& rate) {
  const auto& [rates_rps, bin_s] = rate;
  if (rates_rps.empty()) return "";
  const std::size_t group = (rates_rps.size() + kColumns - 1) / kColumns;
  const std::vector<double> columns = averaged(rates_rps, group);
  const double column_s = bin_s * static_cast<double>(group);
  const double most = *std::max_element(columns.begin(), columns.end());
  const std::string top = figure(most);
  const std::size_t margin = std::max<std::size_t>(top.size(), 6);
  std::string text = "requests/s over time (a column is " + clock_text(column_s) + ")\n";
  for (std::size_t row = kRows; row > 0; --row) {
    std::string line;
    for (const double height : columns) {
      // A rate above 0 is never without a mark.
      const bool marked =
          height > 0 && (row == 1 || height * kRows >= most * (static_cast<double>(row) - 0.5));
      line += marked ? '#' : ' ';
    }
    line.erase(line.find_last_not_of(' ') + 1);
    text += right(row == kRows ? top : "", margin) + " |" + line;
    text += "\n";
  }
  text += right("0", margin) + " +";
  text += std::string(columns.size(), '-') + "\n";
  return text;
}

std::string trace_info_text(const TraceStatistics& statistics, const std::string& file,
                            const std::string& format, const RateOverTime& rate) {
  const bool spread = statistics.duration_s > 0;
  std::string text = trace_field("file", file) + trace_field("format", format) +
                     trace_field("requests", std::to_string(statistics.requests));
  text += trace_field("first arrival", figure(statistics.first_arrival_s) + " s");
  std::string duration = figure(statistics.duration_s) + " s";
  if (statistics.duration_s >= 60) duration.append(", ").append(clock_text(statistics.duration_s));
  text += trace_field("duration", duration);
  text += trace_field("mean rate", spread ? figure(statistics.mean_rate_rps) + " requests/s"
                                          : "not known (all requests arrive at once)");
  std::string peak = figure(statistics.peak_rate_1s_rps) + " requests/s in one second";
  if (statistics.duration_s >= 60) {
    peak.append(", ").append(figure(statistics.peak_rate_60s_rps)).append(" in one minute");
  }
  text += trace_field("peak rate", peak);
  if (spread) {
    text += trace_field("burstiness",
                        figure(statistics.gap_cv) + " (CV of the gaps; Poisson arrivals have 1)");
  }
  text += trace_field("rank correlation", figure(statistics.rank_correlation) +
                                              " (prompt with output tokens, Spearman)");
  text += trace_field("prefix sharing", prefix_text(statistics));
  text += "\n";
  text += length_table(statistics);
  if (spread) text.append("\n").append(rate_chart(rate));
  return text;
}

}  // namespace cleave
