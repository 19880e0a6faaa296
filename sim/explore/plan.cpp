#include "sim/explore/plan.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <list>

#include "models/catalogue/prices.h"
#include "models/latency/expected_error.h"
#include "sim/base/error.h"
#include "sim/base/shared_count.h"
#include "sim/explore/design_search.h"
#include "sim/explore/process_pool.h"

namespace cleave {

namespace {

/// kNoPrice is null.
Json usd(double price) { return std::isnan(price) ? Json() : Json(price); }

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
  void add_search(std::list<DesignSearch>& searches, const Design& design, double longer);
  std::vector<Found> search_designs(std::list<DesignSearch>& searches);
  std::vector<Candidate> choose(std::vector<Found>& found, Found*& optimum) const;
  double rank(const Found& found) const;
  Json describe(const Found& found) const;
  Json pareto(const std::vector<Found>& found) const;
  static Json headroom(const Found& best);
  Json candidates() const;
  Json question() const;
  Json infeasible(const std::vector<Found>& found);
  double longer(const Design& design) const;
  Json sure(const std::vector<Found>& found);

  const PlanSpec& spec_;
  std::size_t parallel_;
  SharedCount simulated_;
  std::function<void(std::size_t)> progress_;
  std::list<DesignSearch> searches_;
  std::list<DesignSearch> sure_searches_;  ///< with latencies as long as they may turn out
};

Planner::Planner(const PlanSpec& spec, std::size_t parallel,
                 const std::function<void(std::size_t)>& progress)
    : spec_(spec), parallel_(parallel), progress_(progress) {
  for (const Design& design : spec.designs) add_search(searches_, design, 1);
}

/// Designs are searched side by side; what that leaves of the cores is for the seeds.
void Planner::add_search(std::list<DesignSearch>& searches, const Design& design, double longer) {
  const std::size_t each = std::max<std::size_t>(1, parallel_ / spec_.designs.size());
  searches.emplace_back(
      spec_, design, each, [this] { progress_(simulated_.up()); }, longer);
}

/// Each design is searched on its own, in a process of its own, so that all of them can be compared
/// and the answer does not depend on how many run at a time.
std::vector<Found> Planner::search_designs(std::list<DesignSearch>& searches) {
  std::vector<DesignSearch*> waiting;
  for (DesignSearch& search : searches) waiting.push_back(&search);
  std::vector<std::string> told(waiting.size());
  std::exception_ptr error;
  std::size_t started = 0;
  run_jobs(
      parallel_,
      [&](std::size_t& job) {
        job = started;
        return started++ < waiting.size();
      },
      [&](std::size_t job) {
        const auto best = waiting[job]->best();
        Json json{{"known", waiting[job]->trials().known()}, {"best", nullptr}};
        if (best) {
          json["best"] = {best->sizes.layout, best->sizes.counts, best->rate_rps, best->margin};
        }
        return json.dump();
      },
      [&](std::size_t job, const JobResult& result) {
        told[job] = result.text;
        if (result.thrown) error = result.thrown;
      });
  if (error) std::rethrow_exception(error);
  std::vector<Found> found;
  for (std::size_t i = 0; i < waiting.size(); ++i) {
    const Json json = Json::parse(told[i]);
    waiting[i]->trials().learn(json["known"]);
    const Json& best = json["best"];
    if (best.is_null()) continue;
    found.push_back({waiting[i],
                     {{best[0].get<std::size_t>(), best[1].get<std::vector<std::uint32_t>>()},
                      best[2].get<double>(),
                      best[3].get<double>()}});
  }
  return found;
}

/// What serves the goal better has less of it.
double Planner::rank(const Found& found) const {
  return spec_.goal == PlanSpec::Goal::kThroughput ? -found.candidate.rate_rps
                                                   : found.search->objective(found.candidate.sizes);
}

/// The best of all designs; gives all its sizes that are as good. Among designs that are as good as
/// each other the margin decides, each with the widest that it has.
std::vector<Candidate> Planner::choose(std::vector<Found>& found, Found*& optimum) const {
  constexpr double kRounding = 1e-9;
  double least = 1e300;
  for (const Found& one : found) least = std::min(least, rank(one));
  std::vector<Candidate> ties;
  optimum = nullptr;
  for (Found& one : found) {
    if (rank(one) > least + kRounding * std::abs(least)) continue;
    std::vector<Candidate> equal = one.search->ties(one.candidate);
    one.candidate = equal.front();
    if (optimum != nullptr && one.candidate.margin <= optimum->candidate.margin) continue;
    optimum = &one;
    ties = std::move(equal);
  }
  return ties;
}

Json Planner::describe(const Found& found) const {
  const auto& [search, candidate] = found;
  const auto& [sizes, rate_rps, margin] = candidate;
  const Design& design = search->design();
  return {
      {"design", design.name},
      {"estimated", design.layouts[sizes.layout].estimated},
      {"how_sure", design.layouts[sizes.layout].how_sure},
      {"pools", design_pools(design, sizes)},
      {"scheduler", design.scheduler},
      {"settings", design.settings},
      {"machines", search->machines(sizes)},
      {"gpus", search->gpus(sizes)},
      {"cost_per_hour", usd(search->cost_per_hour(sizes))},
      {"cost_per_million_output_tokens", usd(search->cost_per_million_output_tokens(candidate))},
      {"cost_per_million_tokens", usd(search->cost_per_million_tokens(candidate))},
      {"provisioned_w", search->provisioned_w(sizes)},
      {"rate_rps", rate_rps},
      {"margin", margin},
      {"verified",
       {{"duration_s", search->trials().verifying_s(sizes, rate_rps)},
        {"times_e2e_p99", Trials::kTimesE2e},
        {"seeds", spec_.seeds.size()}}}};
}

Json Planner::headroom(const Found& best) {
  const auto& [search, candidate] = best;
  const Design& design = search->design();
  Trials& trials = search->trials();
  Json all;
  const auto ask = [&, &sizes = candidate.sizes, &rate_rps = candidate.rate_rps] {
    all = Json::array();
    for (std::size_t i = 0; i < design.roles.size(); ++i) {
      Sizes fewer = sizes;
      const std::string label = design.label(i);
      Json breaks{"no " + label + " machine is left"};
      if (--fewer.counts[i] > 0) breaks = trials.in_full(fewer, rate_rps).breaks;
      all.push_back({{"change", "one " + label + " machine less"}, {"breaks", breaks}});
    }
    for (const double factor : {1.1, 1.2}) {
      const int more = static_cast<int>(std::lround((factor - 1) * 100));
      all.push_back({{"change", std::to_string(more) + " % more traffic"},
                     {"breaks", trials.in_full(sizes, rate_rps * factor).breaks}});
    }
  };
  trials.settle(ask);
  return all;
}

/// Of the best of each design, those that no other one beats in cost, power and rate at once; an
/// unknown cost neither beats nor is beaten.
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
    for (const auto& [sizes, rate_rps, duration_s, outcome] : search.trials().all()) {
      const Design& design = search.design();
      Json pools = Json::array();
      Json tensor = Json::array();
      Json pipeline = Json::array();
      for (std::size_t i = 0; i < design.roles.size(); ++i) {
        const Json& pool = design.layouts[sizes.layout].pools[i];
        pools.push_back(design.label(i));
        tensor.push_back(pool["tensor_parallel"]);
        pipeline.push_back(pool["pipeline_parallel"]);
      }
      all.push_back({{"design", design.name},
                     {"roles", pools},
                     {"counts", sizes.counts},
                     {"tensor_parallel", tensor},
                     {"pipeline_parallel", pipeline},
                     {"machines", search.machines(sizes)},
                     {"cost_per_hour", usd(search.cost_per_hour(sizes))},
                     {"provisioned_w", search.provisioned_w(sizes)},
                     {"rate_rps", rate_rps},
                     {"duration_s", duration_s},
                     {"margin", outcome.in_full() ? Json(outcome.margin) : Json()},
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
  scenario["scheduler"].erase("policy");
  Json question{{"kind", "plan"},
                {"goal", kGoals[static_cast<std::size_t>(spec_.goal)]},
                {"budget", budget},
                {"seeds", spec_.seeds},
                {"spare_machines", spec_.spare_machines},
                {"scenario", scenario}};
  const std::string prices = prices_label(scenario);
  if (!prices.empty()) question["prices"] = prices;
  return question;
}

/// Designs of which nothing holds.
Json Planner::infeasible(const std::vector<Found>& found) {
  Json all = Json::array();
  for (DesignSearch& search : searches_) {
    const bool holds = std::any_of(found.begin(), found.end(),
                                   [&](const Found& one) { return one.search == &search; });
    if (!holds) all.push_back({{"design", search.design().name}, {"why", search.why_not()}});
  }
  return all;
}

double Planner::longer(const Design& design) const {
  return longer_with(spec_.confidence, design.tpot_error);
}

/// The optimum that is left where latencies are as long as they may turn out. Designs whose
/// latencies were measured stay as they are.
Json Planner::sure(const std::vector<Found>& found) {
  for (const Design& design : spec_.designs) {
    if (longer(design) > 1) add_search(sure_searches_, design, longer(design));
  }
  if (sure_searches_.empty()) return nullptr;
  std::vector<Found> sure = search_designs(sure_searches_);
  for (const Found& one : found) {
    if (longer(one.search->design()) == 1) sure.push_back(one);
  }
  Json result{{"confidence", spec_.confidence}, {"optimum", nullptr}};
  if (sure.empty()) {
    result["why"] = sure_searches_.front().why_not();
    return result;
  }
  Found* best = nullptr;
  choose(sure, best);
  const Design& design = best->search->design();
  result["tpot_error"] = design.tpot_error;
  result["longer"] = longer(design);
  result["optimum"] = describe(*best);
  return result;
}

Json Planner::plan() {
  std::vector<Found> found = search_designs(searches_);
  Json result = question();
  result["optimum"] = nullptr;
  result["infeasible"] = infeasible(found);
  if (!found.empty()) {
    Found* best = nullptr;
    const std::vector<Candidate> equal = choose(found, best);
    result["optimum"] = describe(*best);
    Trials& trials = best->search->trials();
    trials.settle([&, &candidate = best->candidate] {
      result["slo"] = *trials.verified(candidate.sizes, candidate.rate_rps).slo;
    });
    result["ties"] = Json::array();
    for (const Candidate& tie : equal) result["ties"].push_back(describe({best->search, tie}));
    result["designs"] = Json::array();
    for (const Found& each : found) result["designs"].push_back(describe(each));
    result["pareto"] = pareto(found);
    result["headroom"] = headroom(*best);
    result["sure"] = sure(found);
  }
  std::size_t simulations = 0;
  for (const auto* searches : {&searches_, &sure_searches_}) {
    for (const DesignSearch& search : *searches) simulations += search.trials().simulations();
  }
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
