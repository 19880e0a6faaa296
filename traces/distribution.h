#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "sim/base/json_reader.h"
#include "sim/base/setting.h"
#include "traces/request.h"

namespace cleave {

/// What is kept of a trace to generate traffic like it: the distribution of its lengths, how they
/// go together, and its arrival rate over time. Stored as JSON under the same names, with its
/// origin.
struct Distribution {
  std::vector<std::uint32_t> prompt_quantiles;  ///< [i] is exceeded by a share 1 - i/(size-1)
  std::vector<std::uint32_t> output_quantiles;
  double rank_correlation = 0;    ///< Spearman's, of prompt with output tokens
  double mean_rate_rps = 0;       ///< 0 where not known
  double gap_cv = 0;              ///< coefficient of variation of the gaps between arrivals
  double rate_bin_s = 0;          ///< length of each entry of rates_rps
  std::vector<double> rates_rps;  ///< arrival rate over time; may be empty
};

/// The value at a share from 0 to 1 of such quantiles: on a straight line between two of them.
double quantile_at(const std::vector<std::uint32_t>& quantiles, double share);

/// Two quantiles at least that never decrease.
std::vector<std::uint32_t> read_quantiles(JsonReader& reader, const Setting& setting);

/// Reads and checks a distribution; `place` names it in errors.
Distribution read_distribution(const Json& json, const std::string& place);

/// A built-in distribution ("azure-2023-conv"), which is read once, or one from a file whose name
/// ends with ".json". `place` names the setting that asked for it.
std::shared_ptr<const Distribution> load_distribution(const std::string& name,
                                                      const std::string& place);

bool is_builtin_trace(const std::string& trace);
/// Throws InputError where `trace` can only be the mistyped name of a built-in distribution: it has
/// neither path nor ending, and is no file either. `place` names what asked for it.
void check_trace_name(const std::string& place, const std::string& trace);

/// Where a distribution comes from; kept in its file.
struct DistributionOrigin {
  std::string source;
  std::string licence;
  std::string cite;
};

/// Reads the whole trace and describes it as read_distribution() reads it. Quantiles are 4001
/// values of the trace itself, the least and largest among them (fewer for short traces); the rest
/// is as in measure_trace() (traces/statistics.h).
Json fit_distribution(RequestSource& source, const DistributionOrigin& origin = {});

/// The text of a distribution file: one field a line, long lists wrapped.
std::string distribution_text(const Json& distribution);

}  // namespace cleave
