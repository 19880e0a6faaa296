#include "sim/explore/measured_requests.h"

#include <algorithm>
#include <cmath>

#include "sim/base/error.h"

namespace cleave {

namespace {

std::optional<double> mean_of(const std::vector<MeasuredRequest>& requests,
                              std::optional<double> MeasuredFigures::*figure) {
  double sum = 0;
  std::size_t count = 0;
  for (const MeasuredRequest& request : requests) {
    if (!(request.figures.*figure)) continue;
    sum += *(request.figures.*figure);
    ++count;
  }
  return count > 0 ? std::optional(sum / static_cast<double>(count)) : std::nullopt;
}

/// From the first start to the last end.
std::optional<double> throughput_of(const std::vector<MeasuredRequest>& requests) {
  double tokens = 0;
  double end_s = requests.front().start_s;
  for (const MeasuredRequest& request : requests) {
    if (!request.figures.e2e_s) return {};
    tokens += request.output_tokens;
    end_s = std::max(end_s, request.start_s + *request.figures.e2e_s);
  }
  const double duration_s = end_s - requests.front().start_s;
  return duration_s > 0 ? std::optional(tokens / duration_s) : std::nullopt;
}

const Json* find(const Json& json, const std::string& pointer) {
  const Json::json_pointer where(pointer);
  return json.contains(where) ? &json[where] : nullptr;
}

}  // namespace

std::optional<double> tpot_of(double ttft_s, double e2e_s, double output_tokens) {
  if (output_tokens < 2) return {};
  return (e2e_s - ttft_s) / (output_tokens - 1);
}

void describe_requests(std::vector<MeasuredRequest> requests, std::size_t left_out,
                       MeasuredPoint& point) {
  point.requests = true;
  if (left_out > 0) point.assumed = std::to_string(left_out) + " failed requests left out";
  if (requests.empty()) {
    point.why_not = "no completed requests";
    return;
  }
  std::stable_sort(requests.begin(), requests.end(),
                   [](const auto& a, const auto& b) { return a.start_s < b.start_s; });
  point.measured = {mean_of(requests, &MeasuredFigures::ttft_s),
                    mean_of(requests, &MeasuredFigures::tpot_s),
                    mean_of(requests, &MeasuredFigures::e2e_s), throughput_of(requests)};
  Json trace = Json::array();
  for (const MeasuredRequest& request : requests) {
    trace.push_back(
        {request.start_s - requests.front().start_s, request.prompt_tokens, request.output_tokens});
  }
  Json& workload = point.scenario["workload"];
  workload = {{"trace", std::move(trace)}, {"arrivals", "replay"}};
  if (point.concurrency > 0) workload["concurrency"] = point.concurrency;
}

void describe_means(const MeasuredMeans& means, const std::string& where, MeasuredPoint& point) {
  point.measured = means.figures;
  point.assumed = "all requests as long as the mean";
  const auto whole = [&](const char* what, double value) {
    if (!(value > 0)) throw InputError(where + ": " + what + ": expected a number above 0");
    return std::max(1.0, std::round(value));
  };
  const double requests = whole("completed requests", means.requests);
  Json& workload = point.scenario["workload"];
  workload = {{"trace", nullptr},
              {"prompt_tokens", whole("prompt tokens", means.prompt_tokens)},
              {"output_tokens", whole("output tokens", means.output_tokens)},
              {"requests", requests},
              {"rate_rps", means.rate_rps ? Json(*means.rate_rps) : Json()}};
  if (!means.arrivals.empty()) workload["arrivals"] = means.arrivals;
  if (means.arrivals == "closed") workload["concurrency"] = point.concurrency;
}

Json served_scenario(const MeasuredPoint& point) {
  Json scenario{{"scheduler", {{"policy", "token_jsq"}}}};
  if (!point.engine.empty()) {
    scenario["latency"] = {{"policy", "engine"}, {"engine", point.engine}};
  }
  if (!point.llm.empty()) scenario["llm"] = point.llm;
  return scenario;
}

std::optional<double> number_at(const Json& json, const std::string& pointer) {
  const Json* found = find(json, pointer);
  return found != nullptr && found->is_number() ? std::optional(found->get<double>())
                                                : std::nullopt;
}

std::uint32_t count_at(const Json& json, const std::string& pointer) {
  constexpr double kMost = 1e6;
  const double number = number_at(json, pointer).value_or(0);
  return number >= 1 && number <= kMost ? static_cast<std::uint32_t>(number) : 0;
}

std::string text_at(const Json& json, const std::string& pointer) {
  const Json* found = find(json, pointer);
  return found != nullptr && found->is_string() ? found->get<std::string>() : "";
}

std::string first_text_at(const Json& json, const std::vector<std::string>& pointers) {
  for (const std::string& pointer : pointers) {
    if (std::string text = text_at(json, pointer); !text.empty()) return text;
  }
  return "";
}

}  // namespace cleave
