#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "sim/base/setting.h"

namespace cleave {

/// A number that changes with time, in steps: each value holds from its time on.
class TimedValues {
 public:
  struct Step {
    double time_s;
    double value;
  };

  explicit TimedValues(double value = 0) : steps_{{0, value}} {}
  /// The first step is at 0, and times ascend. With a period, which is after the last of them, all
  /// begin again.
  TimedValues(std::vector<Step> steps, std::optional<double> period_s);

  double at(double time_s) const;
  /// Over the time between, which is not empty.
  double mean(double from_s, double to_s) const;
  bool changes() const { return steps_.size() > 1; }
  /// When the next step after `time_s` is; infinite where none is left.
  double next_s(double time_s) const;

 private:
  double integral(double to_s) const;
  double within(double to_s) const;

  std::vector<Step> steps_;
  std::optional<double> period_s_;
};

/// A key that is a number, a list of [seconds, value], or the name of a CSV file with columns
/// "seconds" and "value". Lists and files of at most a day begin again every day.
TimedValues read_timed_values(JsonReader& reader, const Setting& setting, double otherwise);

}  // namespace cleave
