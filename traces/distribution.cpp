#include "traces/distribution.h"

#include <algorithm>

#include "traces/trace_reader.h"

namespace cleave {

namespace {

std::vector<std::uint32_t> read_quantiles(JsonReader& reader, const std::string& key) {
  const std::vector<double> values = reader.numbers(key, Range{1, kMaxTokens, false});
  if (values.size() < 2) {
    reader.fail(key, "expected at least two quantiles, the least and the largest length");
  }
  if (!std::is_sorted(values.begin(), values.end())) {
    reader.fail(key, "expected quantiles that never decrease");
  }
  std::vector<std::uint32_t> quantiles(values.size());
  std::transform(values.begin(), values.end(), quantiles.begin(),
                 [](double tokens) { return static_cast<std::uint32_t>(tokens); });
  return quantiles;
}

}  // namespace

Distribution read_distribution(const Json& json, const std::string& place) {
  JsonReader reader(json, place);
  for (const char* note : {"summary", "source", "licence", "cite"}) reader.text(note, "");
  Distribution result;
  reader.integer("requests", 1, std::int64_t{1} << 53, 1);
  reader.number("duration_s", kNonNegative, 0);
  result.prompt_quantiles = read_quantiles(reader, "prompt_quantiles");
  result.output_quantiles = read_quantiles(reader, "output_quantiles");
  result.rank_correlation = reader.number("rank_correlation", Range{-1, 1, false}, 0);
  result.mean_rate_rps = reader.number("mean_rate_rps", kNonNegative, 0);
  result.gap_cv = reader.number("gap_cv", kNonNegative, 0);
  if (reader.has("rates_rps")) {
    result.rate_bin_s = reader.number("rate_bin_s", kPositive);
    result.rates_rps = reader.numbers("rates_rps", kNonNegative);
    const auto& rates = result.rates_rps;
    if (!std::any_of(rates.begin(), rates.end(), [](double rate) { return rate > 0; })) {
      reader.fail("rates_rps", "expected at least one rate above 0");
    }
  }
  reader.finish();
  return result;
}

Distribution load_distribution(const std::string& name, const std::string& place) {
  const std::string shown = name.ends_with(".json") ? name : "traces/" + name + ".json";
  return read_distribution(load_profile("traces", "trace", name, place), shown);
}

}  // namespace cleave
