#include <cmath>
#include <string>
#include <utility>

#include "sim/scaling/scaling_policy.h"

namespace cleave {

namespace {

const Setting kSizes{"sizes", nullptr, "",
                     "[[seconds, [machines of each pool]], ...]: from then on so many",
                     words("a list of [seconds, list of counts]")};
const Setting kPeriod{"period_s", nullptr, "s",
                      "after which the sizes begin again; else the last stays", in({0, 1e9, true})};

struct Entry {
  double time_s;
  std::vector<std::uint32_t> machines;
};

/// Sizes by the clock.
class Schedule : public ScalingPolicy {
 public:
  /// `first_pool`: of the counts, the first that is for it.
  Schedule(std::vector<Entry> entries, double period_s, std::size_t first_pool)
      : entries_(std::move(entries)), period_s_(period_s), first_pool_(first_pool) {}

  double first_s() const override { return entries_.front().time_s; }
  double next_s(double now_s) const override {
    const auto [round_s, entry] = at(now_s);
    if (entry + 1 < entries_.size()) return round_s + entries_[entry + 1].time_s;
    return std::isfinite(period_s_) ? round_s + period_s_ + entries_.front().time_s : kNever;
  }
  void decide(const ScalingView& seen, std::vector<PoolSize>& sizes) override {
    const Entry& entry = entries_[at(seen.now_s).second];
    for (std::size_t i = 0; i < sizes.size(); ++i) {
      sizes[i].machines = entry.machines[first_pool_ + i];
    }
  }

 private:
  // The beginning of the period that a time of an entry is in, and that entry. Times are sums, and
  // so may be a little off.
  std::pair<double, std::size_t> at(double now_s) const {
    constexpr double kRoundingS = 1e-6;
    now_s += kRoundingS;
    double round_s = 0;
    if (std::isfinite(period_s_)) {
      round_s = period_s_ * std::floor((now_s - entries_.front().time_s) / period_s_);
    }
    std::size_t entry = 0;
    while (entry + 1 < entries_.size() && round_s + entries_[entry + 1].time_s <= now_s) ++entry;
    return {round_s, entry};
  }

  std::vector<Entry> entries_;
  double period_s_;
  std::size_t first_pool_;
};

Entry read_entry(JsonReader& section, const Json& json, std::size_t number) {
  const std::string place = "sizes[" + std::to_string(number) + "]";
  const auto is_count = [](const Json& value) {
    return value.is_number_integer() && value.get<std::int64_t>() >= 0 &&
           value.get<std::int64_t>() <= 100'000;
  };
  bool good = json.is_array() && json.size() == 2 && json[0].is_number() && json[1].is_array();
  if (good) {
    for (const Json& count : json[1]) good = good && is_count(count);
  }
  if (!good) section.fail(place, "expected [seconds, [machines of each pool]]");
  Entry entry{json[0].get<double>(), {}};
  for (const Json& count : json[1]) entry.machines.push_back(count.get<std::uint32_t>());
  return entry;
}

std::vector<Entry> read_entries(JsonReader& section) {
  std::vector<Entry> entries;
  if (!section.has(kSizes.name)) return entries;
  const Json& list = section.value(kSizes.name);
  if (!list.is_array())
    section.fail(kSizes.name, "expected [[seconds, [machines of each pool]], ...]");
  for (const Json& json : list) {
    Entry entry = read_entry(section, json, entries.size());
    const double before_s = entries.empty() ? -1 : entries.back().time_s;
    if (entry.time_s < 0 || entry.time_s <= before_s || entry.time_s > 1e9) {
      section.fail("sizes[" + std::to_string(entries.size()) + "]",
                   "expected a time from 0 to 1e9 s, after the one before");
    }
    entries.push_back(std::move(entry));
  }
  return entries;
}

ScalingPolicies::Make read(JsonReader& section) {
  const std::vector<Entry> entries = read_entries(section);
  const double period_s = kPeriod.optional_number(section).value_or(ScalingPolicy::kNever);
  if (!entries.empty() && entries.back().time_s >= period_s) {
    section.fail(kPeriod.name, "expected more than the last time of sizes");
  }
  const std::string place = section.path_of(kSizes.name);
  return [=](const ScalingContext& context) {
    if (entries.empty()) {
      throw InputError(
          place +
          ": is missing; policy \"schedule\" needs sizes such as [[0, [4, 8]], [28800, [16, 24]]]");
    }
    for (std::size_t i = 0; i < entries.size(); ++i) {
      if (entries[i].machines.size() == context.pools_of_all) continue;
      throw InputError(place + "[" + std::to_string(i) + "]: has " +
                       std::to_string(entries[i].machines.size()) +
                       " counts of machines; expected one for each of the " +
                       std::to_string(context.pools_of_all) + " pools");
    }
    return std::make_unique<Schedule>(entries, period_s, context.first_pool);
  };
}

const ScalingPolicies::Entry kEntry{"schedule", "sizes by the clock", {kSizes, kPeriod}, read};

}  // namespace

}  // namespace cleave
