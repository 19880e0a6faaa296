#include "sim/explore/sweep_spec.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <set>

#include "sim/base/error.h"
#include "sim/base/reference.h"
#include "sim/explore/named_files.h"
#include "sim/scenario/resolve.h"

namespace cleave {

namespace {

constexpr std::uint64_t kMostPoints = 100'000'000;
constexpr std::uint64_t kMostChecked = 10'000'000;
/// What a listed point is called: no path of the scenario.
constexpr const char* kName = "name";

const char* const kSummary = "summary";
const Setting kPresets{"presets", nullptr, "", "below the scenario", words("a name or a list")};
const Setting kScenario{"scenario", nullptr, "", "of which paths vary",
                        words("a scenario, or its file beside this one")};
const Setting kVary{"vary", nullptr, "", "values of each path, all combined",
                    words("{path: list of values, or a range}")};
const Setting kPoints{"points", nullptr, "", "listed, each combined with all of vary; may be named",
                      words("a list of {path: value}")};
const Setting kWhere{"where", nullptr, "",
                     "which points are run, as in pools[0].count + pools[1].count = 40; cost and "
                     "power are the cluster's",
                     words("a list of texts: two sums compared with <=, >=, <, > or =")};
const Reference::Entry kSweep{
    {"sweep",
     "",
     "A sweep: a scenario, and the values that paths of it take.",
     {{kSummary, nullptr, "", "what cleave list sweeps says of it", words("a text")},
      kScenario,
      kPresets,
      kVary,
      kPoints,
      kWhere}}};
const Setting kFrom{"from", nullptr, "", "the first value", words("a number")};
const Setting kTo{"to", nullptr, "", "the last value, at most", words("a number, at least from")};
const Setting kStep{"step", 1, "", "between values", in(kPositive)};
const Reference::Entry kRange{
    {"sweep", "vary.PATH", "A range, in the place of a list of values.", {kFrom, kTo, kStep}}};

/// 0.1 + 2 * 0.1 is 0.3 in a range.
double without_rounding(double value) {
  std::array<char, 64> text{};
  std::snprintf(text.data(), text.size(), "%.12g", value);
  return std::strtod(text.data(), nullptr);
}

/// The values of {"from": 1, "to": 39, "step": 2}; whole numbers where all three are.
std::vector<Json> range_values(JsonReader range) {
  constexpr double kMostValues = 1e6;
  const double from = kFrom.number(range);
  const double to = range.number(kTo.name, {from, 1e15, false});
  const double step = kStep.number(range);
  const bool whole = std::floor(from) == from && std::floor(step) == step;
  range.finish();
  constexpr double kRounding = 1e-9;
  const double steps = std::floor((to - from) / step + kRounding);
  if (steps >= kMostValues) range.fail("step", "the range has more than a million values");
  std::vector<Json> values;
  for (int i = 0; i <= static_cast<int>(steps); ++i) {
    const double value = from + step * i;
    values.push_back(whole ? Json(static_cast<std::int64_t>(value))
                           : Json(without_rounding(value)));
  }
  return values;
}

std::vector<Json> axis_values(JsonReader& vary, const std::string& path) {
  const Json& given = vary.value(path);
  if (given.is_object()) return range_values(vary.object(path));
  if (!given.is_array() || given.empty()) {
    vary.fail(path,
              "expected a list of values, or a range like {\"from\": 1, \"to\": 39, \"step\": 2}");
  }
  std::set<Json> seen;
  for (const Json& value : given) {
    if (!seen.insert(value).second)
      vary.fail(path, "the value " + value.dump() + " is there twice");
  }
  return {given.begin(), given.end()};
}

/// The base of a sweep: defaults, presets, scenario (an object, or a file beside the
/// specification), settings.
Json read_base(JsonReader& reader, const std::string& place,
               const std::vector<std::string>& settings) {
  ScenarioSources sources;
  if (kPresets.given(reader)) {
    const Json& presets = reader.value(kPresets.name);
    for (const Json& preset : presets.is_array() ? presets : Json::array({presets})) {
      if (!preset.is_string()) reader.fail("presets", "expected a list of names");
      sources.presets.push_back(preset.get<std::string>());
    }
  }
  Json changes = Json::object();
  if (kScenario.given(reader)) {
    const Json& scenario = reader.value(kScenario.name);
    if (scenario.is_string()) {
      const auto folder = std::filesystem::path(place).parent_path();
      sources.file = (folder / scenario.get<std::string>()).string();
    } else if (scenario.is_object()) {
      changes = scenario;
    } else {
      reader.fail("scenario", "expected a scenario (an object) or the name of its file, found " +
                                  json_kind(scenario));
    }
  }
  Json base = merge_scenario(merge_scenario(sources), changes);
  for (const std::string& setting : settings) {
    require_utf8(setting, "--set");
    const std::size_t equals = setting.find('=');
    if (equals == std::string::npos || equals == 0) {
      throw InputError("--set " + setting + ": expected path=value, as in workload.rate_rps=40");
    }
    set_path(base, setting.substr(0, equals), parse_value(setting.substr(equals + 1)));
  }
  return base;
}

}  // namespace

SweepSpec::SweepSpec(const Json& spec, const std::string& place,
                     const std::vector<std::string>& settings) {
  JsonReader reader(spec, place);
  reader.has(kSummary);
  base_ = read_base(reader, place, settings);
  read_points(reader);
  read_axes(reader);
  read_constraints(reader);
  reader.finish();
  if (axes_.empty()) reader.fail("vary", "expected the paths that vary, each with its values");
  for (const Axis& axis : axes_) {
    grid_size_ *= axis.size();
    const std::uint64_t most = constraints_.empty() ? kMostPoints : kMostChecked;
    if (grid_size_ > most) {
      reader.fail("vary", "the grid has more than " + std::to_string(most) + " points");
    }
  }
  Json axes = Json::array();
  for (const Axis& axis : axes_) {
    Json choices = Json::array();
    for (const Choice& choice : axis) {
      Json together = Json::object();
      for (const Setting& setting : choice) together[setting.path] = setting.value;
      choices.push_back(together);
    }
    axes.push_back(choices);
  }
  resolved_ = {{"base", base_}, {"axes", axes}, {"where", spec.value("where", Json::array())}};
  const Json files = named_files(resolved_);
  if (!files.empty()) resolved_["files"] = files;
  if (!constraints_.empty()) choose_points();
  if (size() == 0) reader.fail("where", "no point of the grid satisfies all constraints");
}

void SweepSpec::add_path(const std::string& path, const JsonReader& reader, const char* key) {
  if (std::find(paths_.begin(), paths_.end(), path) != paths_.end()) {
    reader.fail(key, path + " varies twice");
  }
  paths_.push_back(path);
}

void SweepSpec::read_axes(JsonReader& reader) {
  if (!kVary.given(reader)) return;
  JsonReader vary = reader.object(kVary.name);
  for (const auto& item : reader.value(kVary.name).items()) {
    if (item.key() == kName) reader.fail("vary", "a name is no path; expected it in points");
    add_path(item.key(), reader, "vary");
    Axis axis;
    for (Json& value : axis_values(vary, item.key())) axis.push_back({{item.key(), value}});
    axes_.push_back(std::move(axis));
  }
}

/// Listed points are the slowest axis: each is combined with the whole grid.
void SweepSpec::read_points(JsonReader& reader) {
  if (!kPoints.given(reader)) return;
  const Json& points = reader.value(kPoints.name);
  std::set<std::string> names;
  Axis axis;
  for (const Json& point : points) {
    if (!points.is_array() || !point.is_object() || point.empty()) break;
    Choice choice;
    for (const auto& item : point.items()) {
      if (item.key() == kName &&
          (!item.value().is_string() || !names.insert(item.value()).second)) {
        reader.fail("points", "expected every name to be a text, and another one; found " +
                                  item.value().dump());
      }
      choice.push_back({item.key(), item.value()});
      if (std::find(paths_.begin(), paths_.end(), item.key()) == paths_.end()) {
        paths_.push_back(item.key());
      }
    }
    axis.push_back(std::move(choice));
  }
  if (axis.empty() || axis.size() != points.size()) {
    reader.fail("points", "expected a list of objects like {\"pools[0].count\": 25}");
  }
  axes_.push_back(std::move(axis));
}

void SweepSpec::read_constraints(JsonReader& reader) {
  if (!kWhere.given(reader)) return;
  const Json& where = reader.value(kWhere.name);
  if (!where.is_array()) reader.fail("where", "expected a list of constraints");
  for (std::size_t i = 0; i < where.size(); ++i) {
    const std::string place = reader.path_of("where") + "[" + std::to_string(i) + "]";
    if (!where[i].is_string()) throw InputError(place + ": expected a text");
    constraints_.emplace_back(where[i].get<std::string>(), place);
  }
}

template <class Visit>
void SweepSpec::for_each_setting(std::uint64_t place, const Visit& visit) const {
  std::vector<const Choice*> choices(axes_.size());
  for (std::size_t i = axes_.size(); i-- > 0;) {
    choices[i] = &axes_[i][place % axes_[i].size()];
    place /= axes_[i].size();
  }
  for (const Choice* choice : choices) {
    for (const Setting& setting : *choice) visit(setting);
  }
}

template <class Visit>
void SweepSpec::for_each_path(std::uint64_t place, const Visit& visit) const {
  for_each_setting(place, [&](const Setting& setting) {
    if (setting.path != kName) visit(setting);
  });
}

/// Only the parts of the scenario that the constraints look at are made for every place of the
/// grid.
void SweepSpec::choose_points() {
  std::set<std::string> keys;
  for (const Constraint& constraint : constraints_) keys.merge(constraint.keys());
  Json part = Json::object();
  for (const auto& item : base_.items()) {
    if (keys.contains(item.key())) part[item.key()] = item.value();
  }
  for (std::uint64_t place = 0; place < grid_size_; ++place) {
    Json document = part;
    for_each_path(place, [&](const Setting& setting) {
      if (keys.contains(setting.path.substr(0, setting.path.find_first_of(".[")))) {
        set_path(document, setting.path, setting.value);
      }
    });
    const bool all = std::all_of(constraints_.begin(), constraints_.end(),
                                 [&](Constraint& one) { return one.holds(document); });
    if (all) chosen_.push_back(place);
  }
}

Json SweepSpec::scenario(std::uint64_t point) const {
  Json document = base_;
  for_each_path(constraints_.empty() ? point : chosen_.at(point),
                [&](const Setting& setting) { set_path(document, setting.path, setting.value); });
  return document;
}

std::vector<Json> SweepSpec::values(std::uint64_t point) const {
  std::vector<Json> values(paths_.size());
  for_each_setting(constraints_.empty() ? point : chosen_.at(point), [&](const Setting& setting) {
    const auto path = std::find(paths_.begin(), paths_.end(), setting.path);
    values[static_cast<std::size_t>(path - paths_.begin())] = setting.value;
  });
  return values;
}

std::string SweepSpec::hash() const { return scenario_hash(resolved_); }

SweepSpec load_sweep(const std::string& name, const std::vector<std::string>& settings) {
  const Json spec = load_profile("profiles/sweeps", "sweep", name, "SPEC");
  const bool is_file = name.ends_with(".json");
  return {spec, is_file ? name : "profiles/sweeps/" + name + ".json", settings};
}

}  // namespace cleave
