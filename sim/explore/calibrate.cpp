#include "sim/explore/calibrate.h"

#include <Eigen/Dense>
#include <algorithm>
#include <cmath>
#include <map>
#include <set>

#include "sim/base/error.h"
#include "sim/explore/process_pool.h"
#include "sim/scenario/resolve.h"

namespace cleave {

namespace {

/// One figure of one point.
struct Equation {
  std::size_t point;
  std::optional<double> MeasuredFigures::*figure;
  double weight;
};

/// Logarithms of predicted/measured, an entry an equation.
using Residuals = Eigen::VectorXd;

class Fit {
 public:
  Fit(const std::vector<MeasuredPoint>& points, const MeasuredSources& sources,
      const EngineProfile& start, const CalibrationOptions& options)
      : points_(points), options_(options), start_(start) {
    for (const MeasuredPoint& point : points) {
      scenarios_.push_back(read_scenario(scenario_of_point(point, sources)));
    }
    for (std::size_t i = 0; i < points.size(); ++i) {
      const MeasuredFigures& measured = points[i].measured;
      // Where it is not known how requests were sent, that decides more about TTFT than the engine.
      constexpr double kAssumed = 0.3;
      const double weight = points[i].assumed.empty() ? 1 : kAssumed;
      if (measured.tpot_s) equations_.push_back({i, &MeasuredFigures::tpot_s, weight});
      if (measured.ttft_s && options.ttft_weight > 0 && points[i].assumed.empty()) {
        equations_.push_back({i, &MeasuredFigures::ttft_s, options.ttft_weight});
      }
    }
    for (const HostField& field : host_fields()) {
      if (start.host.*field.value > 0) fields_.push_back(field);
    }
    constexpr std::size_t kFewest = 5;
    if (equations_.size() < kFewest) {
      throw InputError("the measurements have " + std::to_string(equations_.size()) +
                       " figures of this engine; expected " + std::to_string(kFewest) +
                       " at least to fit its costs to");
    }
    x_ = Eigen::VectorXd::Zero(static_cast<Eigen::Index>(fields_.size() + kEfficiencies));
    sensitivity_.assign(points.size(), 1);
  }

  void run() {
    look();
    find_saturated();
    for (int round = 0; round < options_.rounds; ++round) {
      slopes();
      x_ += step(all()).cwiseMax(-kFarthest).cwiseMin(kFarthest);
      look();
    }
    slopes();
    find_saturated();
  }

  EngineProfile profile() const {
    EngineProfile profile = engine(x_);
    profile.errors = errors();
    return profile;
  }
  const std::vector<MeasuredFigures>& predicted() const { return predicted_; }
  const std::vector<double>& sensitivity() const { return sensitivity_; }

 private:
  static constexpr double kFarthest = 0.7;  // of a round, as a logarithm

  static constexpr std::size_t kEfficiencies = 2;

  /// The costs, then the efficiencies of memory and of products.
  EngineProfile engine(const Eigen::VectorXd& x) const {
    EngineProfile profile = start_;
    for (std::size_t i = 0; i < fields_.size(); ++i) {
      profile.host.*fields_[i].value *= std::exp(x[static_cast<Eigen::Index>(i)]);
    }
    const auto factor = [&](double of_start, double by) {
      return std::clamp(of_start * std::exp(by), 0.1, 10.0);
    };
    profile.factors = {factor(start_.factors.memory, x[x.size() - 2]),
                       factor(start_.factors.compute, x[x.size() - 1])};
    return profile;
  }

  bool is_efficiency(Eigen::Index i) const { return static_cast<std::size_t>(i) >= fields_.size(); }

  std::vector<MeasuredFigures> simulate(const EngineProfile& engine) {
    std::vector<MeasuredFigures> found(points_.size());
    std::size_t started = 0;
    run_jobs(
        options_.parallel,
        [&](std::size_t& job) {
          job = started;
          return started++ < points_.size();
        },
        [&](std::size_t job) {
          Scenario scenario = scenarios_[job];
          scenario.engine->host = engine.host;
          scenario.engine->factors = engine.factors;
          return figures_text(predict(scenario)).dump();
        },
        [&](std::size_t job, const JobResult& result) {
          if (result.error.empty()) found[job] = figures_of(Json::parse(result.text));
          ++done_;
          if (options_.progress) {
            const std::size_t runs = static_cast<std::size_t>(options_.rounds + 1) *
                                         (fields_.size() + kEfficiencies + 1) * points_.size() +
                                     2 * points_.size();
            options_.progress(done_, runs);
          }
        });
    return found;
  }

  Residuals residuals(const std::vector<MeasuredFigures>& predicted) const {
    Residuals residuals = Residuals::Zero(static_cast<Eigen::Index>(equations_.size()));
    for (std::size_t i = 0; i < equations_.size(); ++i) {
      const auto& [point, figure, weight] = equations_[i];
      const auto error = signed_error(predicted[point].*figure, points_[point].measured.*figure);
      if (error) residuals[static_cast<Eigen::Index>(i)] = std::log(1 + *error);
    }
    return residuals;
  }

  void look() {
    predicted_ = simulate(engine(x_));
    residuals_ = residuals(predicted_);
  }

  /// With everything a little longer.
  void find_saturated() {
    constexpr double kLonger = 1.05;
    EngineProfile longer = engine(x_);
    for (const HostField& field : host_fields()) {
      if (field.value != &HostCosts::frontend_s) longer.host.*field.value *= kLonger;
    }
    longer.factors.memory /= kLonger;
    longer.factors.compute /= kLonger;
    const std::vector<MeasuredFigures> found = simulate(longer);
    for (std::size_t i = 0; i < points_.size(); ++i) {
      const auto error = signed_error(found[i].ttft_s, predicted_[i].ttft_s);
      if (error) sensitivity_[i] = std::log(1 + *error) / std::log(kLonger);
    }
  }

  double weight_of(const Equation& equation) const {
    const bool ttft = equation.figure == &MeasuredFigures::ttft_s;
    return equation.weight / (ttft ? std::max(1.0, sensitivity_[equation.point]) : 1);
  }

  void slopes() {
    constexpr double kDelta = 0.1;
    slopes_.resize(residuals_.size(), x_.size());
    for (Eigen::Index i = 0; i < x_.size(); ++i) {
      Eigen::VectorXd moved = x_;
      moved[i] += kDelta;
      slopes_.col(i) = (residuals(simulate(engine(moved))) - residuals_) / kDelta;
    }
  }

  std::vector<bool> all() const { return std::vector<bool>(points_.size(), true); }

  /// The step that the points of `used` ask for.
  Eigen::VectorXd step(const std::vector<bool>& used) const {
    constexpr double kFloor = 0.05;
    constexpr double kPrior = 0.002;    // of a figure, for each that is fitted to
    constexpr double kTimesSurer = 10;  // efficiencies, which were measured
    Eigen::MatrixXd normal = Eigen::MatrixXd::Zero(x_.size(), x_.size());
    Eigen::VectorXd gradient = Eigen::VectorXd::Zero(x_.size());
    double sum = 0;
    for (std::size_t i = 0; i < equations_.size(); ++i) {
      if (!used[equations_[i].point]) continue;
      const auto row = static_cast<Eigen::Index>(i);
      const double weight = weight_of(equations_[i]) / std::max(kFloor, std::abs(residuals_[row]));
      const Eigen::VectorXd slope = slopes_.row(row);
      normal += weight * slope * slope.transpose();
      gradient += weight * residuals_[row] * slope;
      sum += weight_of(equations_[i]);
    }
    for (Eigen::Index i = 0; i < x_.size(); ++i) {
      const double prior = (is_efficiency(i) ? kTimesSurer : 1) * kPrior * sum;
      normal(i, i) += prior;
      gradient[i] += prior * x_[i];
    }
    return -normal.ldlt().solve(gradient);
  }

  /// Of the points of a group, with costs fitted to the others, as far as slopes go.
  EngineError without(const std::string& what, const std::vector<bool>& others) const {
    const Eigen::VectorXd moved =
        step(others).cwiseMax(-kFarthest).cwiseMin(kFarthest) - step(all());
    const Residuals found = residuals_ + slopes_ * moved;
    std::vector<double> tpot;
    std::vector<double> ttft;
    for (std::size_t i = 0; i < equations_.size(); ++i) {
      if (others[equations_[i].point]) continue;
      const double error = std::exp(found[static_cast<Eigen::Index>(i)]) - 1;
      (equations_[i].figure == &MeasuredFigures::tpot_s ? tpot : ttft).push_back(error);
    }
    EngineError error{what, 0, 0, 0};
    error.rows = static_cast<std::uint64_t>(std::count(others.begin(), others.end(), false));
    if (const auto figures = error_figures(tpot)) error.tpot = figures->median;
    if (const auto figures = error_figures(ttft)) error.ttft = figures->median;
    return error;
  }

  std::vector<EngineError> errors() const {
    std::vector<EngineError> errors;
    std::vector<double> tpot;
    std::vector<double> ttft;
    for (std::size_t i = 0; i < points_.size(); ++i) {
      const auto add = [&](auto figure, std::vector<double>& list) {
        const auto error = signed_error(predicted_[i].*figure, points_[i].measured.*figure);
        if (error) list.push_back(*error);
      };
      add(&MeasuredFigures::tpot_s, tpot);
      add(&MeasuredFigures::ttft_s, ttft);
    }
    const auto median = [](const std::vector<double>& list) {
      const auto figures = error_figures(list);
      return figures ? figures->median : 0.0;
    };
    errors.push_back({"all", points_.size(), median(tpot), median(ttft)});
    add_saturated(errors);
    const auto leave_out = [&](const char* kind, const auto& name_of) {
      std::set<std::string> names;
      for (const MeasuredPoint& point : points_) names.insert(name_of(point));
      if (names.size() < 2) return;
      for (const std::string& name : names) {
        std::vector<bool> others;
        for (const MeasuredPoint& point : points_) others.push_back(name_of(point) != name);
        errors.push_back(without(std::string(kind) + " " + name + ", from the others", others));
      }
    };
    leave_out("gpu", [](const MeasuredPoint& point) { return point.gpu; });
    leave_out("llm", [](const MeasuredPoint& point) { return point.llm; });
    leave_out("load", [](const MeasuredPoint& point) {
      return point.concurrency <= 16 ? std::string("up to 16") : std::string("above 16");
    });
    return errors;
  }

  /// Those near saturation and the others, where there are both.
  void add_saturated(std::vector<EngineError>& errors) const {
    for (const bool saturated : {false, true}) {
      std::vector<double> tpot;
      std::vector<double> ttft;
      std::uint64_t rows = 0;
      for (std::size_t i = 0; i < points_.size(); ++i) {
        if ((sensitivity_[i] >= kSaturated) != saturated) continue;
        ++rows;
        const auto& measured = points_[i].measured;
        if (const auto error = signed_error(predicted_[i].tpot_s, measured.tpot_s)) {
          tpot.push_back(*error);
        }
        if (const auto error = signed_error(predicted_[i].ttft_s, measured.ttft_s)) {
          ttft.push_back(*error);
        }
      }
      if (rows == 0 || rows == points_.size()) continue;
      EngineError error{saturated ? "near saturation" : "not near saturation", rows, 0, 0};
      if (const auto figures = error_figures(tpot)) error.tpot = figures->median;
      if (const auto figures = error_figures(ttft)) error.ttft = figures->median;
      errors.push_back(error);
    }
  }

  const std::vector<MeasuredPoint>& points_;
  const CalibrationOptions& options_;
  EngineProfile start_;
  std::vector<Scenario> scenarios_;
  std::vector<Equation> equations_;
  std::vector<HostField> fields_;
  Eigen::VectorXd x_;  ///< logarithms of factors
  std::vector<MeasuredFigures> predicted_;
  std::vector<double> sensitivity_;
  Residuals residuals_;
  Eigen::MatrixXd slopes_;
  std::size_t done_ = 0;
};

}  // namespace

Calibration calibrate(const std::vector<MeasuredPoint>& points, const MeasuredSources& sources,
                      const EngineProfile& start, const CalibrationOptions& options) {
  Fit fit(points, sources, start, options);
  fit.run();
  return {fit.profile(), fit.predicted(), fit.sensitivity()};
}

}  // namespace cleave
