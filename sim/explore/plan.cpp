#include "sim/explore/plan.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "sim/explore/planner.h"

namespace cleave {

Json Planner::describe(const Candidate& candidate) const {
  const Design& design = *candidate.design;
  Json pools = scenario_of(design, candidate.sizes, candidate.rate_rps, spec_.seeds[0])["pools"];
  return {{"design", design.name},
          {"pools", pools},
          {"machines", machines(design, candidate.sizes)},
          {"cost_per_hour", cost(design, candidate.sizes)},
          {"provisioned_w", power(design, candidate.sizes)},
          {"rate_rps", candidate.rate_rps},
          {"margin", candidate.margin}};
}

Json Planner::neighbours(const Candidate& best) {
  Json all = Json::array();
  for (std::size_t i = 0; i < best.design->roles.size(); ++i) {
    Sizes sizes = best.sizes;
    std::uint32_t& size = i == 0 ? sizes.first : sizes.second;
    const std::string change = "one " + best.design->roles[i] + " machine less";
    if (--size == 0) {
      all.push_back({{"change", change},
                     {"breaks", Json{"no " + best.design->roles[i] + " machine is left"}}});
    } else {
      all.push_back(
          {{"change", change}, {"breaks", outcome(*best.design, sizes, best.rate_rps).breaks}});
    }
  }
  return all;
}

Json Planner::headroom(const Candidate& best) {
  Json all = neighbours(best);
  for (const double factor : {1.1, 1.2}) {
    const int more = static_cast<int>(std::lround((factor - 1) * 100));
    all.push_back({{"change", std::to_string(more) + " % more traffic"},
                   {"breaks", outcome(*best.design, best.sizes, best.rate_rps * factor).breaks}});
  }
  return all;
}

/// Of the best of each design, those that no other one beats in cost, power and rate at once.
Json Planner::pareto(const std::vector<Candidate>& found) const {
  const auto figures = [](const Candidate& c) {
    return std::array<double, 3>{cost(*c.design, c.sizes), power(*c.design, c.sizes), -c.rate_rps};
  };
  Json front = Json::array();
  for (const Candidate& one_found : found) {
    const auto mine = figures(one_found);
    const bool beaten = std::any_of(found.begin(), found.end(), [&](const Candidate& other) {
      const auto theirs = figures(other);
      return theirs != mine && theirs[0] <= mine[0] && theirs[1] <= mine[1] && theirs[2] <= mine[2];
    });
    if (!beaten) front.push_back(one_found.design->name);
  }
  return front;
}

/// Everything that was simulated; of several seeds, the one that went worst.
Json Planner::candidates() const {
  std::map<std::tuple<const Design*, std::uint32_t, std::uint32_t, double>, Outcome> worst;
  for (const auto& [key, outcome] : known_) {
    const auto& [design, first, second, rate_rps, seed] = key;
    const auto [at, is_new] = worst.try_emplace({design, first, second, rate_rps}, outcome);
    if (!is_new && outcome.margin < at->second.margin) at->second = outcome;
  }
  Json all = Json::array();
  for (const Design& design : spec_.designs) {
    for (const auto& [key, outcome] : worst) {
      const auto& [of, first, second, rate_rps] = key;
      if (of != &design) continue;
      const Sizes sizes{first, second};
      Json counts = {first};
      if (design.roles.size() == 2) counts.push_back(second);
      all.push_back({{"design", design.name},
                     {"roles", design.roles},
                     {"counts", counts},
                     {"machines", machines(design, sizes)},
                     {"cost_per_hour", cost(design, sizes)},
                     {"provisioned_w", power(design, sizes)},
                     {"rate_rps", rate_rps},
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
  for (const Design& design : spec_.designs) {
    Sizes sizes{design.most, design.roles.size() == 2 ? design.most : 0};
    while (!affordable(design, sizes) && sizes.first > 1) {
      --sizes.first;
      if (sizes.second > 1) --sizes.second;
    }
    if (!text.empty()) text += "; ";
    text += design.name;
    if (!affordable(design, sizes)) {
      text += ": the budget does not pay for one machine of each pool";
      continue;
    }
    text += " breaks";
    for (const std::string& limit : outcome(design, sizes, rate_rps_).breaks)
      text += " " + limit + ",";
    if (text.back() == ',') text.pop_back();
    text += " even with " + std::to_string(sizes.first + sizes.second) + " machines";
  }
  return text;
}

Json Planner::plan() {
  const bool fastest_wanted = spec_.goal == PlanSpec::Goal::kThroughput;
  constexpr double kSlowest = 0.02;  // of the scenario's rate
  std::vector<Candidate> found;
  for (const Design& design : spec_.designs) {
    // Each design is searched on its own, so that all of them can be compared.
    const auto best = fastest_wanted ? fastest(design, rate_rps_ * kSlowest) : least(design, 1e300);
    if (best) found.push_back(*best);
  }
  Json result = question();
  result["optimum"] = nullptr;
  if (found.empty()) {
    result["why_not"] = why_not();
  } else {
    Candidate& first =
        *std::min_element(found.begin(), found.end(),
                          [&](const Candidate& a, const Candidate& b) { return better(a, b); });
    const std::vector<Candidate> equal = ties(first);
    first = equal.front();
    result["optimum"] = describe(first);
    result["why_not"] = nullptr;
    result["slo"] = outcome(*first.design, first.sizes, first.rate_rps).slo;
    result["ties"] = Json::array();
    for (const Candidate& tie : equal) result["ties"].push_back(describe(tie));
    result["designs"] = Json::array();
    for (const Candidate& each : found) result["designs"].push_back(describe(each));
    result["pareto"] = pareto(found);
    result["headroom"] = headroom(first);
  }
  result["simulations"] = known_.size();
  result["candidates"] = candidates();
  return result;
}

Json find_plan(const PlanSpec& spec, const std::function<void(std::size_t)>& progress) {
  return Planner(spec, progress).plan();
}

}  // namespace cleave
