#include "sim/base/error.h"
#include "sim/explore/measured_requests.h"

// GuideLLM's benchmarks.json: a list of runs, each with means and, unless it kept a sample only,
// every request. What it calls inter_token_latency_ms is TPOT; its time_per_output_token_ms counts
// the first token too.

namespace cleave {

namespace {

constexpr double kMilli = 1e-3;

std::optional<double> milliseconds(const Json& json, const std::string& pointer) {
  const auto value = number_at(json, pointer);
  return value ? std::optional(*value * kMilli) : std::nullopt;
}

const Json& list_at(const Json& run, const char* status) {
  static const Json none = Json::array();
  const Json::json_pointer where(std::string("/requests/") + status);
  return run.contains(where) && run[where].is_array() ? run[where] : none;
}

double completed(const Json& run) {
  const auto said = number_at(run, "/scheduler_metrics/requests_made/successful");
  if (said) return *said;
  return number_at(run, "/metrics/request_totals/successful")
      .value_or(static_cast<double>(list_at(run, "successful").size()));
}

/// A kept request; nothing where it lacks what is needed.
std::optional<MeasuredRequest> request_of(const Json& kept) {
  const auto start = number_at(kept, "/request_start_time");
  const auto prompt = number_at(kept, "/prompt_tokens");
  const auto output = number_at(kept, "/output_tokens");
  if (!start || !prompt || !output) return {};
  return MeasuredRequest{*start,
                         *prompt,
                         *output,
                         {milliseconds(kept, "/time_to_first_token_ms"),
                          milliseconds(kept, "/inter_token_latency_ms"),
                          number_at(kept, "/request_latency"),
                          {}}};
}

/// Of every completed request; empty where only a sample was kept.
std::vector<MeasuredRequest> requests_of(const Json& run) {
  std::vector<MeasuredRequest> requests;
  for (const Json& kept : list_at(run, "successful")) {
    const auto request = request_of(kept);
    if (!request) return {};
    requests.push_back(*request);
  }
  if (static_cast<double>(requests.size()) < completed(run)) requests.clear();
  return requests;
}

MeasuredMeans means_of(const Json& run, const std::string& strategy) {
  const auto mean = [&](const std::string& metric) {
    return number_at(run, "/metrics/" + metric + "/successful/mean");
  };
  const auto mean_s = [&](const std::string& metric) {
    return milliseconds(run, "/metrics/" + metric + "/successful/mean");
  };
  MeasuredMeans means;
  means.prompt_tokens = mean("prompt_token_count").value_or(0);
  means.output_tokens = mean("output_token_count").value_or(0);
  means.requests = completed(run);
  if (strategy == "constant" || strategy == "poisson") {
    means.arrivals = strategy;
    means.rate_rps = number_at(run, "/config/strategy/rate");
  } else {
    means.arrivals = strategy == "throughput" ? "infinite" : "closed";
  }
  means.figures = {mean_s("time_to_first_token_ms"), mean_s("inter_token_latency_ms"),
                   mean("request_latency"), mean("output_tokens_per_second")};
  return means;
}

MeasuredPoint point_of(const Json& report, const Json& run, const std::string& id) {
  MeasuredPoint point;
  point.id = id;
  std::string llm = first_text_at(run, {"/config/backend/model", "/benchmarker/backend/model"});
  if (llm.empty()) llm = first_text_at(report, {"/config/spec/backend/model", "/args/model"});
  point.llm = known_llm(llm);
  const std::string strategy =
      first_text_at(run, {"/config/strategy/type_", "/args/strategy/type_"});
  if (strategy == "synchronous") point.concurrency = 1;
  if (strategy == "concurrent") point.concurrency = count_at(run, "/config/strategy/streams");
  point.scenario = served_scenario(point);
  const auto requests = requests_of(run);
  if (!requests.empty() || completed(run) == 0) {
    describe_requests(requests, list_at(run, "errored").size() + list_at(run, "incomplete").size(),
                      point);
  } else if (strategy == "concurrent" || strategy == "synchronous" || strategy == "throughput" ||
             strategy == "constant" || strategy == "poisson") {
    describe_means(means_of(run, strategy), id, point);
  } else {
    point.why_not = "strategy " + (strategy.empty() ? "unknown" : strategy) + " without requests";
  }
  return point;
}

bool recognises(const std::string& text) {
  if (text.find("\"benchmarks\"") == std::string::npos) return false;
  for (const char* mark : {"\"guidellm", "generative_benchmark", "\"strategy\""}) {
    if (text.find(mark) != std::string::npos) return true;
  }
  return false;
}

std::vector<MeasuredPoint> read(const std::string& file, const MeasuredSources&) {
  const Json report = load_json(file);
  if (!report.is_object() || !report.value("benchmarks", Json()).is_array()) {
    throw InputError(file + ": benchmarks: expected a list, as GuideLLM writes");
  }
  std::vector<MeasuredPoint> points;
  for (const Json& run : report["benchmarks"]) {
    const std::string id = file + " benchmarks[" + std::to_string(points.size()) + "]";
    if (!run.is_object()) throw InputError(id + ": expected an object");
    points.push_back(point_of(report, run, id));
  }
  return points;
}

}  // namespace

const MeasuredFormat kGuidellm{recognises, read};

}  // namespace cleave
