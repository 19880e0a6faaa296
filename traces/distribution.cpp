#include "traces/distribution.h"

#include <algorithm>
#include <map>

#include "sim/base/builtin.h"
#include "sim/base/error.h"
#include "sim/base/files.h"
#include "sim/base/reference.h"
#include "traces/trace_reader.h"

namespace cleave {

namespace {

const Setting kRequests{"requests", 1, "requests", "that it was made from",
                        whole(1, std::int64_t{1} << 53)};
const Setting kDuration{"duration_s", 0, "s", "over which these came", in(kNonNegative)};
const Setting kPrompts{"prompt_quantiles", nullptr, "tokens",
                       "of prompts, evenly spaced, from the least to the largest",
                       in({1, kMaxTokens, false}).each()};
const Setting kOutputs{"output_quantiles", nullptr, "tokens", "of outputs, the same",
                       in({1, kMaxTokens, false}).each()};
const Setting kCorrelation{"rank_correlation", 0, "", "of prompts and outputs", in({-1, 1, false})};
const Setting kMeanRate{"mean_rate_rps", 0, "requests/s", "of the trace", in(kNonNegative)};
const Setting kGapCv{"gap_cv", 0, "", "coefficient of variation of its gaps", in(kNonNegative)};
const Setting kRates{"rates_rps", nullptr, "requests/s", "over time, for arrivals \"trace\"",
                     in(kNonNegative).each()};
const Setting kBin{"rate_bin_s", nullptr, "s", "of each of these", in(kPositive)};
const std::vector<std::string> kNotes{"summary", "source", "licence", "cite"};

std::vector<Setting> settings() {
  std::vector<Setting> all{kRequests, kDuration, kPrompts, kOutputs, kCorrelation,
                           kMeanRate, kGapCv,    kRates,   kBin};
  for (const std::string& note : kNotes)
    all.push_back({note, "", "", "said of it", words("a text")});
  return all;
}
const Reference::Entry kEntry{{"profile", "workload",
                               "A distribution of lengths; cleave trace fit makes one of a trace.",
                               settings()}};

}  // namespace

double quantile_at(const std::vector<std::uint32_t>& quantiles, double share) {
  const double position = share * static_cast<double>(quantiles.size() - 1);
  const std::size_t i = std::min(static_cast<std::size_t>(position), quantiles.size() - 2);
  const double low = quantiles[i];
  const double high = quantiles[i + 1];
  return low + (position - static_cast<double>(i)) * (high - low);
}

bool is_builtin_trace(const std::string& trace) {
  const std::vector<std::string> known = builtin_names("traces");
  return std::find(known.begin(), known.end(), trace) != known.end();
}

void check_trace_name(const std::string& place, const std::string& trace) {
  const bool like_file = trace.find_first_of("./") != std::string::npos;
  if (!like_file && !is_builtin_trace(trace) && !file_exists(trace)) {
    throw_unknown_name(place, "trace", trace, builtin_names("traces"));
  }
}

std::vector<std::uint32_t> read_quantiles(JsonReader& reader, const Setting& setting) {
  const std::string& key = setting.name;
  const std::vector<double> values = setting.numbers(reader);
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

Distribution read_distribution(const Json& json, const std::string& place) {
  JsonReader reader(json, place);
  if (json.contains("clients")) {
    throw InputError(place + ": is a mix of clients; expected a distribution of lengths");
  }
  for (const std::string& note : kNotes) reader.text(note, "");
  Distribution result;
  kRequests.integer(reader);
  kDuration.number(reader);
  result.prompt_quantiles = read_quantiles(reader, kPrompts);
  result.output_quantiles = read_quantiles(reader, kOutputs);
  result.rank_correlation = kCorrelation.number(reader);
  result.mean_rate_rps = kMeanRate.number(reader);
  result.gap_cv = kGapCv.number(reader);
  if (kRates.given(reader)) {
    result.rate_bin_s = kBin.number(reader);
    result.rates_rps = kRates.numbers(reader);
    const auto& rates = result.rates_rps;
    if (!std::any_of(rates.begin(), rates.end(), [](double rate) { return rate > 0; })) {
      reader.fail("rates_rps", "expected at least one rate above 0");
    }
  }
  reader.finish();
  return result;
}

std::shared_ptr<const Distribution> load_distribution(const std::string& name,
                                                      const std::string& place) {
  const auto load = [&](const std::string& shown) {
    return std::make_shared<const Distribution>(
        read_distribution(load_profile("traces", "trace", name, place), shown));
  };
  if (name.ends_with(".json")) return load(name);
  // For processes forked from this one as well.
  static std::map<std::string, std::shared_ptr<const Distribution>> read;
  auto& known = read[name];
  if (!known) known = load("traces/" + name + ".json");
  return known;
}

}  // namespace cleave
