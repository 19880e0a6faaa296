#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "sim/explore/measured_point.h"
#include "sim/scenario/scenario.h"

namespace cleave {

/// A measured run beside its simulation. Errors are predicted / measured - 1; nothing where one of
/// both is not known.
struct ValidatedPoint {
  MeasuredPoint point;
  MeasuredFigures predicted;
  std::string failed;  ///< why the scenario could not be simulated; "" where it could
  bool described() const { return point.why_not.empty() && failed.empty(); }
};

std::optional<double> signed_error(const std::optional<double>& predicted,
                                   const std::optional<double>& measured);

/// Of the errors of a group.
struct ErrorFigures {
  std::size_t count = 0;
  double median = 0;  ///< of the absolute
  double mean = 0;    ///< the same
  double p90 = 0;     ///< the same
  double bias = 0;    ///< median of the signed
};
std::optional<ErrorFigures> error_figures(std::vector<double> errors);

/// Puts together what a file, --scenario and --set say of a run.
Json scenario_of_point(const MeasuredPoint& point, const MeasuredSources& sources);

/// Sequences that a measured run decoded at once, in the mean, and tokens of each in its KV cache.
struct DecodedAtOnce {
  double sequences = 1;
  double kv_tokens = 0;
};
/// Of a closed loop by Little's law: of all that were in progress, those between the first token
/// and the last, by the measured times; less a tenth, as the loop fills and drains. One sequence
/// where the run does not say.
DecodedAtOnce decoded_at_once(const MeasuredPoint& point);

/// The least time per output token that the data sheets of the scenario's GPUs allow: reading once
/// what these sequences need of the weights, and their KV caches, by all GPUs that decode, divided
/// by the tokens that a step can give with speculation.
double least_tpot_s(const Scenario& scenario, const DecodedAtOnce& at_once);

/// One simulation: what it predicts; in this process, where no other ran.
MeasuredFigures predict(const Scenario& scenario);
/// For the way from one process to another.
Json figures_text(const MeasuredFigures& figures);
MeasuredFigures figures_of(const Json& text);

/// Simulates every point that can be described, at most `parallel` at a time; `done` is called
/// after each. `kept` is a file that predictions are kept in, a line each, and taken from where the
/// same program made them of the same scenario; "" for none.
std::vector<ValidatedPoint> validate(const std::vector<MeasuredPoint>& points,
                                     const MeasuredSources& sources, std::size_t parallel,
                                     const std::function<void(std::size_t done)>& done,
                                     const std::string& kept = "");

/// {"kind", "rows", "covered", "groups", "not_described", "points"}: by all, and by LLM, GPU,
/// engine, layout and concurrency.
Json validation_json(const std::vector<ValidatedPoint>& points);

}  // namespace cleave
