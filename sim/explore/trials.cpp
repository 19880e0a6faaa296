#include "sim/explore/trials.h"

#include <algorithm>
#include <cmath>

#include "sim/base/error.h"
#include "sim/explore/process_pool.h"
#include "sim/scenario/resolve.h"
#include "sim/simulation.h"

namespace cleave {

namespace {

Outcome read_outcome(const Json& summary, double longer) {
  Outcome outcome;
  outcome.margin = 1e300;
  outcome.slo = summary["slo"];
  const Json& p99 = summary["e2e_p99"];
  outcome.e2e_p99_s = p99.is_null() ? 0 : p99.get<double>();
  outcome.output_tokens = summary["output_tokens"].get<double>();
  for (const Json& limit : summary["slo"]["limits"]) {
    const double value = longer * limit["value"].get<double>();
    const double most = limit["limit"].get<double>();
    if (value > 0) outcome.margin = std::min(outcome.margin, most / value);
    if (!limit["holds"].get<bool>() || value > most) {
      outcome.breaks.push_back(limit["metric"].get<std::string>() + " " +
                               limit["percentile"].get<std::string>());
    }
  }
  if (summary["steady"]["overload"].get<bool>()) outcome.breaks.emplace_back("overload");
  if (outcome.breaks.empty() && !summary["slo"]["holds"].get<bool>()) {
    outcome.breaks.emplace_back("requests not served");
  }
  return outcome;
}

/// The narrowest margin of both, and what breaks under either.
void worsen(Outcome& worst, const Outcome& other) {
  if (!other.holds()) worst.breaks = other.breaks;
  worst.e2e_p99_s = std::max(worst.e2e_p99_s, other.e2e_p99_s);
  if (other.margin >= worst.margin) return;
  worst.margin = other.margin;
  worst.slo = other.slo;
}

}  // namespace

Trials::Trials(const PlanSpec& spec, const Design& design, std::size_t parallel,
               std::function<void()> progress, double longer)
    : spec_(spec),
      design_(design),
      parallel_(parallel),
      progress_(std::move(progress)),
      longer_(longer) {}

/// For how long requests arrive where the scenario is left as it is; 0 where only its trace knows.
double Trials::own_s(double rate_rps) const {
  const Json& workload = spec_.scenario["workload"];
  double seconds = workload.value("duration_s", 0.0);
  if (workload.contains("requests")) {
    const double drawn_s =
        (workload["requests"].get<double>() + workload.value("warmup_requests", 0.0)) / rate_rps;
    seconds = seconds > 0 ? std::min(seconds, drawn_s) : drawn_s;
  }
  return seconds;
}

double Trials::verifying_s(const Sizes& sizes, double rate_rps) const {
  constexpr double kRoundTo = 10;
  const double own = own_s(rate_rps);
  const Json warmup = spec_.scenario["results"].value("warmup_s", Json());
  const double warmup_requests = spec_.scenario["workload"].value("warmup_requests", 0.0);
  const double cut_off_s = warmup.is_number() ? warmup.get<double>() : warmup_requests / rate_rps;
  const Outcome& first = known_.at(key({sizes, rate_rps, own}, spec_.seeds.front()));
  const double needed = cut_off_s + kTimesE2e * first.e2e_p99_s;
  return std::max(own, std::ceil(needed / kRoundTo) * kRoundTo);
}

Json Trials::scenario(const Run& run, std::int64_t seed) const {
  Json scenario = design_.scenario;
  Json& workload = scenario["workload"];
  workload["rate_rps"] = longer_ * run.rate_rps;
  workload["seed"] = seed;
  if (run.duration_s != own_s(run.rate_rps)) {
    workload["duration_s"] = run.duration_s;
    workload.erase("requests");
  }
  scenario["pools"] = design_pools(design_, run.sizes);
  return scenario;
}

void Trials::simulate_missing(const Run& run, const std::vector<std::int64_t>& seeds) {
  std::vector<std::int64_t> missing;
  for (const std::int64_t seed : seeds) {
    if (!known_.contains(key(run, seed))) missing.push_back(seed);
  }
  std::size_t started = 0;
  std::exception_ptr error;
  run_jobs(
      parallel_,
      [&](std::size_t& job) {
        job = started;
        return started++ < missing.size();
      },
      [&](std::size_t job) {
        const Json summary = Simulation(read_scenario(scenario(run, missing[job]))).alone().run();
        const double completed = std::max(1.0, summary["requests"]["completed"].get<double>());
        return Json{{"slo", summary["slo"]},
                    {"steady", summary["steady"]},
                    {"e2e_p99", summary["e2e"]["p99"]},
                    {"output_tokens", summary["tokens"]["output"].get<double>() / completed}}
            .dump();
      },
      [&](std::size_t job, const JobResult& result) {
        if (result.thrown) {
          error = result.thrown;
          return;
        }
        known_[key(run, missing[job])] = read_outcome(Json::parse(result.text), longer_);
        progress_();
      });
  if (error) std::rethrow_exception(error);
}

Outcome Trials::under_seeds(const Run& run) {
  Outcome worst;
  worst.margin = 1e300;
  // The first alone: most candidates of a search break under it.
  simulate_missing(run, {spec_.seeds.front()});
  for (const std::int64_t seed : spec_.seeds) {
    const Outcome& found = known_.at(key(run, seed));
    worsen(worst, found);
    if (!found.holds()) break;
    if (seed == spec_.seeds.front()) simulate_missing(run, spec_.seeds);
  }
  return worst;
}

Outcome Trials::outcome(const Sizes& sizes, double rate_rps) {
  return under_seeds({sizes, rate_rps, own_s(rate_rps)});
}

Outcome Trials::verified(const Sizes& sizes, double rate_rps) {
  Outcome worst = outcome(sizes, rate_rps);
  if (worst.holds()) worsen(worst, under_seeds({sizes, rate_rps, verifying_s(sizes, rate_rps)}));
  return worst;
}

bool Trials::hopeful(const Sizes& sizes, double rate_rps) {
  const Run run{sizes, rate_rps, own_s(rate_rps)};
  simulate_missing(run, {spec_.seeds.front()});
  return known_.at(key(run, spec_.seeds.front())).holds();
}

double Trials::output_tokens(const Sizes& sizes, double rate_rps) const {
  const Run run{sizes, rate_rps, verifying_s(sizes, rate_rps)};
  double sum = 0;
  for (const std::int64_t seed : spec_.seeds) sum += known_.at(key(run, seed)).output_tokens;
  return sum / static_cast<double>(spec_.seeds.size());
}

std::vector<Trials::Trial> Trials::all() const {
  std::vector<Trial> all;
  for (const auto& [key, found] : known_) {
    const auto& [sizes, rate_rps, duration_s, seed] = key;
    const bool same = !all.empty() && all.back().sizes == sizes && all.back().rate_rps == rate_rps;
    if (same) {
      worsen(all.back().outcome, found);
    } else {
      all.push_back({sizes, rate_rps, 0, found});
    }
    all.back().duration_s = std::max(all.back().duration_s, duration_s);
  }
  return all;
}

Json Trials::known() const {
  Json all = Json::array();
  for (const auto& [key, found] : known_) {
    const auto& [sizes, rate_rps, duration_s, seed] = key;
    all.push_back({sizes.layout, sizes.counts, rate_rps, duration_s, seed, found.breaks,
                   found.margin, found.slo, found.e2e_p99_s, found.output_tokens});
  }
  return all;
}

void Trials::learn(const Json& known) {
  for (const Json& one : known) {
    const Run run{{one[0].get<std::size_t>(), one[1].get<std::vector<std::uint32_t>>()},
                  one[2].get<double>(),
                  one[3].get<double>()};
    known_[key(run, one[4].get<std::int64_t>())] = {one[5].get<std::vector<std::string>>(),
                                                    one[6].get<double>(), one[7],
                                                    one[8].get<double>(), one[9].get<double>()};
  }
}

}  // namespace cleave
