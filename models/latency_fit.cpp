#include "models/latency_fit.h"

#include <Eigen/Dense>
#include <algorithm>
#include <cmath>
#include <functional>
#include <map>
#include <set>
#include <tuple>

#include "sim/base/builtin.h"
#include "sim/base/error.h"
#include "sim/base/random.h"

namespace cleave {

namespace {

using Rows = std::vector<const Measurement*>;
using Of = std::function<double(const Measurement&)>;

/// The shape both phases share: a piecewise linear part in one quantity, and one straight slope in
/// another.
struct Shape {
  Of knot;   ///< what the piecewise linear part depends on
  Of slope;  ///< what the straight part depends on
  Of seconds;
};
const Shape kPrefill{[](const Measurement& row) { return row.prompt_tokens(); },
                     [](const Measurement& row) { return row.squared_prompt_tokens(); },
                     [](const Measurement& row) { return row.prompt_s; }};
const Shape kDecode{[](const Measurement& row) { return row.batch_size; },
                    [](const Measurement& row) { return row.mean_kv_tokens(); },
                    [](const Measurement& row) { return row.token_s; }};

struct Fit {
  PiecewiseLinear line;
  double slope = 0;
  double predict(const Shape& shape, const Measurement& row) const {
    return std::max(0.0, line(shape.knot(row))) + slope * shape.slope(row);
  }
};

/// Least squares of (prediction / measured - 1) over the values at the knots and, unless it came out
/// negative, the slope.
Fit solve(const Shape& shape, const Rows& rows, bool with_slope) {
  std::set<double> distinct;
  double largest_slope = 0;
  for (const Measurement* row : rows) {
    distinct.insert(shape.knot(*row));
    largest_slope = std::max(largest_slope, shape.slope(*row));
  }
  const std::vector<double> knots(distinct.begin(), distinct.end());
  const auto knot_count = static_cast<Eigen::Index>(knots.size());
  const Eigen::Index unknowns = knot_count + (with_slope ? 1 : 0);
  Eigen::MatrixXd matrix = Eigen::MatrixXd::Zero(static_cast<Eigen::Index>(rows.size()), unknowns);
  for (Eigen::Index i = 0; i < matrix.rows(); ++i) {
    const Measurement& row = *rows[static_cast<std::size_t>(i)];
    const double measured = shape.seconds(row);
    const auto knot = std::lower_bound(knots.begin(), knots.end(), shape.knot(row));
    matrix(i, knot - knots.begin()) = 1 / measured;
    if (with_slope) matrix(i, knot_count) = shape.slope(row) / largest_slope / measured;
  }
  const Eigen::VectorXd ones = Eigen::VectorXd::Ones(matrix.rows());
  const Eigen::VectorXd solution = matrix.colPivHouseholderQr().solve(ones);
  if (with_slope && solution(knot_count) < 0) return solve(shape, rows, false);
  std::vector<double> values(solution.data(), solution.data() + knot_count);
  for (std::size_t i = 0; i < values.size(); ++i) {
    values[i] = std::max(i == 0 ? 0.0 : values[i - 1], values[i]);
  }
  return {PiecewiseLinear(knots, values), with_slope ? solution(knot_count) / largest_slope : 0};
}

Fit solve(const Shape& shape, const Rows& rows) { return solve(shape, rows, true); }

double mean_error(const Shape& shape, const Fit& fit, const Rows& rows) {
  double sum = 0;
  for (const Measurement* row : rows) {
    sum += std::abs(fit.predict(shape, *row) / shape.seconds(*row) - 1);
  }
  return sum / static_cast<double>(rows.size());
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

/// Whether vLLM, which measured, could have run the batch as one: weights, the KV cache of every
/// sequence at its full length, and the activations of a prefill of the whole batch (input and output
/// of the widest matrices, FP16), within the 90 % of memory that it uses by default.
bool could_be_one_batch(const Measurement& row, const Llm& llm, const Gpu& gpu) {
  constexpr double kUsable = 0.9;
  constexpr double kFp16Bytes = 2;
  const double gpus = row.tensor_parallel;
  const double activation_values =
      llm.mlp_matrices * static_cast<double>(llm.mlp_size) / gpus + 2.0 * llm.hidden_size;
  const double needed =
      (llm.weight_bytes +
       row.batch_size * (row.prompt_size + row.generated()) * llm.kv_bytes_per_token) /
          gpus +
      row.prompt_tokens() * activation_values * kFp16Bytes;
  return needed <= kUsable * gpu.memory_bytes;
}

/// Splits the rows into those that count and descriptions of the others.
Rows possible(const Rows& rows, std::vector<std::string>& left_out) {
  const auto known = builtin_names("profiles/llms");
  const Measurement& first = *rows.front();
  if (std::find(known.begin(), known.end(), first.llm) == known.end()) return rows;
  const Llm llm = load_llm(first.llm, "model");
  const Gpu gpu = load_gpu(first.gpu, "hardware");
  Rows kept;
  std::set<std::string> named;
  for (const Measurement* row : rows) {
    if (could_be_one_batch(*row, llm, gpu)) {
      kept.push_back(row);
    } else if (named.insert(row->batch()).second) {
      left_out.push_back(row->batch() + ": weights, KV cache and activations exceed the memory");
    }
  }
  return kept;
}

/// The peak of a run is its prompt phase; its mean is its token phase where that is nearly all of it.
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
  return PhasePower{
      medians(measured, kPrefill.knot,
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
  const Rows kept = possible(rows, profile.left_out);
  constexpr std::size_t kFewest = 10;
  std::set<double> sizes;
  for (const Measurement* row : kept) sizes.insert(row->prompt_tokens());
  if (kept.size() < kFewest || sizes.size() < 3) {
    throw InputError(first.configuration() + ": too few measurements to fit; expected at least " +
                     std::to_string(kFewest) + " rows of 3 batch sizes or more, found " +
                     std::to_string(kept.size()) + " of " + std::to_string(sizes.size()));
  }
  profile.rows = kept.size();
  const Fit prefill = solve(kPrefill, kept);
  const Fit decode = solve(kDecode, kept);
  profile.prefill = {prefill.line, prefill.slope};
  profile.decode = {decode.line, decode.slope};
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
    groups[latency_profile_name(row.llm, row.gpu, row.power_cap, row.tensor_parallel)].push_back(
        &row);
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
