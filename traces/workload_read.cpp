#include <algorithm>
#include <cmath>

#include "sim/base/error.h"
#include "sim/base/reference.h"
#include "traces/arrivals.h"
#include "traces/client_mix.h"
#include "traces/distribution.h"
#include "traces/workload.h"
#include "traces/workload_columns.h"
#include "traces/workload_defaults.h"

namespace cleave {

namespace {

constexpr Range kTime{0, kMaxArrivalS, false};
constexpr Range kDuration{0, kMaxArrivalS, true};
constexpr std::int64_t kMostRequests = std::int64_t{1} << 53;

const Setting kTrace{"trace", nullptr, "",
                     "lengths of requests: a built-in distribution (cleave list workloads), a "
                     "distribution file, a mix of clients, or a trace file, which is replayed",
                     words("a name, a file, or a list of [seconds, prompt, output]")};
const Setting kColumns{"columns", nullptr, "", "of a trace file of no known format",
                       words("a section of its own")};
const Setting kPrompt{"prompt_tokens", nullptr, "tokens", "of every prompt, in place of trace",
                      whole(1, kMaxTokens)};
const Setting kOutput{"output_tokens", nullptr, "tokens", "of every output, beside prompt_tokens",
                      whole(1, kMaxTokens)};
const Setting kLengthRange{"length_range", nullptr, "",
                           "lengths are drawn between these shares of them, as in [0.8, 1]",
                           in({0, 100, true}).each()};
const Setting kLengths{"lengths", "paired", "",
                       "of a distribution: prompt and output drawn together or each alone",
                       one_of({"independent", "paired"})};
const Setting kPriorities{"priority_shares", nullptr, "",
                          "of requests with priority 0, 1 and so on, as in [0.2, 0.8]",
                          in(kNonNegative).each()};
const Setting kSystemPrompts{"system_prompts", nullptr, "", "that prompts begin with",
                             words("a section of its own")};
const Setting kSessions{"sessions", nullptr, "", "requests are the first turns of conversations",
                        words("a section of its own")};
const Setting kTurns{"turns", "recorded", "",
                     "later turns of a replayed trace come at their time, or after the reply",
                     one_of({"recorded", "after_reply"})};
const Setting kArrivals{
    "arrivals", nullptr, "",
    "when requests come; replay with a trace file, clients with a mix of clients",
    words("replay or clients")};
const Setting kRate{"rate_rps", nullptr, "requests/s", "mean rate of arrivals", in({0, 1e9, true})};
const Setting kRates{"rates", nullptr, "requests/s", "rate over time, straight lines between",
                     words("a list of [seconds, requests/s], or a CSV file")};
const Setting kPeriod{"rates_period_s", nullptr, "s", "after which rates begin again",
                      in({0, kMaxArrivalS, true})};
const Setting kCv{"cv", nullptr, "", "coefficient of variation of the gaps; gamma",
                  in({0.01, 100, false})};
const Setting kConcurrency{"concurrency", nullptr, "requests",
                           "under way at most, in a closed loop just so many", whole(1, 1'000'000)};
const Setting kRampUp{"ramp_up_s", 0, "s", "over which clients of a closed loop start", in(kTime)};
const Setting kThink{"think_s", 0, "s", "between a reply and a client's next request", in(kTime)};
const Setting kSeed{"seed", 1, "", "of all that is drawn", whole(0, kMostRequests)};
const Setting kLength{"duration_s", nullptr, "s",
                      "requests arrive; 120 unless requests or rates "
                      "say the end",
                      in(kDuration)};
const Setting kRequests{"requests", nullptr, "requests", "in all", whole(1, kMostRequests)};
const Setting kWarmup{"warmup_requests", 0, "requests", "before them that are not measured",
                      whole(0, kMostRequests)};
const Setting kFrom{"from_s", nullptr, "s", "a replayed trace is taken from here", in(kTime)};
const Setting kTo{"to_s", nullptr, "s", "up to here", in(kDuration)};
const Setting kRepeat{"repeat", nullptr, "times", "a trace is replayed", whole(1, 1'000'000'000)};
const Setting kRepeatContent{"repeat_content", "fresh", "",
                             "prompts of a repeated trace are others, or the same again",
                             one_of({"fresh", "same"})};
const Setting kScale{"rate_scale", nullptr, "times", "its speed: a trace is replayed so fast",
                     in({1e-6, 1e6, false})};
const Reference::Entry kWorkload{
    {"scenario",
     "workload",
     "What arrives, and when; docs/workloads.md says what goes with what.",
     {kTrace,      kColumns,       kPrompt,   kOutput,      kLengthRange, kLengths,
      kPriorities, kSystemPrompts, kSessions, kTurns,       kArrivals,    kRate,
      kRates,      kPeriod,        kCv,       kConcurrency, kRampUp,      kThink,
      kSeed,       kLength,        kRequests, kWarmup,      kFrom,        kTo,
      kRepeat,     kRepeatContent, kScale}}};

std::shared_ptr<const std::vector<Request>> read_given(JsonReader& reader) {
  const Json& list = reader.value(kTrace.name);
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
  if (!kLengthRange.given(reader)) return {};
  const std::vector<double> range = kLengthRange.numbers(reader);
  if (range.size() != 2 || range[0] > range[1]) {
    reader.fail("length_range",
                "expected the least and the largest share of a length, as in [0.8, 1]");
  }
  return LengthRange{range[0], range[1]};
}

void read_priorities(JsonReader& reader, Workload& workload) {
  if (!kPriorities.given(reader)) return;
  workload.priority_shares = kPriorities.numbers(reader);
  const auto& shares = workload.priority_shares;
  if (std::none_of(shares.begin(), shares.end(), [](double share) { return share > 0; })) {
    reader.fail("priority_shares",
                "expected the shares of requests with priority 0, 1 and so on, as in [0.2, 0.8]");
  }
}

void read_lengths(JsonReader& reader, Workload& workload) {
  const bool given = kTrace.given(reader) && reader.value(kTrace.name).is_array();
  if (given) {
    workload.given = read_given(reader);
  } else {
    workload.trace = reader.text("trace", "");
  }
  if (kColumns.given(reader)) workload.columns = read_columns(reader.object(kColumns.name));
  workload.prompt_tokens = kPrompt.optional_count(reader);
  workload.output_tokens = kOutput.optional_count(reader);
  workload.length_range = read_length_range(reader);
  read_priorities(reader, workload);
  if (kSystemPrompts.given(reader)) {
    workload.system_prompts = read_system_prompts(reader.object(kSystemPrompts.name));
  }
  if (kSessions.given(reader)) workload.sessions = read_sessions(reader.object(kSessions.name));
  workload.after_reply = kTurns.choice(reader) != "recorded";
  workload.paired = kLengths.choice(reader) == "paired";
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
    if (!given && workload.trace.empty()) {
      reader.fail("trace", "expected the name of a trace or a file, found \"\"");
    }
    if (!given) check_trace_name(reader.path_of("trace"), workload.trace);
    workload.mix = find_client_mix(workload.trace);
    if (!workload.mix && !is_trace_file(workload)) {
      workload.distribution = load_distribution(workload.trace, reader.path_of("trace"));
    }
  }
}

void read_rates_over_time(JsonReader& reader, Workload& workload) {
  const std::string& arrivals = workload.arrivals;
  if (!kRates.given(reader)) {
    if (kPeriod.given(reader)) reader.fail(kPeriod.name, "has no meaning without rates");
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

void check_mix(JsonReader& reader, const Workload& workload) {
  const bool clients = workload.arrivals == "clients";
  if (clients && !workload.mix) {
    reader.fail("arrivals",
                "\"clients\" needs a mix of clients as trace; cleave trace fit makes one");
  }
  if (workload.mix && !clients) {
    reader.fail("arrivals", "\"" + workload.arrivals +
                                "\" contradicts the mix of clients in trace, each of which sends "
                                "at a rate of its own; leave it out");
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
  const bool own_rate = workload.arrivals == "trace" || workload.mix;
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
                            !is_builtin_trace(workload.trace));
}

bool offers_rate(const Workload& workload) {
  return !workload.concurrency && workload.arrivals != "infinite";
}

Workload read_workload(JsonReader& reader) { return read_workload(reader, {}); }

Workload read_workload(JsonReader& reader, const WorkloadDefaults& otherwise) {
  Workload workload;
  read_lengths(reader, workload);
  std::vector<std::string> known = ArrivalProcesses::names();
  known.insert(known.end(), {"clients", "replay"});
  workload.arrivals = is_trace_file(workload) ? "replay" : workload.mix ? "clients" : "poisson";
  if (kArrivals.given(reader)) {
    workload.arrivals = reader.name(kArrivals.name, "arrival process", known);
  }
  check_mix(reader, workload);
  workload.rate_rps = kRate.optional_number(reader);
  read_rates_over_time(reader, workload);
  workload.cv = kCv.optional_number(reader);
  workload.concurrency = kConcurrency.optional_count<std::uint64_t>(reader);
  workload.ramp_up_s = kRampUp.number(reader);
  workload.think_s = kThink.number(reader);
  workload.seed = static_cast<std::uint64_t>(
      reader.integer(kSeed.name, 0, kMostRequests, static_cast<std::int64_t>(otherwise.seed)));
  workload.duration_s = kLength.optional_number(reader);
  workload.requests = kRequests.optional_count<std::uint64_t>(reader);
  const double span_s = workload.rates ? workload.rates->span_s() : 0;
  if (!workload.duration_s && !workload.requests) {
    workload.duration_s = span_s > 0 ? span_s : otherwise.duration_s;
  }
  workload.warmup_requests = static_cast<std::uint64_t>(kWarmup.integer(reader));
  workload.from_s = kFrom.optional_number(reader);
  workload.to_s = kTo.optional_number(reader);
  workload.repeat = kRepeat.optional_count<std::uint64_t>(reader);
  if (kRepeatContent.choice(reader) == "same") workload.rounds = Rounds::kSame;
  workload.rate_scale = kScale.optional_number(reader);
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
