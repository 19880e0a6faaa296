#include "sim/explore/plan.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <list>

#include "sim/base/error.h"
#include "sim/base/shared_count.h"
#include "sim/explore/design_search.h"
#include "sim/explore/process_pool.h"

namespace cleave {

namespace {

/// The best of a design.
struct Found {
  DesignSearch* search;
  Candidate candidate;
};

class Planner {
 public:
  Planner(const PlanSpec& spec, std::size_t parallel,
          const std::function<void(std::size_t)>& progress);
  Json plan();

 private:
  std::vector<Found> search_designs();
  bool better(const Found& a, const Found& b) const;
  Json describe(const Found& found) const;
  Json pareto(const std::vector<Found>& found) const;
  Json headroom(const Found& best) const;
  Json candidates() const;
  Json question() const;
  std::string why_not();

  const PlanSpec& spec_;
  std::size_t parallel_;
  double rate_rps_;
  SharedCount simulated_;
  std::list<DesignSearch> searches_;
};

Planner::Planner(const PlanSpec& spec, std::size_t parallel,
                 const std::function<void(std::size_t)>& progress)
    : spec_(spec),
      parallel_(parallel),
      rate_rps_(spec.scenario["workload"]["rate_rps"].get<double>()) {
  // Designs are searched side by side; what that leaves of the cores is for the seeds.
  const std::size_t each = std::max<std::size_t>(1, parallel / spec.designs.size());
  for (const Design& design : spec.designs) {
    searches_.emplace_back(spec, design, each, [&] { progress(simulated_.up()); });
  }
}

/// Each design is searched on its own, in a process of its own, so that all of them can be compared
/// and the answer does not depend on how many run at a time.
std::vector<Found> Planner::search_designs() {
  std::vector<DesignSearch*> waiting;
  for (DesignSearch& search : searches_) waiting.push_back(&search);
  std::vector<std::string> told(waiting.size());
  std::string error;
  std::size_t started = 0;
  run_jobs(
      parallel_,
      [&](std::size_t& job) {
        job = started;
        return started++ < waiting.size();
      },
      [&](std::size_t job) {
        const auto best = waiting[job]->best();
        Json json{{"known", waiting[job]->known()}, {"best", nullptr}};
        if (best) {
          json["best"] = {best->sizes.first, best->sizes.second, best->rate_rps, best->margin};
        }
        return json.dump();
      },
      [&](std::size_t job, const JobResult& result) {
        told[job] = result.text;
        if (!result.error.empty()) error = result.error;
      });
  if (!error.empty()) throw InputError(error);
  std::vector<Found> found;
  for (std::size_t i = 0; i < waiting.size(); ++i) {
    const Json json = Json::parse(told[i]);
    waiting[i]->learn(json["known"]);
    const Json& best = json["best"];
    if (best.is_null()) continue;
    found.push_back({waiting[i],
                     {{best[0].get<std::uint32_t>(), best[1].get<std::uint32_t>()},
                      best[2].get<double>(),
                      best[3].get<double>()}});
  }
  return found;
}

bool Planner::better(const Found& a, const Found& b) const {
  if (spec_.goal == PlanSpec::Goal::kThroughput) {
    return a.candidate.rate_rps > b.candidate.rate_rps;
  }
  const double left = a.search->objective(a.candidate.sizes);
  const double right = b.search->objective(b.candidate.sizes);
  return left != right ? left < right : a.candidate.margin > b.candidate.margin;
}

Json Planner::describe(const Found& found) const {
  const auto& [search, candidate] = found;
  return {{"design", search->design().name},
          {"estimated", search->design().estimated},
          {"pools", search->scenario(candidate.sizes, candidate.rate_rps, spec_.seeds[0])["pools"]},
          {"machines", search->machines(candidate.sizes)},
          {"cost_per_hour", search->cost_per_hour(candidate.sizes)},
          {"provisioned_w", search->provisioned_w(candidate.sizes)},
          {"rate_rps", candidate.rate_rps},
          {"margin", candidate.margin}};
}

Json Planner::headroom(const Found& best) const {
  Json all = Json::array();
  const auto& [search, candidate] = best;
  for (std::size_t i = 0; i < search->design().roles.size(); ++i) {
    Sizes sizes = candidate.sizes;
    std::uint32_t& size = i == 0 ? sizes.first : sizes.second;
    const std::string& role = search->design().roles[i];
    Json breaks{"no " + role + " machine is left"};
    if (--size > 0) breaks = search->outcome(sizes, candidate.rate_rps).breaks;
    all.push_back({{"change", "one " + role + " machine less"}, {"breaks", breaks}});
  }
  for (const double factor : {1.1, 1.2}) {
    const int more = static_cast<int>(std::lround((factor - 1) * 100));
    all.push_back(
        {{"change", std::to_string(more) + " % more traffic"},
         {"breaks", search->outcome(candidate.sizes, candidate.rate_rps * factor).breaks}});
  }
  return all;
}

/// Of the best of each design, those that no other one beats in cost, power and rate at once.
Json Planner::pareto(const std::vector<Found>& found) const {
  const auto figures = [](const Found& f) {
    return std::array<double, 3>{f.search->cost_per_hour(f.candidate.sizes),
                                 f.search->provisioned_w(f.candidate.sizes), -f.candidate.rate_rps};
  };
  Json front = Json::array();
  for (const Found& one : found) {
    const auto mine = figures(one);
    const bool beaten = std::any_of(found.begin(), found.end(), [&](const Found& other) {
      const auto theirs = figures(other);
      return theirs != mine && theirs[0] <= mine[0] && theirs[1] <= mine[1] && theirs[2] <= mine[2];
    });
    if (!beaten) front.push_back(one.search->design().name);
  }
  return front;
}

Json Planner::candidates() const {
  Json all = Json::array();
  for (const DesignSearch& search : searches_) {
    for (const auto& [candidate, outcome] : search.simulated()) {
      Json counts = {candidate.sizes.first};
      if (search.design().roles.size() == 2) counts.push_back(candidate.sizes.second);
      all.push_back({{"design", search.design().name},
                     {"roles", search.design().roles},
                     {"counts", counts},
                     {"machines", search.machines(candidate.sizes)},
                     {"cost_per_hour", search.cost_per_hour(candidate.sizes)},
                     {"provisioned_w", search.provisioned_w(candidate.sizes)},
                     {"rate_rps", candidate.rate_rps},
                     {"margin", outcome.margin},
                     {"breaks", outcome.breaks}});
    }
  }
  return all;
}

Json Planner::question() const {
  constexpr std::array kGoals = {"cost", "power", "machines", "throughput"};
  Json budget = Json::object();
  if (spec_.budget_cost_per_hour > 0) budget["cost_per_hour"] = spec_.budget_cost_per_hour;
  if (spec_.budget_power_w > 0) budget["power_w"] = spec_.budget_power_w;
  Json scenario = spec_.scenario;
  scenario.erase("pools");
  return {{"kind", "plan"},
          {"goal", kGoals[static_cast<std::size_t>(spec_.goal)]},
          {"budget", budget},
          {"seeds", spec_.seeds},
          {"scenario", scenario}};
}

std::string Planner::why_not() {
  std::string text;
  for (DesignSearch& search : searches_) {
    const Design& design = search.design();
    Sizes sizes{design.most, design.roles.size() == 2 ? design.most : 0};
    while (!search.affordable(sizes) && sizes.first > 1) {
      --sizes.first;
      if (sizes.second > 1) --sizes.second;
    }
    if (!text.empty()) text += "; ";
    text += design.name;
    if (!search.affordable(sizes)) {
      text += ": the budget does not pay for one machine of each pool";
      continue;
    }
    text += " breaks";
    for (const std::string& limit : search.outcome(sizes, rate_rps_).breaks) {
      text += " " + limit + ",";
    }
    if (text.back() == ',') text.pop_back();
    text += " even with " + std::to_string(sizes.first + sizes.second) + " machines";
  }
  return text;
}

Json Planner::plan() {
  std::vector<Found> found = search_designs();
  Json result = question();
  result["optimum"] = nullptr;
  if (found.empty()) {
    result["why_not"] = why_not();
  } else {
    Found& optimum = *std::min_element(
        found.begin(), found.end(), [&](const Found& a, const Found& b) { return better(a, b); });
    DesignSearch& search = *optimum.search;
    const std::vector<Candidate> equal = search.ties(optimum.candidate);
    optimum.candidate = equal.front();
    result["optimum"] = describe(optimum);
    result["why_not"] = nullptr;
    result["slo"] = search.outcome(optimum.candidate.sizes, optimum.candidate.rate_rps).slo;
    result["ties"] = Json::array();
    for (const Candidate& tie : equal) result["ties"].push_back(describe({&search, tie}));
    result["designs"] = Json::array();
    for (const Found& each : found) result["designs"].push_back(describe(each));
    result["pareto"] = pareto(found);
    result["headroom"] = headroom(optimum);
  }
  std::size_t simulations = 0;
  for (const DesignSearch& search : searches_) simulations += search.simulations();
  result["simulations"] = simulations;
  result["candidates"] = candidates();
  return result;
}

}  // namespace

Json find_plan(const PlanSpec& spec, std::size_t parallel,
               const std::function<void(std::size_t)>& progress) {
  return Planner(spec, parallel, progress).plan();
}

}  // namespace cleave
