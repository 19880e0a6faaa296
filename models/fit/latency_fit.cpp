#include "models/fit/latency_fit.h"

#include <Eigen/Dense>
#include <algorithm>
#include <cmath>
#include <functional>
#include <map>
#include <set>
#include <tuple>

#include "sim/base/random.h"

namespace cleave {

namespace {

using Rows = std::vector<const Measurement*>;
using Of = std::function<double(const Measurement&)>;

/// The shape both phases share: a piecewise linear part in one quantity, and straight slopes, none
/// of them negative, in others.
struct Shape {
  Of knot;                 ///< what the piecewise linear part depends on
  std::vector<Of> slopes;  ///< what the straight parts depend on
  Of seconds;
};
const Shape kPrefill{[](const Measurement& row) { return row.prompt_tokens(); },
                     {[](const Measurement& row) { return row.squared_prompt_tokens(); },
                      [](const Measurement& row) {
                        return PrefillFit::shared_tokens(row.prompt_tokens(),
                                                         row.squared_prompt_tokens());
                      }},
                     [](const Measurement& row) { return row.prompt_s; }};
const Shape kDecode{[](const Measurement& row) { return row.batch_size; },
                    {[](const Measurement& row) { return row.mean_kv_tokens(); }},
                    [](const Measurement& row) { return row.token_s; }};

struct Fit {
  PiecewiseLinear line;
  std::vector<double> slopes;
  double predict(const Shape& shape, const Measurement& row) const {
    double seconds = std::max(0.0, line(shape.knot(row)));
    for (std::size_t i = 0; i < slopes.size(); ++i) seconds += slopes[i] * shape.slopes[i](row);
    return seconds;
  }
};

/// Minimises the sum of |prediction / measured - 1|, the error that is reported, by least squares
/// with each row weighted by the inverse of its last error.
Eigen::VectorXd least_absolute(const Eigen::MatrixXd& matrix) {
  constexpr int kRounds = 40;
  constexpr double kSmallError = 1e-4;
  const Eigen::VectorXd ones = Eigen::VectorXd::Ones(matrix.rows());
  Eigen::VectorXd weights = ones;
  Eigen::VectorXd solution;
  for (int round = 0; round < kRounds; ++round) {
    solution = (weights.asDiagonal() * matrix).colPivHouseholderQr().solve(weights);
    const Eigen::VectorXd errors = (matrix * solution - ones).cwiseAbs();
    weights = errors.cwiseMax(kSmallError).cwiseSqrt().cwiseInverse();
  }
  return solution;
}

double mean_error(const Shape& shape, const Fit& fit, const Rows& rows) {
  double sum = 0;
  for (const Measurement* row : rows) {
    sum += std::abs(fit.predict(shape, *row) / shape.seconds(*row) - 1);
  }
  return sum / static_cast<double>(rows.size());
}

/// The knots of the piecewise linear part. Neighbours whose values would fall instead of rise share
/// one: `value_of[i]` is the unknown of knot i.
struct Knots {
  std::vector<double> at;
  std::vector<Eigen::Index> value_of;
  Eigen::Index values() const { return value_of.back() + 1; }

  explicit Knots(const std::set<double>& distinct) : at(distinct.begin(), distinct.end()) {
    for (std::size_t i = 0; i < at.size(); ++i) value_of.push_back(static_cast<Eigen::Index>(i));
  }
  /// Joins value `later` with the one before it.
  void join(Eigen::Index later) {
    for (Eigen::Index& value : value_of) value -= value >= later ? 1 : 0;
  }
};

/// One row a measurement: what multiplies each unknown (the values at the knots, then the slopes in
/// `active`), divided by what was measured.
Eigen::MatrixXd relative_terms(const Shape& shape, const Rows& rows, const Knots& knots,
                               const std::vector<std::size_t>& active) {
  Eigen::MatrixXd matrix =
      Eigen::MatrixXd::Zero(static_cast<Eigen::Index>(rows.size()),
                            knots.values() + static_cast<Eigen::Index>(active.size()));
  for (Eigen::Index i = 0; i < matrix.rows(); ++i) {
    const Measurement& row = *rows[static_cast<std::size_t>(i)];
    const double measured = shape.seconds(row);
    const auto knot = std::lower_bound(knots.at.begin(), knots.at.end(), shape.knot(row));
    matrix(i, knots.value_of[static_cast<std::size_t>(knot - knots.at.begin())]) = 1 / measured;
    for (std::size_t j = 0; j < active.size(); ++j) {
      matrix(i, knots.values() + static_cast<Eigen::Index>(j)) =
          shape.slopes[active[j]](row) / measured;
    }
  }
  return matrix;
}

/// With only the slopes in `active`; nothing where one of them comes out negative.
std::optional<Fit> solve_with(const Shape& shape, const Rows& rows,
                              const std::vector<std::size_t>& active, Knots knots) {
  Eigen::MatrixXd matrix = relative_terms(shape, rows, knots, active);
  // Columns of like size, for the rank test inside the solver.
  Eigen::VectorXd scale(matrix.cols());
  for (Eigen::Index j = 0; j < matrix.cols(); ++j) {
    scale(j) = std::max(matrix.col(j).norm(), 1e-300);
    matrix.col(j) /= scale(j);
  }
  const Eigen::VectorXd solution = least_absolute(matrix).cwiseQuotient(scale);
  for (Eigen::Index i = 1; i < knots.values(); ++i) {
    if (solution(i) >= solution(i - 1)) continue;
    knots.join(i);
    return solve_with(shape, rows, active, knots);
  }
  std::vector<double> slopes(shape.slopes.size(), 0.0);
  for (std::size_t j = 0; j < active.size(); ++j) {
    slopes[active[j]] = solution(knots.values() + static_cast<Eigen::Index>(j));
    if (slopes[active[j]] < 0) return {};
  }
  std::vector<double> values;
  for (const Eigen::Index value : knots.value_of) values.push_back(std::max(0.0, solution(value)));
  return Fit{PiecewiseLinear(knots.at, values), slopes};
}

/// The best of the fits with and without each slope.
Fit solve(const Shape& shape, const Rows& rows) {
  std::set<double> distinct;
  for (const Measurement* row : rows) distinct.insert(shape.knot(*row));
  std::optional<Fit> best;
  for (std::size_t choice = 0; choice < (std::size_t{1} << shape.slopes.size()); ++choice) {
    std::vector<std::size_t> active;
    for (std::size_t i = 0; i < shape.slopes.size(); ++i) {
      if ((choice >> i & 1) != 0) active.push_back(i);
    }
    const auto fit = solve_with(shape, rows, active, Knots(distinct));
    if (fit && (!best || mean_error(shape, *fit, rows) < mean_error(shape, *best, rows)))
      best = fit;
  }
  return *best;
}

double split_error(const Shape& shape, Rows rows, std::uint64_t seed) {
  constexpr std::uint64_t kSplitStream = 0x5911;
  Random random(seed, kSplitStream);
  for (std::size_t i = rows.size(); i > 1; --i) std::swap(rows[i - 1], rows[random.below(i)]);
  const auto fifth = static_cast<std::ptrdiff_t>(rows.size() / 5);
  const Rows held_out(rows.begin(), rows.begin() + fifth);
  return mean_error(shape, solve(shape, Rows(rows.begin() + fifth, rows.end())), held_out);
}

double leave_one_out_error(const Shape& shape, const Rows& rows) {
  using Batch = std::tuple<double, double, double>;
  const auto batch_of = [](const Measurement* row) {
    return Batch(row->prompt_size, row->batch_size, row->token_size);
  };
  std::set<Batch> batches;
  for (const Measurement* row : rows) batches.insert(batch_of(row));
  double sum = 0;
  for (const Batch& batch : batches) {
    Rows others;
    Rows held_out;
    for (const Measurement* row : rows) (batch_of(row) == batch ? held_out : others).push_back(row);
    sum += mean_error(shape, solve(shape, others), held_out) * static_cast<double>(held_out.size());
  }
  return sum / static_cast<double>(rows.size());
}

FitError errors(const Shape& shape, const Fit& fit, const Rows& rows, std::uint64_t seed) {
  return {mean_error(shape, fit, rows), split_error(shape, rows, seed),
          leave_one_out_error(shape, rows)};
}

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const std::size_t half = values.size() / 2;
  return values.size() % 2 == 1 ? values[half] : (values[half - 1] + values[half]) / 2;
}

PiecewiseLinear medians(const Rows& rows, const Of& x, const Of& y) {
  std::map<double, std::vector<double>> groups;
  for (const Measurement* row : rows) groups[x(*row)].push_back(y(*row));
  std::vector<double> xs;
  std::vector<double> ys;
  for (auto& [at, values] : groups) {
    xs.push_back(at);
    ys.push_back(median(std::move(values)));
  }
  return {xs, ys};
}

/// The rows that count; why the others do not, once for each reason.
Rows counting(const Rows& rows, std::vector<std::string>& left_out) {
  Rows kept;
  for (const Measurement* row : rows) {
    if (row->left_out.empty()) {
      kept.push_back(row);
    } else if (std::find(left_out.begin(), left_out.end(), row->left_out) == left_out.end()) {
      left_out.push_back(row->left_out);
    }
  }
  return kept;
}

/// The peak of a run is its prompt phase; its mean is its token phase where that is nearly all of
/// it.
std::optional<PhasePower> phase_power(const Rows& rows) {
  constexpr double kMostlyTokens = 0.05;
  Rows measured;
  std::vector<double> decode;
  for (const Measurement* row : rows) {
    if (row->average_power == 0) continue;
    measured.push_back(row);
    if (row->prompt_s < kMostlyTokens * row->e2e_s) decode.push_back(row->average_power);
  }
  if (decode.empty()) return {};
  return PhasePower{medians(measured, kPrefill.knot,
                            [](const Measurement& row) { return std::min(1.0, row.peak_power); }),
                    median(decode)};
}

LatencyProfile fit_group(const Rows& rows, std::uint64_t seed) {
  const Measurement& first = *rows.front();
  LatencyProfile profile;
  profile.llm = first.llm;
  profile.gpu = first.gpu;
  profile.power_cap = first.power_cap;
  profile.tensor_parallel = first.tensor_parallel;
  profile.formats = first.formats;
  const Rows kept = counting(rows, profile.left_out);
  profile.rows = kept.size();
  const Fit prefill = solve(kPrefill, kept);
  const Fit decode = solve(kDecode, kept);
  profile.prefill = {prefill.line, prefill.slopes[0], prefill.slopes[1]};
  profile.decode = {decode.line, decode.slopes[0]};
  profile.prefill_error = errors(kPrefill, prefill, kept, seed);
  profile.decode_error = errors(kDecode, decode, kept, seed);
  profile.median_prompt_s = medians(rows, kPrefill.knot, kPrefill.seconds);
  profile.median_token_s = medians(rows, kPrefill.knot, kDecode.seconds);
  profile.power = phase_power(kept);
  return profile;
}

}  // namespace

std::vector<LatencyProfile> fit_latencies(const std::vector<Measurement>& rows,
                                          const std::string& source, const std::string& licence,
                                          std::uint64_t seed) {
  std::map<std::string, Rows> groups;
  for (const Measurement& row : rows) {
    groups[latency_profile_name(row.llm, row.gpu, row.power_cap, row.tensor_parallel, row.formats)]
        .push_back(&row);
  }
  std::vector<LatencyProfile> profiles;
  for (const auto& [name, group] : groups) {
    profiles.push_back(fit_group(group, seed));
    profiles.back().source = source;
    profiles.back().licence = licence;
  }
  return profiles;
}

}  // namespace cleave
