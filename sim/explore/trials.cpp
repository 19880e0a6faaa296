#include "sim/explore/trials.h"

#include <algorithm>
#include <cmath>
#include <deque>

#include "sim/base/error.h"
#include "sim/explore/process_pool.h"
#include "sim/scenario/resolve.h"
#include "sim/simulation.h"

namespace cleave {

namespace {

Outcome read_outcome(const Json& summary, double longer) {
  Outcome outcome;
  if (summary.contains("lost")) {
    outcome.breaks = summary["lost"]["limits"].get<std::vector<std::string>>();
    outcome.lost_at_s = summary["lost"]["at_s"];
    return outcome;
  }
  outcome.margin = 1e300;
  outcome.slo = std::make_shared<const Json>(summary["slo"]);
  const Json& p99 = summary["e2e_p99"];
  outcome.e2e_p99_s = p99.is_null() ? 0 : p99.get<double>();
  outcome.output_tokens = summary["output_tokens"].get<double>();
  outcome.tokens = summary["tokens"].get<double>();
  for (const Json& limit : summary["slo"]["limits"]) {
    const double value = longer * limit["value"].get<double>();
    const double most = limit["limit"].get<double>();
    if (value > 0) outcome.margin = std::min(outcome.margin, most / value);
    if (!limit["holds"].get<bool>() || value > most) {
      outcome.breaks.push_back(limit["metric"].get<std::string>() + " " +
                               limit["percentile"].get<std::string>());
    }
  }
  for (const Json& each : summary.value("classes", Json::array())) {
    if (each["holds"] == false)
      outcome.breaks.push_back("class " + each["name"].get<std::string>());
  }
  if (summary["steady"]["overload"].get<bool>()) outcome.breaks.emplace_back("overload");
  if (outcome.breaks.empty() && !summary["slo"]["holds"].get<bool>()) {
    outcome.breaks.emplace_back("requests not served");
  }
  return outcome;
}

}  // namespace

Outcome Outcome::beyond(double share) {
  Outcome outcome;
  outcome.breaks = {kCapacity};
  outcome.margin = share;
  outcome.lost_at_s = 0;
  return outcome;
}

namespace {

/// The narrowest margin of both, and what breaks under either.
void worsen(Outcome& worst, const Outcome& other) {
  if (!other.holds()) worst.breaks = other.breaks;
  worst.lost_at_s = std::min(worst.lost_at_s, other.lost_at_s);
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
  const auto first = known_.find({own_run(sizes, rate_rps, false), spec_.seeds.front()});
  if (first == known_.end()) throw Missing();
  const Json warmup = spec_.scenario["results"].value("warmup_s", Json());
  const double warmup_requests = spec_.scenario["workload"].value("warmup_requests", 0.0);
  const double cut_off_s = warmup.is_number() ? warmup.get<double>() : warmup_requests / rate_rps;
  const double needed = cut_off_s + kTimesE2e * first->second.e2e_p99_s;
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

std::string Trials::simulate(const Simulated& one,
                             const std::optional<ExpectedRequests>& expected) const {
  Simulation simulation(read_scenario(scenario(one.run, one.seed)));
  simulation.alone().only_objectives();
  if (expected) simulation.until_lost(*expected, longer_);
  const Json summary = simulation.run();
  if (summary.contains("lost")) return summary.dump();
  const double completed = std::max(1.0, summary["requests"]["completed"].get<double>());
  const double output = summary["tokens"]["output"].get<double>();
  const double prompt = summary["tokens"]["prompt"].get<double>();
  Json classes = Json::array();
  for (const Json& each : summary.value("classes", Json::array())) {
    classes.push_back({{"name", each["name"]}, {"holds", each["holds"]}});
  }
  return Json{{"classes", classes},
              {"slo", summary["slo"]},
              {"steady", summary["steady"]},
              {"e2e_p99", summary["e2e"]["p99"]},
              {"output_tokens", output / completed},
              {"tokens", (prompt + output) / completed}}
      .dump();
}

/// Nothing where the run is wanted in full.
std::optional<ExpectedRequests> Trials::expected(const Simulated& one) {
  if (one.run.in_full) return std::nullopt;
  const auto [found, added] =
      expected_.try_emplace({one.run.rate_rps, one.run.duration_s, one.seed});
  if (added) found->second = expected_requests(read_scenario(scenario(one.run, one.seed)));
  return found->second;
}

/// What `question` lacks if what is under way comes out as in `guesses`.
std::optional<Trials::Missing> Trials::missing(const Question& question, const Guesses& guesses) {
  guesses_ = guesses;
  try {
    question();
  } catch (Missing& missing) {
    return std::move(missing);
  }
  return std::nullopt;
}

/// Whether a run is expected to hold: what was begun holds on, and what is no larger than something
/// that breaks, or unlike all that holds, breaks. Only ever a guess of what to simulate ahead.
bool Trials::likely(const Simulated& one) const {
  const bool goes_on =
      one.run.duration_s != own_s(one.run.rate_rps) || one.seed != spec_.seeds.front();
  return goes_on || std::any_of(known_.begin(), known_.end(), [&](const auto& known) {
           const Run& run = known.first.run;
           const auto& counts = run.sizes.counts;
           return known.second.holds() && run.sizes.layout == one.run.sizes.layout &&
                  run.rate_rps >= one.run.rate_rps &&
                  std::equal(counts.begin(), counts.end(), one.run.sizes.counts.begin(),
                             std::less_equal<>());
         });
}

/// The simulation to start next: one that `question` lacks, or else one that it is going to lack,
/// the likeliest first; of so many outcomes of what is under way as are soon looked through.
std::optional<Trials::Simulated> Trials::next(const Question& question,
                                              const std::set<Simulated>& under_way) {
  const std::size_t most = parallel_ == 1 ? 1 : 4 * parallel_;
  std::deque<Guesses> ahead{{}};
  for (std::size_t looks = 0; looks < most && !ahead.empty(); ++looks) {
    const Guesses guesses = std::move(ahead.front());
    ahead.pop_front();
    const auto lacks = missing(question, guesses);
    if (!lacks || lacks->runs.empty()) continue;
    for (const Simulated& one : lacks->runs) {
      if (!under_way.contains(one)) return one;
    }
    const bool guess = likely(lacks->runs.front());
    for (const bool holds : {guess, !guess}) {
      Guesses more = guesses;
      for (const Simulated& one : lacks->runs) more[one] = holds;
      ahead.push_back(std::move(more));
    }
  }
  return std::nullopt;
}

void Trials::settle(const Question& question) {
  struct Settled {};
  std::map<std::size_t, Simulated> jobs;
  std::set<Simulated> under_way;
  std::size_t started = 0;
  std::optional<ExpectedRequests> expects;
  try {
    while (missing(question, {})) {
      run_jobs(
          parallel_,
          [&](std::size_t& job) {
            const auto one = next(question, under_way);
            if (!one) return false;
            job = started++;
            jobs.emplace(job, *one);
            under_way.insert(*one);
            expects = expected(*one);
            return true;
          },
          [&](std::size_t job) { return simulate(jobs.at(job), expects); },
          [&](std::size_t job, const JobResult& result) {
            const Simulated& one = jobs.at(job);
            if (result.thrown) {
              failed_[one] = result.thrown;
            } else {
              known_[one] = read_outcome(Json::parse(result.text), longer_);
            }
            under_way.erase(one);
            progress_();
            if (!missing(question, {})) throw Settled();
          });
    }
  } catch (const Settled&) {
    // What was begun on a guess is of no use.
  }
}

/// Of each seed, in their order.
std::vector<Outcome> Trials::look_up(const Run& run, const std::vector<std::int64_t>& seeds) {
  std::vector<Outcome> found;
  Missing missing;
  for (const std::int64_t seed : seeds) {
    Simulated one{run, seed};
    // One that did not break has run in full.
    if (const auto early = known_.find({{run.sizes, run.rate_rps, run.duration_s, false}, seed});
        early != known_.end() && early->second.in_full()) {
      one.run.in_full = false;
    }
    if (guesses_.empty()) needed_.insert(one);
    const auto known = known_.find(one);
    const auto guess = guesses_.find(one);
    if (failed_.contains(one)) {
      if (guesses_.empty()) std::rethrow_exception(failed_.at(one));
      throw Missing();
    }
    if (known != known_.end()) {
      found.push_back(known->second);
    } else if (guess != guesses_.end()) {
      found.emplace_back();
      if (!guess->second) found.back().breaks = {"as guessed"};
    } else {
      missing.runs.push_back(one);
    }
  }
  if (!missing.runs.empty()) throw missing;
  return found;
}

Outcome Trials::under_seeds(const Run& run) {
  Outcome worst;
  worst.margin = 1e300;
  // The first alone: what breaks mostly does under it.
  worsen(worst, look_up(run, {spec_.seeds.front()}).front());
  if (!worst.holds()) return worst;
  for (const Outcome& found : look_up(run, spec_.seeds)) {
    worsen(worst, found);
    if (!found.holds()) break;
  }
  return worst;
}

/// Of the plan's own run under the first seed; null where its scenario is wrong, as the simulation
/// will say.
const Capacity* Trials::capacity(const Sizes& sizes, double rate_rps) {
  const std::pair key{sizes.layout, rate_rps};
  if (const auto known = capacity_.find(key); known != capacity_.end()) return &known->second;
  try {
    const Run run = own_run(sizes, rate_rps, false);
    const Scenario one = read_scenario(scenario(run, spec_.seeds.front()));
    if (!due_ || due_->first != rate_rps) due_.emplace(rate_rps, DueWork(one, longer_));
    return &capacity_.try_emplace(key, one, due_->second).first->second;
  } catch (const InputError&) {
    return nullptr;
  }
}

double Trials::share(const Sizes& sizes, double rate_rps) {
  const Capacity* capacity = this->capacity(sizes, rate_rps);
  return capacity == nullptr ? 1 : capacity->share(sizes.counts);
}

/// Of the plan's own run under the first seed.
Outcome Trials::at_first(const Sizes& sizes, double rate_rps, bool in_full) {
  const double share = this->share(sizes, rate_rps);
  if (share < 1) {
    if (guesses_.empty()) beyond_[{sizes, rate_rps}] = share;
    return Outcome::beyond(share);
  }
  return look_up(own_run(sizes, rate_rps, in_full), {spec_.seeds.front()}).front();
}

Trials::Run Trials::own_run(const Sizes& sizes, double rate_rps, bool in_full) const {
  return {sizes, rate_rps, own_s(rate_rps), in_full};
}

// What `look` says of the cluster, and of the same without the plan's spare machines of any one
// pool. What is given is of the whole cluster, but for the margin.
template <class Look>
Outcome Trials::whatever_fails(const Sizes& sizes, Look look) {
  Outcome worst = look(sizes);
  const std::uint32_t out = spec_.spare_machines;
  for (std::size_t i = 0; out > 0 && i < sizes.counts.size() && worst.holds(); ++i) {
    const std::string when = " with " + std::to_string(out) + " " + design_.label(i) + " machine" +
                             (out > 1 ? "s" : "") + " out";
    if (sizes.counts[i] <= out) {
      worst.breaks = {"nothing is left" + when};
      return worst;
    }
    Sizes left = sizes;
    left.counts[i] -= out;
    const Outcome seen = look(left);
    if (!seen.holds()) {
      worst.slo = seen.slo;
      worst.lost_at_s = seen.lost_at_s;
      for (const std::string& broken : seen.breaks) worst.breaks.push_back(broken + when);
    }
    worst.margin = std::min(worst.margin, seen.margin);
  }
  return worst;
}

Outcome Trials::outcome(const Sizes& sizes, double rate_rps) {
  return whatever_fails(sizes, [&](const Sizes& left) { return at_first(left, rate_rps, false); });
}

Outcome Trials::verified(const Sizes& sizes, double rate_rps, bool in_full) {
  return whatever_fails(sizes,
                        [&](const Sizes& left) { return verified_alone(left, rate_rps, in_full); });
}

Outcome Trials::verified_alone(const Sizes& sizes, double rate_rps, bool in_full) {
  const Outcome first = at_first(sizes, rate_rps, in_full);
  if (!first.holds()) return first;
  return under_seeds({sizes, rate_rps, verifying_s(sizes, rate_rps), in_full});
}

Outcome Trials::verified(const Sizes& sizes, double rate_rps) {
  return verified(sizes, rate_rps, false);
}

Outcome Trials::in_full(const Sizes& sizes, double rate_rps) {
  const Outcome known = verified(sizes, rate_rps);
  return known.in_full() ? known : verified(sizes, rate_rps, true);
}

bool Trials::hopeful(const Sizes& sizes, double rate_rps) {
  return at_first(sizes, rate_rps, false).holds();
}

double Trials::output_tokens(const Sizes& sizes, double rate_rps) const {
  return mean_of(&Outcome::output_tokens, sizes, rate_rps);
}

double Trials::tokens(const Sizes& sizes, double rate_rps) const {
  return mean_of(&Outcome::tokens, sizes, rate_rps);
}

double Trials::mean_of(double Outcome::*figure, const Sizes& sizes, double rate_rps) const {
  const Run run{sizes, rate_rps, verifying_s(sizes, rate_rps), false};
  double sum = 0;
  for (const std::int64_t seed : spec_.seeds) sum += known_.at({run, seed}).*figure;
  return sum / static_cast<double>(spec_.seeds.size());
}

std::vector<Trials::Trial> Trials::all() const {
  std::vector<Trial> all;
  for (const Simulated& one : needed_) {
    Simulated whole = one;
    whole.run.in_full = true;
    if (!one.run.in_full && needed_.contains(whole)) continue;
    const auto& [sizes, rate_rps, duration_s, in_full] = one.run;
    const Outcome& found = known_.at(one);
    const bool same = !all.empty() && all.back().sizes == sizes && all.back().rate_rps == rate_rps;
    if (same) {
      worsen(all.back().outcome, found);
    } else {
      all.push_back({sizes, rate_rps, 0, found});
    }
    all.back().duration_s = std::max(all.back().duration_s, duration_s);
  }
  for (const auto& [load, share] : beyond_) {
    all.push_back({load.first, load.second, 0, Outcome::beyond(share)});
  }
  return all;
}

Json Trials::known() const {
  Json all{{"simulated", Json::array()}, {"beyond", Json::array()}};
  for (const auto& [one, found] : known_) {
    const auto& [sizes, rate_rps, duration_s, in_full] = one.run;
    all["simulated"].push_back(
        {sizes.layout, sizes.counts, rate_rps, duration_s, in_full, one.seed, needed_.contains(one),
         found.breaks, found.margin, found.slo ? *found.slo : Json(), found.e2e_p99_s,
         found.output_tokens, found.in_full() ? Json() : Json(found.lost_at_s), found.tokens});
  }
  for (const auto& [load, share] : beyond_) {
    all["beyond"].push_back({load.first.layout, load.first.counts, load.second, share});
  }
  return all;
}

void Trials::learn(const Json& known) {
  for (const Json& one : known["beyond"]) {
    const Sizes sizes{one[0].get<std::size_t>(), one[1].get<std::vector<std::uint32_t>>()};
    beyond_[{sizes, one[2].get<double>()}] = one[3];
  }
  for (const Json& one : known["simulated"]) {
    const Run run{{one[0].get<std::size_t>(), one[1].get<std::vector<std::uint32_t>>()},
                  one[2].get<double>(),
                  one[3].get<double>(),
                  one[4].get<bool>()};
    const Simulated simulated{run, one[5].get<std::int64_t>()};
    if (one[6].get<bool>()) needed_.insert(simulated);
    Outcome& found = known_[simulated];
    found = {one[7].get<std::vector<std::string>>(), one[8].get<double>(),
             std::make_shared<const Json>(one[9]), one[10].get<double>(), one[11].get<double>()};
    if (!one[12].is_null()) found.lost_at_s = one[12].get<double>();
    found.tokens = one[13].get<double>();
  }
}

}  // namespace cleave
