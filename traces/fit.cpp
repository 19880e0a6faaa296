#include <algorithm>
#include <cmath>
#include <sstream>

#include "sim/base/error.h"
#include "traces/distribution.h"
#include "traces/moments.h"

namespace cleave {

namespace {

constexpr std::size_t kIntervals = 4000;

struct Row {
  std::uint32_t prompt;
  std::uint32_t output;
};

/// How often each value occurs among one member of the lengths.
std::vector<std::uint64_t> histogram(const std::vector<Row>& all, std::uint32_t Row::*of) {
  std::vector<std::uint64_t> counts;
  for (const Row& row : all) {
    if (row.*of >= counts.size()) counts.resize(row.*of + std::size_t{1});
    ++counts[row.*of];
  }
  return counts;
}

std::vector<std::uint32_t> quantiles(const std::vector<std::uint64_t>& counts,
                                     std::uint64_t total) {
  const std::size_t intervals = std::clamp<std::size_t>(total - 1, 1, kIntervals);
  std::vector<std::uint32_t> values;
  std::uint32_t value = 0;
  std::uint64_t passed = counts[0];
  for (std::size_t i = 0; i <= intervals; ++i) {
    const double at = static_cast<double>(i) / static_cast<double>(intervals);
    const auto position = static_cast<std::uint64_t>(at * static_cast<double>(total - 1) + 0.5);
    while (passed <= position) passed += counts[++value];
    values.push_back(value);
  }
  return values;
}

/// The rank of each value, averaged over the requests that share it.
std::vector<double> ranks(const std::vector<std::uint64_t>& counts) {
  std::vector<double> result(counts.size());
  double below = 0;
  for (std::size_t value = 0; value < counts.size(); ++value) {
    const auto count = static_cast<double>(counts[value]);
    result[value] = below + 0.5 * (count + 1);
    below += count;
  }
  return result;
}

/// Numbers in files need no more digits than they mean.
double rounded(double value, double per_unit) { return std::round(value * per_unit) / per_unit; }

/// The finest of a few round bins that holds 100 requests on average and gives at most 2,000 bins.
double rate_bin(double duration_s, double requests) {
  constexpr double kBins[] = {1, 10, 60, 600, 3600, 86400};
  for (const double bin_s : kBins) {
    if (bin_s * requests >= 100 * duration_s && duration_s <= 2000 * bin_s) return bin_s;
  }
  return kBins[5];
}

std::vector<double> rates(const std::vector<double>& arrivals_s, double duration_s, double bin_s) {
  // A last bin that the trace fills only in part would show a rate that never was: it joins none.
  const auto bins = std::max<std::size_t>(1, static_cast<std::size_t>(duration_s / bin_s));
  std::vector<double> result(bins);
  const double length_s = bins == 1 ? std::min(bin_s, duration_s) : bin_s;
  for (const double at : arrivals_s) {
    const auto bin = static_cast<std::size_t>((at - arrivals_s.front()) / bin_s);
    if (bin < bins) result[bin] += 1 / length_s;
  }
  for (double& rate : result) rate = rounded(rate, 1e4);
  return result;
}

}  // namespace

Json fit_distribution(RequestSource& source, const DistributionOrigin& origin) {
  std::vector<Row> lengths;
  std::vector<double> arrivals_s;
  Moments gaps;
  Request request;
  while (source.next(request)) {
    if (!arrivals_s.empty()) gaps.add(request.arrival_s - arrivals_s.back());
    lengths.push_back({request.prompt_tokens, request.output_tokens});
    arrivals_s.push_back(request.arrival_s);
  }
  if (lengths.empty()) throw InputError("empty trace; expected at least one request to fit");

  const auto prompts = histogram(lengths, &Row::prompt);
  const auto outputs = histogram(lengths, &Row::output);
  const auto prompt_ranks = ranks(prompts);
  const auto output_ranks = ranks(outputs);
  PairMoments together;
  for (const Row& pair : lengths) {
    together.add(prompt_ranks[pair.prompt], output_ranks[pair.output]);
  }

  const double duration_s = arrivals_s.back() - arrivals_s.front();
  Json json;
  json["source"] = origin.source;
  json["licence"] = origin.licence;
  json["cite"] = origin.cite;
  json["requests"] = lengths.size();
  json["duration_s"] = duration_s;
  json["rank_correlation"] = rounded(together.correlation(), 1e6);
  if (duration_s > 0) {
    const double bin_s = rate_bin(duration_s, static_cast<double>(lengths.size()));
    json["mean_rate_rps"] = rounded(1 / gaps.mean(), 1e6);
    json["gap_cv"] = rounded(gaps.deviation() / gaps.mean(), 1e6);
    json["rate_bin_s"] = bin_s;
    json["rates_rps"] = rates(arrivals_s, duration_s, bin_s);
  }
  json["prompt_quantiles"] = quantiles(prompts, lengths.size());
  json["output_quantiles"] = quantiles(outputs, lengths.size());
  return json;
}

std::string distribution_text(const Json& distribution) {
  constexpr std::size_t kWidth = 100;
  std::ostringstream out;
  out << "{";
  const char* separator = "\n";
  for (const auto& [key, value] : distribution.items()) {
    out << separator << "  " << Json(key).dump() << ": ";
    separator = ",\n";
    if (!value.is_array()) {
      out << value.dump();
      continue;
    }
    std::string line = "    ";
    out << "[\n";
    for (std::size_t i = 0; i < value.size(); ++i) {
      const std::string item = value[i].dump() + (i + 1 < value.size() ? "," : "");
      if (line.size() + item.size() > kWidth) {
        out << line << "\n";
        line = "    ";
      }
      line += item;
    }
    out << line << "\n  ]";
  }
  out << "\n}\n";
  return out.str();
}

}  // namespace cleave
