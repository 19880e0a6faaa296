#include <algorithm>
#include <cmath>

#include "sim/base/builtin.h"
#include "sim/base/error.h"
#include "sim/base/files.h"
#include "traces/arrivals.h"
#include "traces/workload.h"
#include "traces/workload_defaults.h"

namespace cleave {

namespace {

constexpr Range kRate{0, 1e9, true};
constexpr Range kTime{0, kMaxArrivalS, false};
constexpr Range kDuration{0, kMaxArrivalS, true};
constexpr Range kCv{0.01, 100, false};
constexpr Range kScale{1e-6, 1e6, false};
constexpr Range kLengthShare{0, 100, true};
constexpr std::int64_t kMostRequests = std::int64_t{1} << 53;
constexpr std::int64_t kMostClients = 1'000'000;

std::optional<double> read_number(JsonReader& reader, std::string_view key, Range range) {
  if (!reader.has(key)) return {};
  return reader.number(key, range);
}

template <class Whole>
std::optional<Whole> read_whole(JsonReader& reader, std::string_view key, std::int64_t least,
                                std::int64_t most) {
  if (!reader.has(key)) return {};
  return static_cast<Whole>(reader.integer(key, least, most));
}

std::optional<CsvColumns> read_columns(JsonReader& reader) {
  if (!reader.has("columns")) return {};
  JsonReader columns = reader.object("columns");
  CsvColumns result =
      make_columns(columns.text("arrival"), columns.text("prompt"), columns.text("output"),
                   columns.text("unit", "s"), columns.path_of("unit"));
  columns.finish();
  return result;
}

bool is_builtin(const std::string& trace) {
  const auto known = builtin_names("traces");
  return std::find(known.begin(), known.end(), trace) != known.end();
}

/// A name without path or ending that is no file either can only be a mistyped built-in name.
void check_trace_name(const JsonReader& reader, const std::string& trace) {
  if (trace.empty()) reader.fail("trace", "expected the name of a trace or a file, found \"\"");
  const bool like_file = trace.find_first_of("./") != std::string::npos;
  if (!like_file && !is_builtin(trace) && !file_exists(trace)) {
    throw_unknown_name(reader.path_of("trace"), "trace", trace, builtin_names("traces"));
  }
}

std::shared_ptr<const std::vector<Request>> read_given(JsonReader& reader) {
  const Json& list = reader.value("trace");
  auto requests = std::make_shared<std::vector<Request>>();
  for (const Json& entry : list) {
    const auto is = [&](std::size_t i, double least, double most) {
      return entry[i].is_number() && entry[i].get<double>() >= least &&
             entry[i].get<double>() <= most &&
             (i == 0 || entry[i].get<double>() == std::floor(entry[i].get<double>()));
    };
    const double before_s = requests->empty() ? 0 : requests->back().arrival_s;
    const bool good = entry.is_array() && entry.size() == 3 && is(0, before_s, kMaxArrivalS) &&
                      is(1, 1, kMaxTokens) && is(2, 1, kMaxTokens);
    if (!good) {
      reader.fail("trace[" + std::to_string(requests->size()) + "]",
                  "expected [arrival_s, prompt_tokens, output_tokens], no earlier than the request "
                  "before, with 1 to " +
                      std::to_string(kMaxTokens) + " tokens each");
    }
    Request request;
    request.arrival_s = entry[0].get<double>();
    request.prompt_tokens = entry[1].get<std::uint32_t>();
    request.output_tokens = entry[2].get<std::uint32_t>();
    request.line = requests->size() + 1;
    requests->push_back(std::move(request));
  }
  if (requests->empty()) reader.fail("trace", "expected one request at least, found []");
  return requests;
}

std::optional<LengthRange> read_length_range(JsonReader& reader) {
  if (!reader.has("length_range")) return {};
  const std::vector<double> range = reader.numbers("length_range", kLengthShare);
  if (range.size() != 2 || range[0] > range[1]) {
    reader.fail("length_range",
                "expected the least and the largest share of a length, as in [0.8, 1]");
  }
  return LengthRange{range[0], range[1]};
}

void read_priorities(JsonReader& reader, Workload& workload) {
  if (!reader.has("priority_shares")) return;
  workload.priority_shares = reader.numbers("priority_shares", kNonNegative);
  const auto& shares = workload.priority_shares;
  if (std::none_of(shares.begin(), shares.end(), [](double share) { return share > 0; })) {
    reader.fail("priority_shares",
                "expected the shares of requests with priority 0, 1 and so on, as in [0.2, 0.8]");
  }
}

void read_lengths(JsonReader& reader, Workload& workload) {
  const bool given = reader.has("trace") && reader.value("trace").is_array();
  if (given) {
    workload.given = read_given(reader);
  } else {
    workload.trace = reader.text("trace", "");
  }
  workload.columns = read_columns(reader);
  workload.prompt_tokens = read_whole<std::uint32_t>(reader, "prompt_tokens", 1, kMaxTokens);
  workload.output_tokens = read_whole<std::uint32_t>(reader, "output_tokens", 1, kMaxTokens);
  workload.length_range = read_length_range(reader);
  read_priorities(reader, workload);
  if (reader.has("system_prompts")) {
    workload.system_prompts = read_system_prompts(reader.object("system_prompts"));
  }
  if (reader.has("sessions")) workload.sessions = read_sessions(reader.object("sessions"));
  if (reader.has("turns")) {
    workload.after_reply =
        reader.name("turns", "choice", {"recorded", "after_reply"}) != "recorded";
  }
  if (reader.has("lengths")) {
    workload.paired = reader.name("lengths", "choice", {"independent", "paired"}) == "paired";
  }
  const bool fixed = workload.prompt_tokens || workload.output_tokens;
  if (fixed && reader.has("trace")) {
    reader.fail("trace", "contradicts prompt_tokens and output_tokens; leave out one or the other");
  }
  if (fixed && !workload.output_tokens) {
    reader.fail("output_tokens", "is missing beside prompt_tokens");
  }
  if (fixed && !workload.prompt_tokens) {
    reader.fail("prompt_tokens", "is missing beside output_tokens");
  }
  if (!fixed) {
    if (!reader.has("trace")) {
      reader.fail("trace", "is missing; expected a trace, or prompt_tokens and output_tokens");
    }
    if (!given) check_trace_name(reader, workload.trace);
  }
}

void read_rates_over_time(JsonReader& reader, Workload& workload) {
  const std::string& arrivals = workload.arrivals;
  if (!reader.has("rates")) {
    if (reader.has("rates_period_s")) reader.fail("rates_period_s", "has no meaning without rates");
    return;
  }
  if (arrivals != "poisson" && arrivals != "constant" && arrivals != "gamma") {
    reader.fail("rates", "is for arrivals \"poisson\", \"constant\" and \"gamma\", not \"" +
                             arrivals + "\"");
  }
  workload.rates = read_rates(reader);
}

void check_replay(JsonReader& reader, const Workload& workload) {
  if (!is_trace_file(workload)) {
    reader.fail("arrivals",
                "\"replay\" needs a trace file; use \"trace\" for the arrival rate over time of a "
                "distribution, or \"poisson\"");
  }
  if (workload.rate_rps) {
    reader.fail("rate_rps",
                "contradicts arrivals \"replay\", which keeps the times of the trace; use "
                "rate_scale, or arrivals \"trace\" or \"poisson\"");
  }
  if (workload.sessions) {
    reader.fail(
        "sessions",
        "contradicts arrivals \"replay\"; use turns \"after_reply\" for the sessions of the "
        "trace, or arrivals \"trace\" or \"poisson\"");
  }
  if (!workload.paired) {
    reader.fail("lengths", "\"independent\" contradicts arrivals \"replay\"; use \"trace\"");
  }
  if (workload.to_s && *workload.to_s <= workload.from_s.value_or(0)) {
    reader.fail("to_s", "expected a time after from_s");
  }
}

/// What only clients that wait for one another have.
void check_clients(JsonReader& reader, const Workload& workload) {
  const bool closed = workload.arrivals == "closed";
  for (const char* key : {"ramp_up_s", "think_s"}) {
    if (reader.has(key) && !closed) {
      reader.fail(key, "is for arrivals \"closed\" only, not \"" + workload.arrivals + "\"");
    }
  }
  if (closed && !workload.concurrency) {
    reader.fail("concurrency",
                "is missing; arrivals \"closed\" need it: how many requests are under way at once");
  }
  if (workload.arrivals == "infinite" && workload.concurrency) {
    reader.fail("concurrency",
                "contradicts arrivals \"infinite\"; \"closed\" sends as fast as it allows");
  }
}

/// "closed" and "infinite": without a rate.
void check_without_rate(JsonReader& reader, const Workload& workload) {
  const bool closed = workload.arrivals == "closed";
  if (workload.rate_rps) {
    reader.fail("rate_rps",
                closed ? "contradicts arrivals \"closed\", whose clients send when their last "
                         "request is completed; use think_s, or concurrency with \"poisson\""
                       : "contradicts arrivals \"infinite\", which are all at once");
  }
  if (closed && !workload.duration_s && !workload.requests) {
    reader.fail("requests", "is missing; arrivals \"closed\" need requests or duration_s to end");
  }
  if (!closed && workload.duration_s) {
    reader.fail("duration_s", "contradicts arrivals \"infinite\", which are all at once");
  }
  if (!closed && !workload.requests) {
    reader.fail("requests", "is missing; arrivals \"infinite\" need it");
  }
}

void check_generated(JsonReader& reader, const Workload& workload) {
  for (const char* key : {"rate_scale", "from_s", "to_s", "repeat", "repeat_content", "turns"}) {
    if (reader.has(key)) {
      reader.fail(key, "is for arrivals \"replay\" only, not \"" + workload.arrivals + "\"");
    }
  }
  if (workload.arrivals == "closed" || workload.arrivals == "infinite") {
    check_without_rate(reader, workload);
    return;
  }
  const bool own_rate = workload.arrivals == "trace";
  if (own_rate && workload.trace.empty() && !workload.given) {
    reader.fail("arrivals", "\"trace\" needs a trace; use \"poisson\" with rate_rps");
  }
  if (!workload.rate_rps && !workload.rates && !own_rate) {
    reader.fail("rate_rps", "is missing; arrivals \"" + workload.arrivals + "\" need it, or rates");
  }
  const bool ends = own_rate && is_trace_file(workload);
  if (!ends && !workload.duration_s && !workload.requests) {
    reader.fail("duration_s", "is missing; generated requests need duration_s or requests to end");
  }
}

}  // namespace

bool is_trace_file(const Workload& workload) {
  return workload.given || (!workload.trace.empty() && !workload.trace.ends_with(".json") &&
                            !is_builtin(workload.trace));
}

bool offers_rate(const Workload& workload) {
  return !workload.concurrency && workload.arrivals != "infinite";
}

Workload read_workload(JsonReader& reader) { return read_workload(reader, {}); }

Workload read_workload(JsonReader& reader, const WorkloadDefaults& otherwise) {
  Workload workload;
  read_lengths(reader, workload);
  std::vector<std::string> known = ArrivalProcesses::names();
  known.emplace_back("replay");
  workload.arrivals = is_trace_file(workload) ? "replay" : "poisson";
  if (reader.has("arrivals")) {
    workload.arrivals = reader.name("arrivals", "arrival process", known);
  }
  workload.rate_rps = read_number(reader, "rate_rps", kRate);
  read_rates_over_time(reader, workload);
  workload.cv = read_number(reader, "cv", kCv);
  workload.concurrency = read_whole<std::uint64_t>(reader, "concurrency", 1, kMostClients);
  workload.ramp_up_s = reader.number("ramp_up_s", kTime, 0);
  workload.think_s = reader.number("think_s", kTime, 0);
  workload.seed = static_cast<std::uint64_t>(
      reader.integer("seed", 0, kMostRequests, static_cast<std::int64_t>(otherwise.seed)));
  workload.duration_s = read_number(reader, "duration_s", kDuration);
  workload.requests = read_whole<std::uint64_t>(reader, "requests", 1, kMostRequests);
  const double span_s = workload.rates ? workload.rates->span_s() : 0;
  if (!workload.duration_s && !workload.requests) {
    workload.duration_s = span_s > 0 ? span_s : otherwise.duration_s;
  }
  workload.warmup_requests =
      static_cast<std::uint64_t>(reader.integer("warmup_requests", 0, kMostRequests, 0));
  workload.from_s = read_number(reader, "from_s", kTime);
  workload.to_s = read_number(reader, "to_s", kDuration);
  workload.repeat = read_whole<std::uint64_t>(reader, "repeat", 1, 1'000'000'000);
  if (reader.has("repeat_content") &&
      reader.name("repeat_content", "choice", {"fresh", "same"}) == "same") {
    workload.rounds = Rounds::kSame;
  }
  workload.rate_scale = read_number(reader, "rate_scale", kScale);
  reader.finish();

  if (workload.columns && (workload.given || !is_trace_file(workload))) {
    reader.fail("columns", "is for trace files only");
  }
  if (workload.cv && workload.arrivals != "gamma") {
    reader.fail("cv", "is for arrivals \"gamma\" only, not \"" + workload.arrivals + "\"");
  }
  if (!workload.cv && workload.arrivals == "gamma") {
    reader.fail("cv", "is missing; arrivals \"gamma\" need it (1 is Poisson, above is burstier)");
  }
  check_clients(reader, workload);
  if (workload.arrivals == "replay") {
    check_replay(reader, workload);
  } else {
    check_generated(reader, workload);
  }
  return workload;
}

}  // namespace cleave
