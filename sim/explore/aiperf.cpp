#include <filesystem>
#include <fstream>
#include <map>

#include "sim/base/error.h"
#include "sim/base/files.h"
#include "sim/explore/measured_requests.h"

// AIPerf: profile_export.jsonl has a line a request, profile_export_aiperf.json beside it the means
// and, in input_config, what was asked for, in the words of several versions.

namespace cleave {

namespace {

namespace fs = std::filesystem;

/// A figure in seconds, or in whatever has no unit of time.
std::optional<double> figure(const Json& metrics, const std::string& name, const char* value) {
  static const std::map<std::string, double> units{
      {"sec", 1}, {"s", 1}, {"ms", 1e-3}, {"us", 1e-6}, {"ns", 1e-9}};
  const auto number = number_at(metrics, "/" + name + "/" + value);
  if (!number) return {};
  const auto unit = units.find(text_at(metrics, "/" + name + "/unit"));
  return *number * (unit == units.end() ? 1 : unit->second);
}

MeasuredFigures figures_in(const Json& metrics, const char* value) {
  return {figure(metrics, "time_to_first_token", value),
          figure(metrics, "inter_token_latency", value), figure(metrics, "request_latency", value),
          figure(metrics, "output_token_throughput", value)};
}

/// Where loads are asked for: in phases.profiling, or in loadgen of older versions.
struct Load {
  const Json& run;
  std::optional<double> number(const std::string& key, const std::string& older) const {
    const auto value = number_at(run, "/input_config/phases/profiling/" + key);
    return value ? value : number_at(run, "/input_config/loadgen/" + older);
  }
};

void describe_server(const Json& run, MeasuredPoint& point) {
  point.llm = known_llm(first_text_at(
      run, {"/input_config/endpoint/model_names/0", "/input_config/models/items/0/name",
            "/input_config/models/0", "/input_config/model"}));
  point.concurrency = count_at(run, "/input_config/phases/profiling/concurrency");
  if (point.concurrency == 0)
    point.concurrency = count_at(run, "/input_config/loadgen/concurrency");
  point.scenario = served_scenario(point);
}

std::vector<MeasuredPoint> read_means(const std::string& file, const MeasuredSources&) {
  const Json run = load_json(file);
  MeasuredPoint point;
  point.id = file;
  describe_server(run, point);
  MeasuredMeans means;
  means.prompt_tokens = figure(run, "input_sequence_length", "avg").value_or(0);
  means.output_tokens = figure(run, "output_sequence_length", "avg").value_or(0);
  means.requests = figure(run, "request_count", "avg").value_or(0);
  means.rate_rps = Load{run}.number("rate", "request_rate");
  if (means.rate_rps) {
    const std::string pattern = text_at(run, "/input_config/loadgen/arrival_pattern");
    means.arrivals = pattern == "constant" ? pattern : "poisson";
  } else if (point.concurrency > 0) {
    means.arrivals = "closed";
  }
  means.figures = figures_in(run, "avg");
  describe_means(means, file, point);
  return {point};
}

/// A request of a line; nothing where it failed, or where it only warmed the server up.
std::optional<MeasuredRequest> request_of(const Json& line, const std::string& place) {
  const auto start = number_at(line, "/metadata/request_start_ns");
  if (!start) {
    throw InputError(place + ": expected an object with metadata.request_start_ns, a number");
  }
  const Json metrics = line.value("metrics", Json::object());
  const auto prompt = figure(metrics, "input_sequence_length", "value");
  const auto output = figure(metrics, "output_sequence_length", "value");
  if (!prompt || !output || !line.value("error", Json()).is_null()) return {};
  constexpr double kNano = 1e-9;
  MeasuredRequest request{*start * kNano, *prompt, *output, figures_in(metrics, "value")};
  request.figures.output_tokens_per_s.reset();
  return request;
}

std::vector<MeasuredPoint> read_requests(const std::string& file, const MeasuredSources&) {
  MeasuredPoint point;
  point.id = file;
  const fs::path beside = fs::path(file).parent_path() / "profile_export_aiperf.json";
  describe_server(file_exists(beside) ? load_json(beside.string()) : Json::object(), point);
  std::ifstream in(file);
  std::vector<MeasuredRequest> requests;
  std::size_t failed = 0;
  std::string text;
  for (std::size_t number = 1; std::getline(in, text); ++number) {
    if (text.empty()) continue;
    const Json line = Json::parse(text, nullptr, false);
    if (text_at(line, "/metadata/benchmark_phase") == "warmup") continue;
    if (const auto request = request_of(line, file + ":" + std::to_string(number))) {
      requests.push_back(*request);
    } else {
      ++failed;
    }
  }
  describe_requests(std::move(requests), failed, point);
  return {point};
}

bool has_requests(const std::string& text) {
  return text.find("\"request_start_ns\"") != std::string::npos &&
         text.find("\"metadata\"") != std::string::npos;
}

bool has_means(const std::string& text) {
  return text.find("\"request_latency\"") != std::string::npos &&
         text.find("\"avg\"") != std::string::npos;
}

}  // namespace

const MeasuredFormat kAiperfRequests{has_requests, read_requests};
const MeasuredFormat kAiperfMeans{has_means, read_means};

}  // namespace cleave
