#pragma once

#include <optional>
#include <vector>

#include "sim/explore/measured_point.h"

namespace cleave {

/// One request of a measured run.
struct MeasuredRequest {
  double start_s = 0;  ///< when it was sent, by any clock
  double prompt_tokens = 0;
  double output_tokens = 0;
  MeasuredFigures figures;  ///< output_tokens_per_s stays empty
};

/// Time per token after the first, the benchmarks' TPOT; nothing where there is no second token.
std::optional<double> tpot_of(double ttft_s, double e2e_s, double output_tokens);

/// Makes `point` the run of these requests, whatever their order: sent when they were, with the
/// lengths that they had, at most point.concurrency at once where that is known. What was measured
/// is the mean over them. `left_out` requests more, which failed, are not simulated.
void describe_requests(std::vector<MeasuredRequest> requests, std::size_t left_out,
                       MeasuredPoint& point);

/// A run of which a file has means only. How its requests were sent: `arrivals` as in a workload,
/// with point.concurrency or `rate_rps`; "" where the file does not say.
struct MeasuredMeans {
  double prompt_tokens = 0;
  double output_tokens = 0;
  double requests = 0;
  std::string arrivals;
  std::optional<double> rate_rps;
  MeasuredFigures figures;
};
/// Makes `point` that run, of requests that are all as long. `where` names it in errors: lengths
/// and requests are needed.
void describe_means(const MeasuredMeans& means, const std::string& where, MeasuredPoint& point);

/// What a client of a server knows of a scenario, with point.llm and point.engine; "" where it does
/// not know them.
Json served_scenario(const MeasuredPoint& point);

/// What benchmarks say at `pointer`, a JSON pointer such as "/args/model"; nothing, or "", where
/// there is none, or something else.
std::optional<double> number_at(const Json& json, const std::string& pointer);
std::string text_at(const Json& json, const std::string& pointer);
/// A number from 1 to a million as a count; 0 where there is none.
std::uint32_t count_at(const Json& json, const std::string& pointer);
/// The first of the texts that is there.
std::string first_text_at(const Json& json, const std::vector<std::string>& pointers);

}  // namespace cleave
