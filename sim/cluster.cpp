#include "sim/cluster.h"

#include <algorithm>
#include <limits>
#include <utility>

namespace cleave {

Cluster::Cluster(const Scenario& scenario, Observer& observer)
    : scenario_(scenario),
      observer_(observer),
      kinds_(scenario.pools.size()),
      gate_(scenario.classes) {
  build();
}

Cluster::~Cluster() = default;

RunTotals Cluster::run() {
  run_until(std::numeric_limits<double>::infinity());
  return finish();
}

bool Cluster::run_until(double time_s) {
  if (!clients_) {
    clients_.emplace(open_workload(scenario_.workload));
    if (scaler_) scaler_->begin();
    schedule_caps();
    schedule_arrival();
    schedule_faults();
  }
  while (!engine_.run_until(time_s)) {
    if (!strand_cut_off() && !recover()) return false;
  }
  return true;
}

RunTotals Cluster::finish() {
  for (RequestId request = 0; request < requests_.states.size(); ++request) {
    if (requests_[request].step() == Step::kGone) continue;
    ++totals_.unfinished;
    observer_.unfinished(requests_[request].record);
  }
  for (const LinkUse& link : fabric_->link_use()) observer_.link_used(link);
  totals_.stranded = stranded_.size();
  totals_.events = engine_.events();
  totals_.end_s = engine_.now();
  if (hindsight_) totals_.hindsight_machine_hours = hindsight_->machine_hours(totals_.end_s);
  if (totals_.arrived != totals_.completed + totals_.rejected + totals_.unfinished) {
    broken_invariant("requests were lost: " + std::to_string(totals_.arrived) + " arrived, " +
                     std::to_string(totals_.completed) + " completed, " +
                     std::to_string(totals_.rejected) + " rejected, " +
                     std::to_string(totals_.unfinished) + " unfinished");
  }
  return totals_;
}

Demand Cluster::demand_of(RequestId request) const {
  const RequestState& state = requests_[request];
  const FinishedRequest& record = state.record;
  const Served& served = served_[scenario_.llm_asked(record.traffic_class)];
  const KvBlocks& blocks = memories_[served.first_pool]->growth().blocks;
  const std::uint32_t most_kept =
      blocks.window_tokens > 0 ? blocks.rounded(record.prompt_tokens + record.output_tokens) : 0;
  return {record.prompt_tokens,         state.expected_output, record.output_tokens, most_kept,
          &requests_.contents[request], blocks.state_tokens};
}

void Cluster::begin(RequestId request) {
  RequestState& state = requests_[request];
  FinishedRequest& record = state.record;
  const Demand demand = demand_of(request);
  const Placement placement = served_for(record).fleet->place(demand);
  if (placement.prompt == kNoInstance) {
    record.prompt_instance = record.token_instance = kNoInstance;
    stranded_.push_back(request);
    return;
  }
  record.prompt_instance = placement.prompt;
  record.token_instance = placement.token;
  InstanceLoad& prompt = loads_[placement.prompt];
  InstanceLoad& token = loads_[placement.token];
  state.source = placement.prompt;
  state.assigned_tokens = record.prompt_tokens - cached_tokens(placement.prompt, demand) -
                          tier_tokens(placement.prompt, demand).all();
  prompt.pending_tokens += state.assigned_tokens;
  token.pending_tokens += 1;
  prompt.reserved_tokens += demand.prompt_kv_tokens();
  token.reserved_tokens += record.moved() ? demand.kv_tokens() : demand.token_kv_tokens();
  ++prompt.requests;
  Fleet& fleet = fleet_of(placement.prompt);
  fleet.load_changed(placement.prompt);
  if (record.moved()) fleet.load_changed(placement.token);
  instances_[placement.prompt].arrive(request);
}

// Takes away the load that begin() put on the request's instances and that is still there.
void Cluster::unload(RequestId request) {
  const RequestState& state = requests_[request];
  const FinishedRequest& record = state.record;
  const Demand demand = demand_of(request);
  InstanceLoad& prompt = loads_[state.source];
  InstanceLoad& token = loads_[record.token_instance];
  if (state.in(steps::kInPromptPhase)) {
    prompt.pending_tokens -= state.assigned_tokens;
    --prompt.requests;
  } else if (state.in(steps::kInTokenPhase)) {
    --token.requests;
  }
  token.pending_tokens -= 1;
  token.reserved_tokens -= demand.kv_tokens();
  if (state.source != record.token_instance && !state.in(steps::kInTokenPhase)) {
    prompt.reserved_tokens -= demand.prompt_kv_tokens();
    load_lightened(state.source);
  }
  load_lightened(record.token_instance);
}

double Cluster::slowdown(const std::vector<RequestId>& prompts) const {
  if (scenario_.kv_transfer.prompt_slowdown == 0) return 1;
  const bool sends = std::any_of(prompts.begin(), prompts.end(), [&](RequestId request) {
    return requests_[request].record.moved() && transfers_->leaving(request) == Leaving::kLayers;
  });
  return sends ? 1 + scenario_.kv_transfer.prompt_slowdown : 1;
}

double Cluster::network_delay_s(InstanceId instance, double bytes, double seconds) const {
  return std::max(0.0, bytes / servers_->exchange_bytes_per_s(instance) - seconds);
}

bool Cluster::follows_chunks(RequestId request) const {
  const FinishedRequest& record = requests_[request].record;
  return record.moved() && record.output_tokens > 1 &&
         transfers_->leaving(request) != Leaving::kWhole;
}

void Cluster::chunk_started(RequestId request, bool last, double duration_s) {
  const FinishedRequest& record = requests_[request].record;
  if (!record.moved() || record.output_tokens == 1) return;
  if (loads_[record.token_instance].works()) transfers_->chunk_started(request, last, duration_s);
}

void Cluster::chunk_finished(RequestId request, std::uint32_t computed) {
  transfers_->chunk_finished(request, computed);
}

void Cluster::prompt_dropped(RequestId request) { lose_transfer(request); }

void Cluster::prompt_finished(RequestId request) {
  RequestState& state = requests_[request];
  const FinishedRequest& record = state.record;
  if (record.restarts == 0) last_progress_s_ = engine_.now();
  if (scaler_) {
    scaler_->traffic(llm_of_[record.prompt_instance]).first_token(engine_.now() - record.arrival_s);
  }
  if (record.output_tokens == 1) {
    complete(request);
    return;
  }
  if (!loads_[record.token_instance].works()) {
    restart(request);
    return;
  }
  InstanceLoad& load = loads_[record.prompt_instance];
  load.pending_tokens -= state.assigned_tokens;
  if (record.moved()) --load.requests;
  load_lightened(record.prompt_instance);
  if (record.moved()) transfers_->prompt_finished(request);
}

void Cluster::kv_arrived(RequestId request) {
  RequestState& state = requests_[request];
  const InstanceId from = state.source;
  const InstanceId to = state.record.token_instance;
  const std::uint32_t held = std::exchange(state.held_tokens, std::exchange(state.sent_tokens, 0));
  const std::uint32_t shared =
      std::exchange(state.shared_tokens, std::exchange(state.sent_shared_tokens, 0));
  instances_[to].received(request);
  loads_[from].reserved_tokens -= demand_of(request).prompt_kv_tokens();
  ++loads_[to].requests;
  load_lightened(from);
  fleet_of(to).load_changed(to);
  release(from, request, held, shared);
  instances_[to].arrive(request);
  instances_[from].nudge();
}

void Cluster::kv_lost(RequestId request) {
  RequestState& state = requests_[request];
  if (state.in(steps::kBetween)) {
    restart(request);
    return;
  }
  // Its layers were lost while the prompt is still computed: the whole cache leaves after it.
  release_sent(request);
}

void Cluster::token_finished(RequestId request) { complete(request); }

void Cluster::complete(RequestId request) {
  RequestState& state = requests_[request];
  unload(request);
  FinishedRequest& record = state.record;
  record.completion_s = engine_.now();
  if (record.output_tokens == 1) {
    record.token_start_s = record.first_token_s;
    record.token_instance = record.prompt_instance;
  }
  if (scaler_) {
    const double gaps = record.output_tokens - 1.0;
    scaler_->traffic(llm_of_[record.token_instance])
        .completed(record.output_tokens, (record.completion_s - record.first_token_s) / gaps);
  }
  last_progress_s_ = engine_.now();
  ++totals_.completed;
  fleet_of(record.token_instance).completed(record.output_tokens);
  const FinishedRequest finished = record;
  const std::uint32_t held = state.held_tokens;
  const std::uint32_t shared = state.shared_tokens;
  forget_deadline(request);
  requests_.remove(request);
  observer_.finished(finished);
  release(finished.token_instance, request, held, shared);
  begin_held_back();
  left(finished.session, true);
}

// A request has left: its client may send the next, or the next turn.
void Cluster::left(std::uint64_t session, bool served) {
  clients_->completed(engine_.now(), session, served);
  schedule_arrival();
  end_with_last_request();
}

void Cluster::load_lightened(InstanceId id) {
  fleet_of(id).load_changed(id);
  off_if_drained(id);
}

void Cluster::release_held(InstanceId instance, RequestId request) {
  RequestState& state = requests_[request];
  const std::uint32_t held = std::exchange(state.held_tokens, 0);
  release(instance, request, held, std::exchange(state.shared_tokens, 0));
}

void Cluster::release_sent(RequestId request) {
  RequestState& state = requests_[request];
  const std::uint32_t sent = std::exchange(state.sent_tokens, 0);
  const std::uint32_t shared = std::exchange(state.sent_shared_tokens, 0);
  if (sent + shared > 0) release(state.record.token_instance, request, sent, shared);
}

void Cluster::release(InstanceId instance, RequestId request, std::uint32_t kv_tokens,
                      std::uint32_t shared_tokens) {
  instances_[instance].leave_cache(request, shared_tokens);
  instances_[instance].release(kv_tokens);
  transfers_->room_made(instance);
}

void Cluster::room_made(InstanceId instance) {
  if (loads_[instance].status != InstanceStatus::kOff) transfers_->room_made(instance);
}

void Cluster::instance_idle(InstanceId instance) {
  if (instances_[instance].empty()) fleet_of(instance).instance_free(instance);
  off_if_drained(instance);
  untangle_soon(instance);
}

void Cluster::kv_waits(InstanceId from, InstanceId to) {
  untangle_soon(from);
  untangle_soon(to);
}

std::uint32_t Cluster::cached_tokens(InstanceId instance, const Demand& demand) const {
  return demand.content == nullptr
             ? 0
             : instances_[instance].cached_tokens(*demand.content, demand.prompt_tokens);
}

TierTokens Cluster::tier_tokens(InstanceId instance, const Demand& demand) const {
  if (!tiers_ || demand.content == nullptr) return {};
  const std::uint32_t block = endpoints_[instance].kv_block_tokens;
  return tiers_->found(instance, *demand.content, cached_tokens(instance, demand) / block,
                       (demand.prompt_tokens - 1) / block);
}

void Cluster::moved(InstanceId instance, PoolRole pool) {
  observer_.pool_changed(instance, engine_.now(), pool);
}

}  // namespace cleave
