#include "sim/explore/validate.h"

#include <algorithm>
#include <cmath>
#include <fstream>
#include <limits>
#include <map>

#include "sim/base/error.h"
#include "sim/base/program.h"
#include "sim/explore/process_pool.h"
#include "sim/scenario/resolve.h"
#include "sim/simulation.h"

namespace cleave {

namespace {

using Figure = std::optional<double> MeasuredFigures::*;

std::optional<double> mean_of(const Json& summary, const char* figure) {
  const Json mean = summary.value(figure, Json::object()).value("mean", Json());
  return mean.is_number() ? std::optional(mean.get<double>()) : std::nullopt;
}

Json or_null(const std::optional<double>& value) { return value ? Json(*value) : Json(); }

std::optional<double> or_nothing(const Json& value) {
  return value.is_number() ? std::optional(value.get<double>()) : std::nullopt;
}

double quantile(const std::vector<double>& ascending, double share) {
  const double at = share * static_cast<double>(ascending.size() - 1);
  const auto below = static_cast<std::size_t>(at);
  const std::size_t above = std::min(below + 1, ascending.size() - 1);
  return ascending[below] + (at - std::floor(at)) * (ascending[above] - ascending[below]);
}

/// Predictions of runs before this one.
class KeptPredictions {
 public:
  explicit KeptPredictions(const std::string& file) {
    if (file.empty()) return;
    std::ifstream before(file);
    for (std::string line; std::getline(before, line);) {
      const Json kept = Json::parse(line, nullptr, false);
      if (!kept.is_object() || kept.value("version", Json()) != program_version()) continue;
      known_[kept.value("scenario", std::string())] = figures_of(kept["figures"]);
    }
    out_.open(file, std::ios::app);
    if (!out_) throw InputError("--keep " + file + ": cannot be written");
  }

  const MeasuredFigures* find(const std::string& scenario) const {
    const auto found = known_.find(scenario);
    return found == known_.end() ? nullptr : &found->second;
  }
  void add(const std::string& scenario, const MeasuredFigures& figures) {
    if (!out_.is_open()) return;
    out_ << Json{{"version", program_version()},
                 {"scenario", scenario},
                 {"figures", figures_text(figures)}}
         << std::endl;
  }

 private:
  std::map<std::string, MeasuredFigures> known_;
  std::ofstream out_;
};

constexpr Figure kTpot = &MeasuredFigures::tpot_s;
constexpr Figure kTtft = &MeasuredFigures::ttft_s;
constexpr Figure kE2e = &MeasuredFigures::e2e_s;
constexpr Figure kThroughput = &MeasuredFigures::output_tokens_per_s;

std::optional<double> error_of(const ValidatedPoint& point, Figure figure) {
  return signed_error(point.predicted.*figure, point.point.measured.*figure);
}

Json figures_json(const std::vector<const ValidatedPoint*>& points, Figure figure) {
  std::vector<double> errors;
  for (const ValidatedPoint* point : points) {
    if (const auto error = error_of(*point, figure)) errors.push_back(*error);
  }
  const auto figures = error_figures(std::move(errors));
  if (!figures) return nullptr;
  return {{"count", figures->count},
          {"median", figures->median},
          {"mean", figures->mean},
          {"p90", figures->p90},
          {"bias", figures->bias}};
}

Json group_json(const std::string& name, const std::vector<const ValidatedPoint*>& points) {
  const auto covered = std::count_if(points.begin(), points.end(),
                                     [](const auto* point) { return point->described(); });
  return {{"name", name},
          {"rows", points.size()},
          {"covered", covered},
          {"tpot", figures_json(points, kTpot)},
          {"ttft", figures_json(points, kTtft)},
          {"e2e", figures_json(points, kE2e)},
          {"throughput", figures_json(points, kThroughput)}};
}

/// "concurrency 33 to 128".
std::string load_name(std::uint32_t concurrency) {
  if (concurrency == 0) return "open arrivals";
  std::uint32_t least = 1;
  for (const std::uint32_t most : {4U, 32U, 128U, 1024U}) {
    if (concurrency <= most) {
      return "concurrency " + std::to_string(least) + " to " + std::to_string(most);
    }
    least = most + 1;
  }
  return "concurrency " + std::to_string(least) + " and more";
}

std::vector<std::string> groups_of(const MeasuredPoint& point) {
  if (point.requests) return {"run " + point.id};
  const auto known = [](const std::string& name) { return name.empty() ? "unknown" : name; };
  return {"all",
          "llm " + known(point.llm),
          "gpu " + known(point.gpu),
          "engine " + known(point.engine),
          "layout " + known(point.layout),
          load_name(point.concurrency)};
}

}  // namespace

DecodedAtOnce decoded_at_once(const MeasuredPoint& point) {
  const auto& [ttft_s, tpot_s, e2e_s, rate] = point.measured;
  const Json workload = point.scenario.value("workload", Json::object());
  const auto tokens = [&](const char* key) {
    const Json found = workload.value(key, Json());
    return found.is_number() ? found.get<double>() : 0;
  };
  const double prompt = tokens("prompt_tokens");
  const double output = tokens("output_tokens");
  if (point.concurrency == 0 || !ttft_s || !tpot_s || prompt == 0 || output == 0) return {};
  const Json range = workload.value("length_range", Json{1, 1});
  const double mean = (range[0].get<double>() + range[1].get<double>()) / 2;
  constexpr double kFull = 0.9;
  const double decode_s = *tpot_s * mean * output;
  const double sequences = kFull * point.concurrency * decode_s / (decode_s + *ttft_s);
  return {std::max(1.0, sequences), mean * (prompt + output / 2)};
}

double least_tpot_s(const Scenario& scenario, const DecodedAtOnce& at_once) {
  const Llm& llm = scenario.llms.front();
  const double experts = llm.expert_parameters() * bytes_each(llm.formats.experts);
  const double looked_up = 1.0 * llm.vocabulary * llm.hidden_size * bytes_each(Format::kFp16);
  const double dense = std::max(0.0, llm.weight_bytes - experts - looked_up);
  double instances = 0;
  double bandwidth_bytes_per_s = 0;
  for (const PoolSpec& pool : scenario.pools) {
    if (pool.role == PoolRole::kPrompt) continue;
    instances += pool.instances();
    bandwidth_bytes_per_s +=
        pool.instances() * pool.gpus_per_instance() * pool.machine.gpu.memory_bandwidth_bytes_per_s;
  }
  const double each = std::max(1.0, at_once.sequences / instances);
  const double unused = std::pow(1 - 1.0 * llm.experts_per_token / llm.experts, each);
  const auto seen = [&](double most) {
    return most > 0 ? std::min(most, at_once.kv_tokens) : at_once.kv_tokens;
  };
  const double windows = llm.window_layers > 0 ? llm.window_share() : 0;
  const double kv_tokens =
      (1 - windows) * seen(llm.sparse_tokens) + windows * seen(llm.window_tokens);
  const double bytes = dense + experts * (1 - unused) + each * kv_tokens * llm.kv_bytes_per_token;
  return instances * bytes / bandwidth_bytes_per_s / (1 + scenario.batching.speculation.tokens);
}

MeasuredFigures predict(const Scenario& scenario) {
  const Json summary = Simulation(scenario).alone().run();
  MeasuredFigures figures{
      mean_of(summary, "ttft"), mean_of(summary, "tpot"), mean_of(summary, "e2e"), {}};
  const double duration_s = summary["duration_s"].get<double>();
  if (duration_s > 0) {
    figures.output_tokens_per_s = summary["tokens"]["output"].get<double>() / duration_s;
  }
  return figures;
}

Json figures_text(const MeasuredFigures& figures) {
  return {or_null(figures.ttft_s), or_null(figures.tpot_s), or_null(figures.e2e_s),
          or_null(figures.output_tokens_per_s)};
}

MeasuredFigures figures_of(const Json& text) {
  return {or_nothing(text[0]), or_nothing(text[1]), or_nothing(text[2]), or_nothing(text[3])};
}

std::optional<double> signed_error(const std::optional<double>& predicted,
                                   const std::optional<double>& measured) {
  if (!predicted || !measured || *measured <= 0) return {};
  return *predicted / *measured - 1;
}

std::optional<ErrorFigures> error_figures(std::vector<double> errors) {
  if (errors.empty()) return {};
  ErrorFigures figures;
  figures.count = errors.size();
  std::sort(errors.begin(), errors.end());
  figures.bias = quantile(errors, 0.5);
  for (double& error : errors) error = std::abs(error);
  std::sort(errors.begin(), errors.end());
  figures.median = quantile(errors, 0.5);
  constexpr double kNinety = 0.9;
  figures.p90 = quantile(errors, kNinety);
  for (const double error : errors) figures.mean += error / static_cast<double>(errors.size());
  return figures;
}

Json scenario_of_point(const MeasuredPoint& point, const MeasuredSources& sources) {
  Json changes = point.scenario;
  changes["slo"] = {{"limits", {{"ttft", {{"p50", 1}}}}}};
  if (!sources.scenario.empty()) changes.merge_patch(load_json(sources.scenario));
  for (const std::string& setting : sources.settings) {
    const std::size_t equals = setting.find('=');
    if (equals == std::string::npos || equals == 0) {
      throw InputError("--set " + setting + ": expected path=value, as in latency.engine=vllm");
    }
    set_path(changes, setting.substr(0, equals), parse_value(setting.substr(equals + 1)));
  }
  for (const std::string key : {"llm", "pools", "latency"}) {
    if (changes.contains(key)) continue;
    throw InputError(point.id + ": does not say " + key + "; expected --set " +
                     (key == "latency" ? "latency.engine" : key) + "=...");
  }
  if (point.requests) changes["results"] = {{"warmup_s", 0}};
  return complete_scenario(changes);
}

std::vector<ValidatedPoint> validate(const std::vector<MeasuredPoint>& points,
                                     const MeasuredSources& sources, std::size_t parallel,
                                     const std::function<void(std::size_t done)>& done,
                                     const std::string& kept) {
  KeptPredictions predictions(kept);
  std::vector<ValidatedPoint> validated;
  std::vector<std::string> scenarios(points.size());
  std::vector<bool> known(points.size());
  for (const MeasuredPoint& point : points) {
    validated.push_back({point, {}, ""});
    const std::size_t i = validated.size() - 1;
    known[i] = !point.why_not.empty();
    if (known[i] || kept.empty()) continue;
    scenarios[i] = scenario_hash(scenario_of_point(point, sources));
    const MeasuredFigures* before = predictions.find(scenarios[i]);
    if (before == nullptr) continue;
    known[i] = true;
    validated[i].predicted = *before;
  }
  std::size_t started = 0;
  std::size_t finished = 0;
  run_jobs(
      parallel,
      [&](std::size_t& job) {
        while (started < points.size() && known[started]) {
          ++started;
          ++finished;
        }
        job = started;
        return started++ < points.size();
      },
      [&](std::size_t job) {
        const Scenario scenario = read_scenario(scenario_of_point(points[job], sources));
        const auto& tpot_s = points[job].measured.tpot_s;
        if (tpot_s && *tpot_s > 0 &&
            *tpot_s < least_tpot_s(scenario, decoded_at_once(points[job]))) {
          throw InputError(
              "its TPOT is less than reading the weights and KV caches of the sequences that it "
              "says were in progress takes by the GPUs' data sheet");
        }
        return figures_text(predict(scenario)).dump();
      },
      [&](std::size_t job, const JobResult& result) {
        ValidatedPoint& point = validated[job];
        point.failed = result.error;
        if (result.error.empty()) {
          point.predicted = figures_of(Json::parse(result.text));
          predictions.add(scenarios[job], point.predicted);
        }
        done(++finished);
      });
  return validated;
}

Json validation_json(const std::vector<ValidatedPoint>& points) {
  std::map<std::string, std::vector<const ValidatedPoint*>> groups;
  std::map<std::string, std::size_t> reasons;
  std::size_t covered = 0;
  Json rows = Json::array();
  for (const ValidatedPoint& point : points) {
    for (const std::string& name : groups_of(point.point)) groups[name].push_back(&point);
    covered += point.described() ? 1 : 0;
    const std::string& why = point.failed.empty() ? point.point.why_not : point.failed;
    if (!why.empty()) ++reasons[why];
    Json row{{"id", point.point.id},
             {"llm", point.point.llm},
             {"gpu", point.point.gpu},
             {"engine", point.point.engine},
             {"layout", point.point.layout},
             {"load", load_name(point.point.concurrency)},
             {"measured_tpot_s", or_null(point.point.measured.tpot_s)},
             {"measured_ttft_s", or_null(point.point.measured.ttft_s)},
             {"tpot_error", or_null(error_of(point, kTpot))},
             {"ttft_error", or_null(error_of(point, kTtft))},
             {"e2e_error", or_null(error_of(point, kE2e))},
             {"throughput_error", or_null(error_of(point, kThroughput))},
             {"predicted_tokens_per_s", or_null(point.predicted.output_tokens_per_s)},
             {"predicted_tpot_s", or_null(point.predicted.tpot_s)},
             {"predicted_ttft_s", or_null(point.predicted.ttft_s)}};
    if (!why.empty()) row["why_not"] = why;
    if (!point.point.assumed.empty()) row["assumed"] = point.point.assumed;
    rows.push_back(row);
  }
  Json result{{"kind", "validation"},
              {"rows", points.size()},
              {"covered", covered},
              {"groups", Json::array()}};
  for (const auto& [name, members] : groups) {
    result["groups"].push_back(group_json(name, members));
  }
  result["not_described"] = Json::array();
  for (const auto& [why, count] : reasons) {
    result["not_described"].push_back({{"why", why}, {"rows", count}});
  }
  result["points"] = std::move(rows);
  return result;
}

}  // namespace cleave
