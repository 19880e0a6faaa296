#include "models/fit/roofline_fit.h"

#include <Eigen/Dense>
#include <algorithm>
#include <cmath>
#include <functional>
#include <map>
#include <set>

#include "models/latency/latency_profile.h"
#include "sim/base/error.h"

namespace cleave {

namespace {

using Matrix = Eigen::MatrixXd;
using Vector = Eigen::VectorXd;

struct Bounds {
  RooflineTerms least;
  RooflineTerms most;
};

// Hardware does not beat its data sheet: tensor cores, links and memory reach at most nine tenths
// of it in streaming benchmarks. A layer launches about ten kernels of 5 us and more, over the
// clock.
constexpr Bounds kPrefillBounds{{1.1, 1.1, 1.1, 0, 0, 50e-6, 0, 0},
                                {3, 10, 5, 10, 1.5, 1e-3, 1e-3, 0.1}};
constexpr Bounds kDecodeBounds{{1.1, 1.1, 0, 0, 50e-6, 0, 0, 0},
                               {2, 3, 2, 5, 1e-3, 1e-3, 1e-3, 1e-3}};

/// A measured row: its terms, divided by what was measured.
struct Row {
  const Measurement* measured;
  RooflineTerms prefill;
  RooflineTerms decode;
};
using Rows = std::vector<Row>;
using Relative = RooflineTerms Row::*;

void divide(RooflineTerms& terms, double by) {
  for (double& term : terms) term /= by;
}

Rows relative_terms(const std::vector<Measurement>& measured, const OwnProfiles& own) {
  std::map<std::string, Llm> llms;
  std::map<std::string, Gpu> gpus;
  for (const std::string& file : own.llms) {
    Llm llm = load_llm(file, "--llm");
    llms.emplace(llm.name, llm);
  }
  for (const std::string& file : own.gpus) {
    Gpu gpu = load_gpu(file, "--gpu");
    gpus.emplace(gpu.name, gpu);
  }
  Rows rows;
  for (const Measurement& row : measured) {
    if (row.power_cap < 1 || !row.left_out.empty()) continue;
    if (!llms.contains(row.llm)) llms.emplace(row.llm, load_llm(row.llm, "model"));
    if (!gpus.contains(row.gpu)) gpus.emplace(row.gpu, load_gpu(row.gpu, "hardware"));
    Llm& llm = llms.at(row.llm);
    llm.store(row.formats);
    const RooflineInstance instance{llm, gpus.at(row.gpu), row.tensor_parallel, 1};
    Row terms{&row, prefill_terms(instance, row.prompt_tokens(), row.squared_prompt_tokens()),
              decode_terms(instance, row.batch_size, row.mean_kv_tokens())};
    divide(terms.prefill, row.prompt_s);
    divide(terms.decode, row.token_s);
    rows.push_back(terms);
  }
  return rows;
}

/// Least squares of `matrix` x = `target` within bounds, one unknown after the other until none
/// moves: exact, as the problem is convex and the bounds are a box.
Vector bounded_least_squares(const Matrix& matrix, const Vector& target, const Vector& least,
                             const Vector& most, Vector solution) {
  constexpr int kMostRounds = 20'000;
  constexpr double kStill = 1e-10;
  const Matrix products = matrix.transpose() * matrix;
  const Vector right = matrix.transpose() * target;
  for (int round = 0; round < kMostRounds; ++round) {
    double moved = 0;
    for (Eigen::Index i = 0; i < solution.size(); ++i) {
      if (products(i, i) == 0) continue;
      const double rest = right(i) - products.row(i).dot(solution) + products(i, i) * solution(i);
      const double next = std::clamp(rest / products(i, i), least(i), most(i));
      moved = std::max(moved, std::abs(next - solution(i)));
      solution(i) = next;
    }
    if (moved < kStill) break;
  }
  return solution;
}

/// Minimises the sum of |prediction / measured - 1| by least squares with each row weighted by the
/// inverse of its last error.
RooflineTerms fit(const Rows& rows, Relative terms, const Bounds& bounds) {
  constexpr int kRounds = 40;
  constexpr double kSmallError = 1e-3;
  const auto count = static_cast<Eigen::Index>(rows.size());
  constexpr auto kTerms = static_cast<Eigen::Index>(kRooflineTerms);
  Matrix matrix(count, kTerms);
  for (Eigen::Index i = 0; i < count; ++i) {
    const RooflineTerms& row = rows[static_cast<std::size_t>(i)].*terms;
    for (Eigen::Index j = 0; j < kTerms; ++j) matrix(i, j) = row[static_cast<std::size_t>(j)];
  }
  // Columns of like size.
  Vector scale = matrix.colwise().norm().cwiseMax(1e-300).transpose();
  matrix.array().rowwise() /= scale.transpose().array();
  const Vector least = Eigen::Map<const Vector>(bounds.least.data(), kTerms).cwiseProduct(scale);
  const Vector most = Eigen::Map<const Vector>(bounds.most.data(), kTerms).cwiseProduct(scale);
  Vector weights = Vector::Ones(count);
  Vector solution = least;
  for (int round = 0; round < kRounds; ++round) {
    solution = bounded_least_squares(weights.asDiagonal() * matrix, weights, least, most, solution);
    const Vector errors = (matrix * solution - Vector::Ones(count)).cwiseAbs();
    weights = errors.cwiseMax(kSmallError).cwiseSqrt().cwiseInverse();
  }
  RooflineTerms factors{};
  Eigen::Map<Vector>(factors.data(), kTerms) = solution.cwiseQuotient(scale);
  return factors;
}

double mean_error(const Rows& rows, Relative terms, const RooflineTerms& factors) {
  double sum = 0;
  for (const Row& row : rows) {
    double predicted = 0;
    for (std::size_t i = 0; i < kRooflineTerms; ++i) predicted += (row.*terms)[i] * factors[i];
    sum += std::abs(predicted - 1);
  }
  return sum / static_cast<double>(rows.size());
}

Roofline::Error error_on(const std::string& what, const Rows& rows, const Roofline& roofline) {
  return {what, rows.size(), mean_error(rows, &Row::prefill, roofline.prefill),
          mean_error(rows, &Row::decode, roofline.decode)};
}

Roofline fit_both(const Rows& rows) {
  Roofline roofline;
  roofline.prefill = fit(rows, &Row::prefill, kPrefillBounds);
  roofline.decode = fit(rows, &Row::decode, kDecodeBounds);
  return roofline;
}

/// For each value of a property, the error on its rows of a fit to all the others.
void add_held_out(const Rows& rows, const std::string& property,
                  const std::function<std::string(const Measurement&)>& value_of,
                  std::vector<Roofline::Error>& errors) {
  std::set<std::string> values;
  for (const Row& row : rows) values.insert(value_of(*row.measured));
  if (values.size() < 2) return;
  for (const std::string& value : values) {
    Rows held_out;
    Rows others;
    for (const Row& row : rows) {
      (value_of(*row.measured) == value ? held_out : others).push_back(row);
    }
    errors.push_back(
        error_on(property + " " + value + " from the others", held_out, fit_both(others)));
  }
}

/// The median over capped rows of log(time under the cap / time without) / log(1 / cap), of
/// prompts; 0 without capped rows.
double cap_exponent(const std::vector<Measurement>& rows) {
  const auto batch_of = [](const Measurement& row) {
    return latency_profile_name(row.llm, row.gpu, 1, row.tensor_parallel, row.formats) +
           row.batch();
  };
  std::map<std::string, const Measurement*> uncapped;
  for (const Measurement& row : rows) {
    if (row.power_cap == 1) uncapped.emplace(batch_of(row), &row);
  }
  std::vector<double> exponents;
  for (const Measurement& row : rows) {
    if (row.power_cap == 1 || !row.left_out.empty()) continue;
    const auto found = uncapped.find(batch_of(row));
    if (found == uncapped.end()) continue;
    exponents.push_back(std::log(row.prompt_s / found->second->prompt_s) /
                        std::log(1 / row.power_cap));
  }
  if (exponents.empty()) return 0;
  std::sort(exponents.begin(), exponents.end());
  return std::max(0.0, exponents[exponents.size() / 2]);
}

}  // namespace

Roofline fit_roofline(const std::vector<Measurement>& measured, const OwnProfiles& own) {
  // The paper (section V) sees decodes slow down only below half of the GPUs' power.
  constexpr double kDecodeFlatTo = 0.5;
  const Rows rows = relative_terms(measured, own);
  if (rows.empty()) throw InputError("no row without a power cap to fit a roofline to");
  Roofline roofline = fit_both(rows);
  roofline.cap_exponent = cap_exponent(measured);
  roofline.cap_decode_flat = kDecodeFlatTo;
  roofline.errors.push_back(error_on("all", rows, roofline));
  add_held_out(
      rows, "gpu", [](const Measurement& row) { return row.gpu; }, roofline.errors);
  add_held_out(
      rows, "llm", [](const Measurement& row) { return row.llm; }, roofline.errors);
  add_held_out(
      rows, "tensor parallel",
      [](const Measurement& row) { return std::to_string(row.tensor_parallel); }, roofline.errors);
  return roofline;
}

}  // namespace cleave
