#include <algorithm>
#include <cmath>
#include <limits>

#include "sim/base/random.h"
#include "sim/cluster.h"

namespace cleave {

namespace {

/// Tells the tokens that only one request has from all others.
constexpr std::uint64_t kOwnTokens = 0x6f776e20746f6b65;

}  // namespace

void Cluster::schedule_arrival() {
  const double next_s = clients_->next_s();
  if (arrival_ != kNoEvent && next_s == arrival_s_) return;
  engine_.cancel(arrival_);
  arrival_s_ = next_s;
  if (std::isfinite(next_s)) {
    arrival_ = engine_.at<&Cluster::arrival>(next_s, this, 0, Rank::kArrival);
  }
}

void Cluster::arrival(std::uint64_t) {
  arrival_ = kNoEvent;
  clients_->send(arriving_);
  schedule_arrival();
  admit(arriving_);
}

// On no instance, up or not.
bool Cluster::fits_nowhere(std::size_t llm, std::int64_t tokens) const {
  const auto pool = [&](std::size_t number) {
    return kinds_.begin() + static_cast<std::ptrdiff_t>(number);
  };
  const Served& served = served_[llm];
  return std::none_of(
      pool(served.first_pool), pool(served.end_pool), [&](const InstanceKind& kind) {
        return kind.memory.policy->growth().rounded(static_cast<std::uint32_t>(tokens)) <=
               kind.memory.capacity_tokens;
      });
}

void Cluster::admit(const Request& request) {
  FinishedRequest record;
  record.number = totals_.arrived++;
  record.line = request.line;
  record.prompt_tokens = request.prompt_tokens;
  record.output_tokens = request.output_tokens;
  record.priority = request.priority;
  record.traffic_class = request.traffic_class;
  record.session = request.session;
  record.turn = request.turn;
  record.last_turn = request.last_turn;
  record.arrival_s = request.arrival_s;
  observer_.arrived(request.arrival_s);
  const std::int64_t needed =
      static_cast<std::int64_t>(request.prompt_tokens) + request.output_tokens;
  if (request.prompt_tokens > longest_prompt_) ++totals_.over_prompt_limit;
  const std::size_t llm = scenario_.llm_asked(record.traffic_class);
  const Served& served = served_[llm];
  if (fits_nowhere(llm, needed)) {
    send_away(record, Refusal::kTooLarge,
              static_cast<double>(needed) * scenario_.llms[llm].kv_bytes_per_token +
                  scenario_.llms[llm].kv_state_bytes);
    return;
  }
  if (!gate_.lets_in(record.traffic_class, engine_.now())) {
    send_away(record, Refusal::kOverRate);
    return;
  }
  const RequestId id = requests_.add();
  requests_[id].record = record;
  requests_[id].expected_output = scenario_.scheduler.output_length_known
                                      ? request.output_tokens
                                      : served.fleet->mean_output_tokens();
  requests_[id].rank = rank_of(record);
  if (scaler_) {
    scaler_->traffic(llm).arrived(record.prompt_tokens);
    hindsight_->arrived(llm, record.arrival_s, record.prompt_tokens, record.output_tokens);
  }
  watch_deadline(id);
  if (scenario_.kv_cache.prefix_caching) describe(id, request.content);
  if (served.frontend_s > 0) {
    engine_.at<&Cluster::seen>(engine_.now() + served.frontend_s, this, id);
  } else {
    begin(id);
  }
}

void Cluster::send_away(const FinishedRequest& record, Refusal why, double needed_bytes) {
  FinishedRequest gone = record;
  gone.refusal = why;
  ++totals_.rejected;
  totals_.over_rate += why == Refusal::kOverRate ? 1 : 0;
  totals_.late += why == Refusal::kLate ? 1 : 0;
  observer_.rejected(gone, needed_bytes);
  left(gone.session, false);
}

// Slack is what is left to the deadline when the prompt alone is computed: as a rank, the time at
// which that is 0.
double Cluster::rank_of(const FinishedRequest& record) const {
  switch (scenario_.batching.queue_order) {
    case QueueOrder::kPriority:
      return record.priority;
    case QueueOrder::kSlack: {
      const std::optional<double> limit_s = scenario_.classes[record.traffic_class].ttft_limit_s;
      if (!limit_s) return std::numeric_limits<double>::infinity();
      return record.arrival_s + *limit_s -
             prompt_s(*latencies_[served_[scenario_.llm_asked(record.traffic_class)].first_pool],
                      record.prompt_tokens);
    }
    default:
      return 0;
  }
}

void Cluster::watch_deadline(RequestId request) {
  const FinishedRequest& record = requests_[request].record;
  if (scenario_.classes.empty() || !scenario_.classes[record.traffic_class].sheds_late) return;
  const double limit_s = *scenario_.classes[record.traffic_class].ttft_limit_s;
  if (deadlines_.size() <= request) deadlines_.resize(request + 1, kNoEvent);
  deadlines_[request] = engine_.at<&Cluster::due>(record.arrival_s + limit_s, this, request);
}

void Cluster::forget_deadline(RequestId request) {
  if (request < deadlines_.size()) engine_.cancel(deadlines_[request]);
}

// Who has begun, or began once, stays.
void Cluster::due(std::uint64_t which) {
  const auto request = static_cast<RequestId>(which);
  deadlines_[request] = kNoEvent;
  const RequestState& state = requests_[request];
  if (state.record.restarts > 0) return;
  const auto stranded = std::find(stranded_.begin(), stranded_.end(), request);
  if (stranded != stranded_.end()) {
    stranded_.erase(stranded);
  } else if (state.step() == Step::kPromptWaits && state.untouched() && state.generated == 0) {
    take_back(request);
  } else {
    return;
  }
  const FinishedRequest record = state.record;
  requests_.remove(request);
  send_away(record, Refusal::kLate);
}

// Prompt and output of a request, with the ids of its extents chained: equal ones are equal from
// the first token on.
void Cluster::describe(RequestId request, const Content& content) {
  const FinishedRequest& record = requests_[request].record;
  const std::uint32_t tokens = record.prompt_tokens + record.output_tokens;
  Content& whole = requests_.contents[request];
  whole.assign(content.begin(), content.end());
  cut(whole, tokens);
  std::uint64_t before =
      scenario_.llm_asked(record.traffic_class);  // what one knows is not another's
  for (Extent& extent : whole) {
    extent.id = hash_of(before, extent.id);
    before = hash_of(extent.id, extent.end);
  }
  const bool ends = !whole.empty() && whole.back().end == tokens;
  if (!ends) whole.push_back({tokens, hash_of(before ^ kOwnTokens, record.number)});
}

void Cluster::seen(std::uint64_t request) { begin(static_cast<RequestId>(request)); }

}  // namespace cleave
