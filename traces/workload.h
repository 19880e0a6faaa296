#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "sim/base/json_reader.h"
#include "traces/clients.h"
#include "traces/conversations.h"
#include "traces/rate_curve.h"
#include "traces/trace_reader.h"
#include "traces/transform.h"

namespace cleave {

struct ClientMix;
struct Distribution;
struct Workload;

/// A class of requests of a workload: a share of its requests, or requests of its own beside them.
struct WorkloadClass {
  double share = 0;
  std::uint32_t priority = 0;  ///< the lower, the earlier, where the queue looks at it
  std::shared_ptr<const Workload>
      own;  ///< null: of the workload's, a share or those that the trace says
  std::shared_ptr<const Workload> lengths;  ///< of a share: null: as the workload says
};

/// The "workload" object of a scenario: which requests reach the cluster, and when. Members have
/// the names of its keys; what is absent is empty.
struct Workload {
  /// A built-in distribution ("azure-2023-code", "azure-2023-conv"), a distribution file or a mix
  /// of clients (".json"), or a trace file of a format that open_trace() knows. Empty for requests
  /// of one fixed length.
  std::string trace;
  /// The mix of clients that the file `trace` holds; null where it holds none.
  std::shared_ptr<const ClientMix> mix;
  /// The distribution that `trace` names; null where it names none.
  std::shared_ptr<const Distribution> distribution;
  /// The same where "trace" is a list: requests in the order of their arrival, each
  /// [arrival_s, prompt_tokens, output_tokens].
  std::shared_ptr<const std::vector<Request>> given;
  /// For a trace file that is CSV but of no known format: {"arrival": column, "prompt": column,
  /// "output": column, "unit": "s" | "ms" | "us" | "ns" | "clock"}; unit is "s" if left out.
  std::optional<CsvColumns> columns;
  /// Instead of `trace`: every request has these lengths.
  std::optional<std::uint32_t> prompt_tokens;
  std::optional<std::uint32_t> output_tokens;
  /// Key "length_range", [low, high]: the lengths of each request are drawn around those that it
  /// would have, prompt and output one without the other (spread_lengths()).
  std::optional<LengthRange> length_range;

  /// "replay": the requests of a trace file as they are, with their times (what a trace file gives
  /// if nothing is said). Otherwise requests are generated, with arrivals "poisson" (otherwise the
  /// default), "constant", "gamma", or "trace": the arrival rate over time of a distribution, or
  /// the times of a trace file. "clients": those of a mix of clients, which has no other arrivals,
  /// each as it sends. "infinite": all at once. "closed": by so many clients as
  /// `concurrency` says, each of which sends its next request when its last is completed.
  std::string arrivals;
  /// Generated: mean arrivals a second; may be absent for "trace" and "clients" only, then as in
  /// the trace. "infinite" and "closed" have none.
  std::optional<double> rate_rps;
  /// Of "poisson", "constant" and "gamma": the rate over time (read_rates()), scaled to the mean
  /// `rate_rps` where that is given, too.
  std::optional<RateCurve> rates;
  /// "gamma" only: coefficient of variation of the gaps; 1 is Poisson, above is burstier.
  std::optional<double> cv;
  /// Requests in the cluster at once. "closed": there are always so many, but for think_s and the
  /// end. Otherwise at most, but not with "infinite": one for which there is no place waits at its
  /// client, and arrives when another is completed.
  std::optional<std::uint64_t> concurrency;
  double ramp_up_s = 0;  ///< "closed" only: its clients start evenly spread over this time
  double think_s = 0;    ///< "closed" only: from a completed request to the client's next
  /// Generated: prompt and output of a request go together ("paired": true, the default) or are
  /// drawn one without the other ("lengths": "independent", as in the Splitwise paper).
  bool paired = true;
  /// Shares of the requests that have priority 0, 1, and so on; without, all have 0.
  std::vector<double> priority_shares;
  /// The scenario's "classes". Where none has a share, the workload has no requests but theirs, and
  /// only says for how long, and the seed.
  std::vector<WorkloadClass> classes;
  std::optional<SystemPrompts> system_prompts;
  std::optional<SessionSettings> sessions;  ///< generated only
  /// Replay, key "turns": "after_reply" where later turns of the trace's sessions wait for the
  /// reply before; else ("recorded") every request comes at its time.
  bool after_reply = false;
  std::uint64_t seed = 1;  ///< key "seed", from 0 to 2^53

  /// Requests that arrive before this time ("closed": within this time after the warm-up), and at
  /// most so many of them; of sessions, the first turns. One of the two is needed where the source
  /// never ends by itself.
  std::optional<double> duration_s;
  std::optional<std::uint64_t> requests;
  /// So many come before `requests` and are not measured. "closed" and "infinite" begin with the
  /// others once all of these are completed; otherwise these are the first to arrive.
  std::uint64_t warmup_requests = 0;

  /// Replay, in this order: the part of the trace from from_s up to before to_s (from_s becomes
  /// time 0), played `repeat` times, one round after the other (a round lasts to_s - from_s
  /// where to_s is given), with times divided by rate_scale.
  std::optional<double> from_s;
  std::optional<double> to_s;
  std::optional<std::uint64_t> repeat;
  /// Key "repeat_content": whether the prompts of a round share with those of the rounds before
  /// what the trace's own share with one another ("same"), or nothing ("fresh", the default).
  Rounds rounds = Rounds::kFresh;
  std::optional<double> rate_scale;
};

/// Whether `trace` is a trace file, or a list of requests, rather than a distribution.
bool is_trace_file(const Workload& workload);

/// Whether requests arrive at a rate, which a cluster can fall behind: not where completed ones set
/// the pace ("closed", or with a concurrency), nor where all arrive at once.
bool offers_rate(const Workload& workload);

/// Reads and checks the object (all of it: calls finish()). Throws InputError for unknown keys and
/// names, numbers out of range, and settings that contradict each other; of files it reads
/// distributions, mixes of clients and rates, and opens no trace.
Workload read_workload(JsonReader& reader);

/// The workload of a scenario all of whose classes have requests of their own.
Workload read_frame(JsonReader& reader);

/// What a scenario's class number `number` says of its requests: keys "share" or "workload",
/// "priority", and of a share "trace", "prompt_tokens" and "output_tokens". A workload of its own
/// lasts as long as `whole` where it does not say, and has a seed of its own.
WorkloadClass read_workload_class(JsonReader& reader, const Workload& whole, std::size_t number);

/// Those who send the requests. Throws InputError if a file cannot be read or no request is left.
/// The same workload gives the same requests every time and everywhere.
Clients open_workload(const Workload& workload);

}  // namespace cleave
