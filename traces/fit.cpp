#include <algorithm>
#include <cmath>
#include <sstream>

#include "traces/distribution.h"
#include "traces/statistics.h"

namespace cleave {

namespace {

constexpr std::size_t kQuantiles = 4001;

/// Numbers in files need no more digits than they mean.
double rounded(double value, double per_unit) { return std::round(value * per_unit) / per_unit; }

}  // namespace

Json fit_distribution(RequestSource& source, const DistributionOrigin& origin) {
  const TraceStatistics statistics = measure_trace(source);
  Json json;
  json["source"] = origin.source;
  json["licence"] = origin.licence;
  json["cite"] = origin.cite;
  json["requests"] = statistics.requests;
  json["duration_s"] = statistics.duration_s;
  json["rank_correlation"] = rounded(statistics.rank_correlation, 1e6);
  if (statistics.duration_s > 0) {
    // The rates of a slow trace keep their digits too, or all of them could become 0.
    double slowness = 1;
    while (statistics.mean_rate_rps * slowness < 1) slowness *= 10;
    json["mean_rate_rps"] = rounded(statistics.mean_rate_rps, 1e6 * slowness);
    json["gap_cv"] = rounded(statistics.gap_cv, 1e6);
    json["rate_bin_s"] = statistics.rate_bin_s;
    std::vector<double> rates = statistics.rates_rps;
    for (double& rate : rates) rate = rounded(rate, 1e4 * slowness);
    json["rates_rps"] = rates;
  }
  const std::size_t count = std::clamp<std::size_t>(statistics.requests, 2, kQuantiles);
  json["prompt_quantiles"] = statistics.prompt_tokens.quantiles(count);
  json["output_quantiles"] = statistics.output_tokens.quantiles(count);
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
    const std::size_t margin = line.size();
    out << "[\n";
    for (std::size_t i = 0; i < value.size(); ++i) {
      const std::string item = value[i].dump() + (i + 1 < value.size() ? "," : "");
      if (line.size() + item.size() > kWidth && line.size() > margin) {
        out << line << "\n";
        line.resize(margin);
      }
      line += item;
    }
    out << line << "\n  ]";
  }
  out << "\n}\n";
  return out.str();
}

}  // namespace cleave
