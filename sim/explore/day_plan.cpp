#include "sim/explore/day_plan.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <utility>
#include <vector>

#include "sim/base/error.h"
#include "sim/base/reference.h"
#include "sim/explore/day_steps.h"
#include "sim/explore/plan.h"
#include "sim/explore/process_pool.h"
#include "sim/scenario/resolve.h"
#include "sim/simulation.h"

namespace cleave {

namespace {

constexpr double kHourS = 3600;

const Setting kStep{"step_s", kHourS, "s", "of one size; the clock's schedule changes with them",
                    in({60, 1e6, false})};
const Setting kSearch{"search_s", 120, "s", "that a size is tried at the highest rate of a step",
                      in({1, 1e6, false})};
const Setting kLead{"lead_s", 600, "s", "before a step its machines are told to come up",
                    in({0, 1e6, false})};
const Setting kWays{"scaling", nullptr, "", "ways to run the day, each as a scenario's scaling",
                    words("a list of sections, which may have a name")};
const Reference::Entry kEntry{{"plan",
                               "day",
                               "A day: machines for the highest rate of each step, and what ways "
                               "to scale between them cost.",
                               {kStep, kSearch, kLead, kWays}}};

struct Way {
  std::string name;
  Json scaling;  ///< null: none
};

struct DaySpec {
  double step_s = 0;
  double search_s = 0;
  double lead_s = 0;
  std::vector<Way> ways;
};

DaySpec read_day(JsonReader reader) {
  DaySpec spec;
  spec.step_s = kStep.number(reader);
  spec.search_s = kSearch.number(reader);
  spec.lead_s = kLead.number(reader);
  spec.ways.push_back({"all on", nullptr});
  reader.objects(kWays.name);  // a list of objects
  for (Json way : reader.value(kWays.name)) {
    const bool named = way.contains("policy") && way["policy"].is_string();
    std::string name = named ? way["policy"].get<std::string>() : std::string();
    if (!named) way.erase("name");
    if (way.contains("name")) {
      name = way["name"].is_string() ? way["name"].get<std::string>() : std::string();
      way.erase("name");
    }
    if (name.empty()) {
      reader.fail("scaling[" + std::to_string(spec.ways.size() - 1) + "]",
                  "expected a policy, as in {\"policy\": \"planner\"}");
    }
    spec.ways.push_back({std::move(name), std::move(way)});
  }
  reader.finish();
  return spec;
}

Counts counts_of(const Json& found) {
  Counts counts;
  for (const Json& pool : found["pools"]) counts.push_back(pool["count"].get<std::uint32_t>());
  return counts;
}

class DayPlanner {
 public:
  DayPlanner(const Json& plan, std::string place, std::size_t parallel,
             std::function<void(std::size_t)> progress)
      : plan_(plan), place_(std::move(place)), parallel_(parallel), progress_(std::move(progress)) {
    JsonReader reader(plan_, place_);
    spec_ = read_day(reader.object("day"));
    reader.objects("designs");
    read_traffic();
    plan_.erase("day");
    plan_.erase("presets");
    if (plan_.contains("confidence")) {
      throw InputError(place_ + ": confidence: not expected in a plan of a day");
    }
    plan_["confidence"] = 0.5;
    if (plan_.contains("maximize")) {
      throw InputError(place_ + ": maximize: a plan of a day has its rates; expected minimize");
    }
  }

  Json plan() {
    Json result{{"kind", "day plan"},
                {"goal", plan_.value("minimize", Json("cost"))},
                {"designs", Json::array()},
                {"optimum", nullptr}};
    double least = 0;
    for (const Json& design : plan_["designs"]) {
      Json found = of_design(design);
      for (const Json& way : found.value("ways", Json::array())) {
        const double value = worth(way);
        const bool better = result["optimum"].is_null() || value < least;
        if (!way["holds"].get<bool>() || !better) continue;
        least = value;
        result["optimum"] = {{"design", found["design"]}, {"way", way["name"]}};
      }
      result["designs"].push_back(std::move(found));
    }
    result["simulations"] = simulations_;
    return result;
  }

 private:
  /// The scenario, the default and presets included, and its rates.
  void read_traffic() {
    ScenarioSources sources;
    JsonReader whole(plan_, place_);
    if (whole.has("presets")) sources.presets = whole.texts("presets");
    if (whole.has("scenario")) whole.object("scenario");
    scenario_ = merge_scenario(merge_scenario(sources), plan_.value("scenario", Json::object()));
    if (whole.has("prices")) scenario_["prices"] = whole.text("prices");
    read_streams();
    JsonReader reader(scenario_["workload"], place_ + ": scenario.workload");
    double span_s = 0;
    for (const Stream& stream : streams_) span_s = std::max(span_s, stream.rates.span_s());
    const auto varies = [](const Stream& stream) { return stream.varies; };
    if (std::none_of(streams_.begin(), streams_.end(), varies)) {
      reader.fail("rates", "is missing: a plan of a day needs rates over time");
    }
    if (!reader.has("duration_s") && span_s == 0) {
      reader.fail("duration_s", "is missing; rates of one time say no end");
    }
    end_s_ = reader.number("duration_s", kPositive, span_s);
    plan_["scenario"] = scenario_;
    plan_["scenario"]["workload"]["duration_s"] = spec_.search_s;
  }

  void read_streams() {
    const Json classes = scenario_.value("classes", Json::array());
    bool shared = classes.empty();
    for (std::size_t i = 0; i < classes.size(); ++i) shared |= !classes[i].contains("workload");
    if (!shared) {
      throw InputError(place_ + ": scenario.classes: a plan of a day needs one with a share");
    }
    streams_.push_back(stream("/workload", "workload"));
    for (std::size_t i = 0; i < classes.size(); ++i) {
      if (classes[i].contains("workload")) {
        const std::string number = std::to_string(i);
        streams_.push_back(
            stream("/classes/" + number + "/workload", "classes[" + number + "].workload"));
      }
    }
  }

  Stream stream(const std::string& pointer, const std::string& name) const {
    const Json::json_pointer workload(pointer);
    JsonReader reader(scenario_[workload], place_ + ": scenario." + name);
    const bool has_rate = reader.has("rate_rps");
    if (!reader.has("rates")) {
      if (!has_rate) reader.fail("rates", "is missing: a plan of a day needs rates over time");
      return {workload, RateCurve(reader.number("rate_rps", kPositive)), false};
    }
    const RateCurve rates = read_rates(reader);
    return {workload, has_rate ? rates.scaled_to(reader.number("rate_rps", kPositive)) : rates,
            true};
  }

  double worth(const Json& way) const {
    const Json goal = plan_.value("minimize", Json("cost"));
    const char* key = goal == "power" ? "energy_kwh" : goal == "machines" ? "machine_hours" : "usd";
    return way[key].is_number() ? way[key].get<double>() : 0;
  }

  Json search(const Json& design, const Rates& rates_rps) {
    Json one = plan_;
    one["designs"] = Json::array({design});
    for (std::size_t i = 0; i < streams_.size(); ++i) {
      Json& workload = one["scenario"][streams_[i].workload];
      for (const char* key : {"rates", "rates_period_s"}) workload.erase(key);
      if (i > 0) workload.erase("duration_s");
      workload["rate_rps"] = rates_rps[i];
    }
    const std::size_t before = simulations_;
    const Json found = find_plan(read_plan(one, place_), parallel_,
                                 [&](std::size_t made) { progress_(before + made); });
    simulations_ = before + found["simulations"].get<std::size_t>();
    return found;
  }

  Json of_design(const Json& design) {
    std::vector<DayStep> steps = steps_of(streams_, end_s_, spec_.step_s);
    std::map<Rates, std::vector<Counts>> ties;
    for (const DayStep& step : steps) ties[step.rates_rps];
    std::vector<Rates> order;  // the degrees are those of the highest rate
    for (const auto& [rates, none] : ties) order.push_back(rates);
    std::stable_sort(order.begin(), order.end(),
                     [](const Rates& a, const Rates& b) { return sum(a) > sum(b); });
    Json fixed = design;
    Json peak;
    for (const Rates& rates : order) {
      const Json found = search(fixed, rates);
      if (found["optimum"].is_null()) {
        return {{"design", design["name"]},
                {"why", "at " + Json(sum(rates)).dump() + " requests/s " +
                            found["infeasible"][0]["why"].get<std::string>()}};
      }
      if (peak.is_null()) {
        peak = found["optimum"];
        fixed = with_degrees(design, peak);
      }
      for (const Json& tie : found["ties"]) ties.at(rates).push_back(counts_of(tie));
    }
    const Counts fleet = choose(steps, ties);
    return described(design, peak, steps, fleet);
  }

  /// Machines do not change their degrees over a day: a design with those of a cluster.
  static Json with_degrees(Json design, const Json& cluster) {
    std::map<std::string, std::vector<Json>> pools;  // by role
    for (Json pool : cluster["pools"]) {
      const auto role = pool["role"].get<std::string>();
      for (const char* key : {"role", "count"}) pool.erase(key);
      pools[role].push_back(std::move(pool));
    }
    for (auto& [role, list] : pools) design[role] = list;
    return design;
  }

  Json described(const Json& design, const Json& peak, const std::vector<DayStep>& steps,
                 const Counts& fleet) {
    Json pools = peak["pools"];
    for (std::size_t i = 0; i < pools.size(); ++i) pools[i]["count"] = fleet[i];
    double machine_hours = 0;
    Json list = Json::array();
    for (const DayStep& step : steps) {
      machine_hours += machines(step.counts) * (step.to_s - step.from_s) / kHourS;
      list.push_back({{"from_s", step.from_s},
                      {"to_s", step.to_s},
                      {"rate_rps", sum(step.rates_rps)},
                      {"rates_rps", step.rates_rps},
                      {"counts", step.counts}});
    }
    return {{"design", design["name"]},
            {"fleet", pools},
            {"hindsight", {{"machine_hours", machine_hours}}},
            {"steps", list},
            {"ways", simulate_ways(peak, pools, steps)}};
  }

  Json day_scenario(const Json& peak, const Json& pools, const std::vector<DayStep>& steps,
                    const Way& way) const {
    Json scenario = merge_scenario(scenario_, peak["settings"]);
    scenario["scheduler"]["policy"] = peak["scheduler"];
    scenario["pools"] = pools;
    scenario["faults"] = scenario.value("faults", Json::array());
    if (way.scaling.is_null()) return scenario;
    scenario["scaling"] = way.scaling;
    for (std::size_t i = 0; i < pools.size(); ++i) {
      scenario["pools"][i]["start_count"] = steps.front().counts[i];
    }
    if (way.scaling["policy"] == "schedule" && !way.scaling.contains("sizes")) {
      // What grows comes early; what shrinks is left on time.
      Json sizes = Json::array({Json::array({0, steps.front().counts})});
      for (std::size_t i = 1; i < steps.size(); ++i) {
        const Counts both = larger(steps[i - 1].counts, steps[i].counts);
        const double early_s = steps[i].from_s - std::min(spec_.lead_s, spec_.step_s / 2);
        if (both != steps[i - 1].counts && early_s < steps[i].from_s) {
          sizes.push_back(Json::array({early_s, both}));
        }
        sizes.push_back(Json::array({steps[i].from_s, steps[i].counts}));
      }
      scenario["scaling"]["sizes"] = sizes;
    }
    return scenario;
  }

  Json simulate_ways(const Json& peak, const Json& pools, const std::vector<DayStep>& steps) {
    std::vector<Json> results(spec_.ways.size());
    std::size_t started = 0;
    run_jobs(
        parallel_,
        [&](std::size_t& job) {
          job = started;
          return started++ < spec_.ways.size();
        },
        [&](std::size_t job) {
          const Json scenario = day_scenario(peak, pools, steps, spec_.ways[job]);
          return Simulation(read_scenario(scenario)).alone().run().dump();
        },
        [&](std::size_t job, const JobResult& result) {
          if (!result.error.empty()) {
            throw InputError(place_ + ": day.scaling \"" + spec_.ways[job].name +
                             "\": " + result.error);
          }
          results[job] = way_json(spec_.ways[job], Json::parse(result.text), pools);
          progress_(++simulations_);
        });
    Json list = Json::array();
    for (Json& result : results) list.push_back(std::move(result));
    return list;
  }

  static Json way_json(const Way& way, const Json& summary, const Json& pools) {
    std::uint32_t fleet = 0;
    for (const Json& pool : pools) fleet += pool["count"].get<std::uint32_t>();
    const Json& slo = summary["slo"];
    Json breaks = Json::array();
    for (const Json& limit : slo["limits"]) {
      if (limit["holds"].get<bool>()) continue;
      breaks.push_back(limit["metric"].get<std::string>() + " " +
                       limit["percentile"].get<std::string>());
    }
    for (const Json& each : summary.value("classes", Json::array())) {
      if (each["holds"] == false) breaks.push_back("class " + each["name"].get<std::string>());
    }
    if (summary["steady"]["overload"].get<bool>()) breaks.push_back("overload");
    const auto part = [&](const char* key) {
      return summary[key].is_object() ? summary[key] : Json::object();
    };
    const Json scaling = part("scaling");
    const Json energy = part("energy");
    const double energy_usd =
        energy.contains("usd") && energy["usd"].is_number() ? energy["usd"].get<double>() : 0;
    const Json& spent = summary["cost"]["spent_usd"];
    const double all_hours = fleet * summary["duration_s"].get<double>() / kHourS;
    return {{"name", way.name},
            {"holds", slo["holds"].get<bool>() && breaks.empty()},
            {"breaks", breaks},
            {"attainment", slo["attainment"]},
            {"machine_hours", scaling.value("machine_hours", all_hours)},
            {"usd", spent.is_number() ? Json(spent.get<double>() + energy_usd) : Json()},
            {"energy_kwh", summary["power"]["energy_kwh"]},
            {"starts", scaling.value("starts", 0)},
            {"reversals_per_hour", scaling.value("reversals_per_hour", 0.0)}};
  }

  Json plan_;
  std::string place_;
  std::size_t parallel_;
  std::function<void(std::size_t)> progress_;
  DaySpec spec_;
  Json scenario_;                ///< complete but for the pools
  std::vector<Stream> streams_;  ///< the workload's first
  double end_s_ = 0;
  std::size_t simulations_ = 0;
};

}  // namespace

bool is_day_plan(const Json& plan) { return plan.is_object() && plan.contains("day"); }

Json find_day_plan(const Json& plan, const std::string& place, std::size_t parallel,
                   const std::function<void(std::size_t)>& progress) {
  return DayPlanner(plan, place, parallel, progress).plan();
}

}  // namespace cleave
