#include "sim/base/timed_values.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <utility>

#include "sim/base/csv_table.h"
#include "sim/base/error.h"

namespace cleave {

namespace {

constexpr double kDayS = 24.0 * 3600;

/// Why a step cannot follow those before it; "" where it can.
std::string what_is_wrong(const std::vector<TimedValues::Step>& before,
                          const TimedValues::Step& step, Range range) {
  const bool in_range = step.value >= range.least && step.value <= range.most;
  if (!in_range) return "expected a value in the range of the setting";
  if (before.empty()) return step.time_s == 0 ? "" : "expected the first time to be 0";
  return step.time_s > before.back().time_s ? "" : "expected a time after the one before";
}

std::vector<TimedValues::Step> steps_of(const std::string& file, Range range) {
  const CsvTable table(file);
  if (!table.has("seconds") || !table.has("value")) {
    throw InputError(file + ": expected the columns seconds and value");
  }
  std::vector<TimedValues::Step> steps;
  for (std::size_t row = 0; row < table.rows(); ++row) {
    const TimedValues::Step step{table.number(row, "seconds"), table.number(row, "value")};
    const std::string wrong = what_is_wrong(steps, step, range);
    if (!wrong.empty()) throw InputError(file + ", line " + std::to_string(row + 2) + ": " + wrong);
    steps.push_back(step);
  }
  if (steps.empty()) throw InputError(file + ": has no values");
  return steps;
}

std::vector<TimedValues::Step> steps_of(JsonReader& reader, std::string_view key, Range range) {
  const Json& list = reader.value(key);
  if (list.is_string()) return steps_of(list.get<std::string>(), range);
  if (!list.is_array() || list.empty()) {
    reader.fail(key, "expected a number, a list of [seconds, value], or the name of a CSV file");
  }
  std::vector<TimedValues::Step> steps;
  for (const Json& entry : list) {
    const std::string place = std::string(key) + "[" + std::to_string(steps.size()) + "]";
    const bool pair =
        entry.is_array() && entry.size() == 2 && entry[0].is_number() && entry[1].is_number();
    if (!pair) reader.fail(place, "expected [seconds, value]");
    const TimedValues::Step step{entry[0].get<double>(), entry[1].get<double>()};
    const std::string wrong = what_is_wrong(steps, step, range);
    if (!wrong.empty()) reader.fail(place, wrong);
    steps.push_back(step);
  }
  return steps;
}

}  // namespace

TimedValues::TimedValues(std::vector<Step> steps, std::optional<double> period_s)
    : steps_(std::move(steps)), period_s_(period_s) {}

double TimedValues::at(double time_s) const {
  if (period_s_) time_s = std::fmod(time_s, *period_s_);
  const auto after =
      std::upper_bound(steps_.begin(), steps_.end(), time_s,
                       [](double time, const Step& step) { return time < step.time_s; });
  return (after - 1)->value;
}

double TimedValues::mean(double from_s, double to_s) const {
  return (integral(to_s) - integral(from_s)) / (to_s - from_s);
}

double TimedValues::integral(double to_s) const {
  if (!period_s_) return within(to_s);
  const double rounds = std::floor(to_s / *period_s_);
  return rounds * within(*period_s_) + within(to_s - rounds * *period_s_);
}

double TimedValues::within(double to_s) const {
  double sum = 0;
  for (std::size_t i = 0; i < steps_.size() && steps_[i].time_s < to_s; ++i) {
    const double end_s = i + 1 < steps_.size() ? std::min(to_s, steps_[i + 1].time_s) : to_s;
    sum += steps_[i].value * (end_s - steps_[i].time_s);
  }
  return sum;
}

double TimedValues::next_s(double time_s) const {
  const double round_s = period_s_ ? std::floor(time_s / *period_s_) * *period_s_ : 0;
  for (const Step& step : steps_) {
    if (round_s + step.time_s > time_s) return round_s + step.time_s;
  }
  if (period_s_ && changes()) return round_s + *period_s_;
  return std::numeric_limits<double>::infinity();
}

TimedValues read_timed_values(JsonReader& reader, const Setting& setting, double otherwise) {
  const std::string& key = setting.name;
  const Range range = setting.accepts.range;
  if (!reader.has(key)) return TimedValues(otherwise);
  if (reader.value(key).is_number()) return TimedValues(reader.number(key, range));
  std::vector<TimedValues::Step> steps = steps_of(reader, key, range);
  const bool daily = steps.back().time_s < kDayS;
  return {std::move(steps), daily ? std::optional(kDayS) : std::nullopt};
}

}  // namespace cleave
