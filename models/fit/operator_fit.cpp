#include "models/fit/operator_fit.h"

#include <Eigen/Dense>
#include <algorithm>
#include <cmath>
#include <filesystem>
#include <map>
#include <optional>
#include <tuple>

#include "models/fit/operator_rows.h"
#include "sim/base/error.h"

namespace cleave {

namespace {

namespace fs = std::filesystem;

constexpr double kMilli = 1e-3;

/// "gemm__vllm__0.24.0.csv.gz"
struct FileName {
  std::string op;
  std::string engine;
  std::string version;
};

std::optional<FileName> parse_name(std::string name) {
  for (const char* ending : {".gz", ".csv"}) {
    if (name.ends_with(ending)) name.resize(name.size() - std::string(ending).size());
  }
  const std::size_t first = name.find("__");
  const std::size_t second = first == std::string::npos ? first : name.find("__", first + 2);
  if (second == std::string::npos) return {};
  return FileName{name.substr(0, first), name.substr(first + 2, second - first - 2),
                  name.substr(second + 2)};
}

/// The rows of one format (of one number of GPUs) of a table.
struct Group {
  KernelTimes times;
  std::uint64_t too_fast = 0;
  std::map<std::string, std::size_t> shapes;  ///< where the row of each is

  void add(const KernelRow& kernel, double seconds) {
    if (!kernel.shape.empty()) {
      const auto [known, added] = shapes.emplace(kernel.shape, times.seconds.size());
      if (!added) {
        double& before = times.seconds[known->second];
        before = std::min(before, seconds);
        return;
      }
    }
    times.seconds.push_back(seconds);
    times.memory_s.push_back(kernel.bytes / kernel.bandwidth);
    times.compute_s.push_back(kernel.flops / kernel.peak);
    times.beside_s.push_back(kernel.beside_bytes / kernel.bandwidth);
  }
};

/// Format, GPUs, and whether it is the second way.
using GroupKey = std::tuple<Format, std::uint32_t, bool>;
using Groups = std::map<GroupKey, Group>;

Groups groups_of(const CsvTable& table, const OperatorTableKind& kind, const Gpu& gpu) {
  Groups groups;
  for (std::size_t row = 0; row < table.rows(); ++row) {
    const auto kernel = kind.read(table, row, gpu);
    if (!kernel) continue;
    const double seconds = table.number(row, "latency") * kMilli;
    const double memory_s = kernel->bytes / kernel->bandwidth;
    const double compute_s = kernel->flops / kernel->peak;
    Group& group = groups[{kernel->format, kernel->gpus, kernel->second_way}];
    if (seconds < std::max(memory_s, compute_s)) {
      ++group.too_fast;
      continue;
    }
    group.add(*kernel, seconds);
  }
  return groups;
}

double predicted(const Eigen::Vector3d& x, const KernelTimes& times, std::size_t i) {
  const double memory = times.memory_s[i] * std::exp(x[1]);
  const double compute = times.compute_s[i] * std::exp(x[2]);
  return std::exp(x[0]) + std::pow(std::pow(memory, 4) + std::pow(compute, 4), 0.25) +
         times.beside_s[i];
}

double error_of(const KernelTimes& times, const Eigen::Vector3d& x) {
  double sum = 0;
  for (std::size_t i = 0; i < times.seconds.size(); ++i) {
    sum += std::abs(std::log(predicted(x, times, i) / times.seconds[i]));
  }
  return sum;
}

/// A Gauss-Newton step for the sum of absolute residuals, as squares weighted by their inverse.
Eigen::Vector3d step(const KernelTimes& times, const Eigen::Vector3d& x, double damping) {
  constexpr double kDelta = 1e-4;
  constexpr double kFloor = 0.03;
  Eigen::Matrix3d normal = Eigen::Matrix3d::Zero();
  Eigen::Vector3d gradient = Eigen::Vector3d::Zero();
  for (std::size_t i = 0; i < times.seconds.size(); ++i) {
    const double at = predicted(x, times, i);
    const double residual = std::log(at / times.seconds[i]);
    Eigen::Vector3d slope;
    for (int j = 0; j < 3; ++j) {
      Eigen::Vector3d moved = x;
      moved[j] += kDelta;
      slope[j] = std::log(predicted(moved, times, i) / at) / kDelta;
    }
    const double weight = 1 / std::max(kFloor, std::abs(residual));
    normal += weight * slope * slope.transpose();
    gradient += weight * residual * slope;
  }
  normal.diagonal() += damping * normal.diagonal() + Eigen::Vector3d::Constant(1e-9);
  return normal.ldlt().solve(-gradient).cwiseMax(-1).cwiseMin(1);
}

double median_of(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

/// "" where the fit can be believed.
std::string why_not_used(const Group& group, const OperatorFit& fit) {
  constexpr double kMostTooFast = 0.3;
  constexpr double kMostTooSlow = 0.01;
  const auto used = static_cast<double>(group.times.seconds.size());
  const double too_fast = static_cast<double>(group.too_fast);
  const auto percent = [&] {
    return std::to_string(std::lround(100 * too_fast / (used + too_fast)));
  };
  if (too_fast > kMostTooFast * (used + too_fast)) {
    return percent() + " % of the rows are faster than the data sheet allows";
  }
  if (fit.memory < kMostTooSlow && fit.compute < kMostTooSlow) {
    return "100 times slower than the data sheet and more; expected latencies in ms";
  }
  return "";
}

void fit_table(const CsvTable& csv, const FileName& name, const OperatorTableKind& kind,
               const Gpu& gpu, OperatorTable& table) {
  constexpr std::size_t kFewest = 20;
  const Groups groups = groups_of(csv, kind, gpu);
  for (const auto& [key, group] : groups) {
    const auto& [format, gpus, second] = key;
    if (second && groups.contains({format, gpus, false})) continue;
    const std::string what =
        operator_name(kind.op) + " " + name.engine + " " + name.version + " " +
        (kind.op == Operator::kAllReduce ? std::to_string(gpus) + " GPUs" : format_name(format)) +
        ": ";
    if (group.times.seconds.size() < kFewest) {
      table.left_out.push_back(what + std::to_string(group.times.seconds.size()) +
                               " rows are too few, " + std::to_string(group.too_fast) +
                               " others are faster than the data sheet allows");
      continue;
    }
    const OperatorFit fit = fit_kernel(group.times);
    const std::string why = why_not_used(group, fit);
    if (!why.empty()) {
      table.left_out.push_back(what + why);
      continue;
    }
    table.measured.push_back(
        {kind.op, format, gpus, name.engine, name.version, group.times.seconds.size(), fit});
  }
}

std::vector<fs::path> files_in(const std::string& folder) {
  std::vector<fs::path> files;
  std::error_code error;
  for (const auto& entry : fs::directory_iterator(folder, error)) files.push_back(entry.path());
  if (error) throw InputError(folder + ": cannot be read: " + error.message());
  std::sort(files.begin(), files.end());
  return files;
}

}  // namespace

OperatorFit fit_kernel(const KernelTimes& times) {
  constexpr double kMemory = 0.8;
  constexpr double kCompute = 0.6;
  constexpr int kMostSteps = 80;
  constexpr double kGivenUp = 1e6;
  const double least = *std::min_element(times.seconds.begin(), times.seconds.end());
  Eigen::Vector3d x(std::log(std::max(1e-7, 0.7 * least)), -std::log(kMemory), -std::log(kCompute));
  double error = error_of(times, x);
  double damping = 1e-2;
  for (int i = 0; i < kMostSteps && damping < kGivenUp; ++i) {
    const Eigen::Vector3d next = x + step(times, x, damping);
    const double found = error_of(times, next);
    if (found < error) {
      x = next;
      error = found;
      damping = std::max(damping / 3, 1e-6);
    } else {
      damping *= 4;
    }
  }
  std::vector<double> errors;
  for (std::size_t i = 0; i < times.seconds.size(); ++i) {
    errors.push_back(std::abs(predicted(x, times, i) / times.seconds[i] - 1));
  }
  // What no row depends on wanders off: nothing is faster than the data sheet.
  const auto share = [](double slowdown) { return std::min(1.0, std::exp(-slowdown)); };
  return {std::exp(x[0]), share(x[1]), share(x[2]), median_of(std::move(errors))};
}

OperatorTable fit_operators(const std::string& folder, const Gpu& gpu) {
  OperatorTable table;
  table.gpu = gpu.name;
  for (const fs::path& file : files_in(folder)) {
    const auto name = parse_name(file.filename().string());
    const auto kind = name ? operator_table_kind(name->op) : std::nullopt;
    if (!kind) {
      table.left_out.push_back(file.filename().string() + ": no operator of the step model");
      continue;
    }
    fit_table(CsvTable(file.string()), *name, *kind, gpu, table);
  }
  if (!table.measured.empty()) return table;
  std::string why = table.left_out.empty() ? "" : "; " + table.left_out.front();
  throw InputError(folder + ": nothing to fit; expected tables like gemm__vllm__0.24.0.csv.gz of " +
                   gpu.name + why);
}

}  // namespace cleave
