#include "sim/base/error.h"
#include "sim/explore/measured_requests.h"

// What `vllm bench serve --save-result` writes: one run, with means; with --save-detailed also the
// start, the lengths and the gaps of every request.

namespace cleave {

namespace {

bool recognises(const std::string& text) {
  return text.find("\"total_input_tokens\"") != std::string::npos &&
         text.find("\"request_throughput\"") != std::string::npos;
}

/// The lists of --save-detailed, one entry a request.
struct Lists {
  const std::string& file;
  const Json& run;

  /// Older versions do not write starts.
  bool complete() const {
    return run.value("start_times", Json()).is_array() && run.value("ttfts", Json()).is_array();
  }
  std::size_t size() const { return run["start_times"].size(); }
  const Json& at(const char* key, std::size_t i) const {
    const auto list = run.find(key);
    if (list == run.end() || !list->is_array() || list->size() != size()) {
      throw InputError(file + ": " + key + ": expected a list as long as start_times");
    }
    return (*list)[i];
  }
  double number(const char* key, std::size_t i) const {
    const Json& value = at(key, i);
    if (!value.is_number()) {
      throw InputError(file + ": " + key + "[" + std::to_string(i) + "]: expected a number");
    }
    return value.get<double>();
  }
  double gaps_s(std::size_t i) const {
    double sum = 0;
    for (const Json& gap : at("itls", i)) sum += gap.is_number() ? gap.get<double>() : 0;
    return sum;
  }
};

void describe_lists(const Lists& lists, MeasuredPoint& point) {
  std::vector<MeasuredRequest> requests;
  for (std::size_t i = 0; i < lists.size(); ++i) {
    const double output = lists.number("output_lens", i);
    if (output < 1) continue;  // failed
    const double ttft = lists.number("ttfts", i);
    const double e2e = ttft + lists.gaps_s(i);
    requests.push_back({lists.number("start_times", i),
                        lists.number("input_lens", i),
                        output,
                        {ttft, tpot_of(ttft, e2e, output), e2e, {}}});
  }
  const std::size_t failed = lists.size() - requests.size();
  describe_requests(std::move(requests), failed, point);
}

MeasuredMeans means_of(const Json& run, const MeasuredPoint& point) {
  MeasuredMeans means;
  means.requests = number_at(run, "/completed").value_or(0);
  means.prompt_tokens = number_at(run, "/total_input_tokens").value_or(0) / means.requests;
  means.output_tokens = number_at(run, "/total_output_tokens").value_or(0) / means.requests;
  means.rate_rps = number_at(run, "/request_rate");
  means.arrivals = point.concurrency > 0 ? "closed" : means.rate_rps ? "poisson" : "infinite";
  if (means.arrivals == "closed") means.rate_rps.reset();
  const auto seconds = [&](const char* pointer) -> std::optional<double> {
    constexpr double kMilli = 1e-3;
    const auto value = number_at(run, pointer);
    return value ? std::optional(*value * kMilli) : std::nullopt;
  };
  means.figures = {seconds("/mean_ttft_ms"), seconds("/mean_tpot_ms"), seconds("/mean_e2el_ms"),
                   number_at(run, "/output_throughput")};
  return means;
}

std::vector<MeasuredPoint> read(const std::string& file, const MeasuredSources&) {
  const Json run = load_json(file);
  if (!run.is_object()) throw InputError(file + ": expected an object, as vllm bench serve writes");
  MeasuredPoint point;
  point.id = file;
  point.engine = text_at(run, "/backend").starts_with("sglang") ? "sglang" : "vllm";
  point.llm = known_llm(text_at(run, "/model_id"));
  point.concurrency = count_at(run, "/max_concurrency");
  point.scenario = served_scenario(point);
  const Lists lists{file, run};
  if (lists.complete()) {
    describe_lists(lists, point);
  } else {
    describe_means(means_of(run, point), file, point);
  }
  return {point};
}

}  // namespace

const MeasuredFormat kBenchServe{recognises, read};

}  // namespace cleave
