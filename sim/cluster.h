#pragma once

#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "sim/base/random.h"
#include "sim/core/observer.h"
#include "sim/engine/engine.h"
#include "sim/fabric/fabric.h"
#include "sim/fabric/server_fabric.h"
#include "sim/fleet.h"
#include "sim/machine/instance.h"
#include "sim/scaling/hindsight.h"
#include "sim/scaling/instance_capacity.h"
#include "sim/scaling/power_caps.h"
#include "sim/scaling/scaler.h"
#include "sim/scaling/start_up.h"
#include "sim/scenario/scenario.h"
#include "sim/traffic_gate.h"
#include "sim/transfer/kv_tiers.h"
#include "sim/transfer/kv_transfers.h"
#include "traces/clients.h"

namespace cleave {

/// The cluster of a scenario at work: takes requests as they arrive, has each placed, follows it
/// from its prompt through its transfer to its last token, and keeps the scheduler's loads.
class Cluster : public ClusterView,
                public InstanceListener,
                public KvTransferListener,
                public StartUpListener,
                public ExchangeListener,
                public ScalerClient {
 public:
  Cluster(const Scenario& scenario, Observer& observer);
  ~Cluster() override;

  /// From where it is to its end; once.
  RunTotals run();
  /// Up to and including `time_s`; false once nothing is left to happen.
  bool run_until(double time_s);
  double now() const { return engine_.now(); }

  std::span<const InstanceLoad> loads() const override { return loads_; }
  bool has_queue(InstanceId instance) const override { return !instances_[instance].queue_empty(); }
  std::uint32_t cached_tokens(InstanceId instance, const Demand& demand) const override;
  TierTokens tier_tokens(InstanceId instance, const Demand& demand) const override;
  void moved(InstanceId instance, PoolRole pool) override;

 private:
  /// An LLM that the cluster serves. Where its pools differ, what requests are judged by is as in
  /// the first.
  struct Served {
    std::size_t first_pool = 0;
    std::size_t end_pool = 0;
    double frontend_s = 0;  ///< from arrival until an engine sees a request
    std::unique_ptr<Fleet> fleet;
  };

  RunTotals finish();

  // arrivals.cpp: who is let in, and when
  void schedule_arrival();
  void arrival(std::uint64_t);
  bool fits_nowhere(std::size_t llm, std::int64_t tokens) const;
  void admit(const Request& request);
  void send_away(const FinishedRequest& record, Refusal why, double needed_bytes = 0);
  double rank_of(const FinishedRequest& record) const;
  void watch_deadline(RequestId request);
  void forget_deadline(RequestId request);
  void due(std::uint64_t which);  ///< the first token of one that may wait no longer
  void describe(RequestId request, const Content& content);
  void seen(std::uint64_t request);  ///< by the engine, after its front end

  // cluster.cpp: the way of a request
  void begin(RequestId request);
  void complete(RequestId request);
  double slowdown(const std::vector<RequestId>& prompts) const override;
  double network_delay_s(InstanceId instance, double bytes, double seconds) const override;
  void exchange_changed(InstanceId instance) override { instances_[instance].exchange_changed(); }
  bool follows_chunks(RequestId request) const override;
  void chunk_started(RequestId request, bool last, double duration_s) override;
  void chunk_finished(RequestId request, std::uint32_t computed) override;
  void prompt_dropped(RequestId request) override;
  void prompt_finished(RequestId request) override;
  void token_finished(RequestId request) override;
  void instance_idle(InstanceId instance) override;
  void kv_arrived(RequestId request) override;
  void kv_lost(RequestId request) override;
  void kv_waits(InstanceId from, InstanceId to) override;
  void room_made(InstanceId instance) override;
  Demand demand_of(RequestId request) const;
  void unload(RequestId request);
  void load_lightened(InstanceId id);
  void release_held(InstanceId instance, RequestId request);
  void release_sent(RequestId request);
  void release(InstanceId instance, RequestId request, std::uint32_t kv_tokens,
               std::uint32_t shared_tokens);
  void left(std::uint64_t session, bool served);
  Fleet& fleet_of(InstanceId instance) { return *served_[llm_of_[instance]].fleet; }
  Served& served_for(const FinishedRequest& record) {
    return served_[scenario_.llm_asked(record.traffic_class)];
  }

  // cluster_setup.cpp
  void build();
  void build_kind(std::size_t pool);
  void build_fabric();
  void build_fleets();
  InstanceId add_store(const std::string& name, double bytes_per_s);
  void build_scaler();
  std::optional<double> tpot_limit_s(const SloSpec& slo, std::size_t llm) const;
  std::vector<std::optional<double>> tpot_limits_s() const;
  void build_tiers(InstanceId store);

  // faults.cpp
  void schedule_faults();
  void end_with_last_request();
  void fault(std::uint64_t index);
  std::vector<InstanceId> on_machine(std::uint32_t machine) const;
  void fail_later(std::uint64_t index, double from_s);
  void fail(std::uint64_t index);
  void repaired(std::uint64_t index);
  enum OutOfService : std::uint8_t { kStopped = 1, kFailed = 2 };
  void take_out(std::uint32_t machine, OutOfService why);
  void give_back(std::uint32_t machine, OutOfService why, double load_s);
  void stop(const std::vector<InstanceId>& ids);
  void start(InstanceId id, double load_s);
  void empty_caches(InstanceId id);
  void started(InstanceId id) override;
  void set_status(InstanceId id, InstanceStatus status);
  void begin_stranded();
  void lose_transfer(RequestId request);
  bool strand_cut_off();

  // draining.cpp: instances that are given nothing new
  void drain(InstanceId id);
  void off_if_drained(InstanceId id);
  void empty_out(std::uint64_t instance);
  void place_again(RequestId request);
  void place_waiting_again(InstanceId id);
  InstanceId roomiest(InstanceId from, const Demand& demand) const;
  bool finds_room(RequestId request, std::uint32_t generated) override;
  void gone(RequestId request) override;

  // scaling.cpp: machines that a policy turns on and off
  std::uint32_t queued(InstanceId id) const override { return instances_[id].waiting(); }
  std::uint64_t stranded(std::size_t llm) const override;
  void turn_off(InstanceId id) override;
  void turn_on(InstanceId id) override;
  void turn_down(InstanceId id) override;
  void lend(InstanceId id, PoolRole role) override;
  bool stuck() const override;
  bool unblock() override { return strand_cut_off() || recover(); }

  // power.cpp: caps of GPUs that change
  void schedule_caps();
  void cap_changes(std::uint64_t);
  void set_caps();

  // recovery.cpp: requests that begin again, and deadlocks
  void restart(RequestId request);
  void take_back(RequestId request);
  std::vector<RequestId> stuck_prompts(InstanceId id) const;
  void untangle_soon(InstanceId id);
  void untangle(std::uint64_t id);
  bool recover();
  void begin_held_back();

  const Scenario& scenario_;
  Observer& observer_;
  Engine engine_;
  RequestTable requests_;
  std::vector<std::unique_ptr<LatencyModel>> latencies_;
  std::vector<std::unique_ptr<MemoryPolicy>> memories_;
  std::vector<InstanceKind> kinds_;
  std::vector<Endpoint> endpoints_;
  std::vector<Instance> instances_;
  std::vector<InstanceLoad> loads_;
  std::vector<Served> served_;         ///< by LLM
  std::vector<std::uint32_t> llm_of_;  ///< by instance
  std::unique_ptr<Fabric> fabric_;
  ServerFabric* servers_ = nullptr;  ///< the same, where machines stand for several servers
  std::unique_ptr<KvTiers> tiers_;   ///< null: none
  std::unique_ptr<KvTransfers> transfers_;
  InstanceId weights_store_ = kNoInstance;  ///< where weights come from over the network
  std::optional<StartUp> start_up_;
  std::optional<InstanceCapacity> capacity_;
  std::optional<Scaler> scaler_;        ///< none: all machines are on
  std::optional<Hindsight> hindsight_;  ///< where there is a scaler
  EventId cap_change_ = kNoEvent;
  std::vector<CappedPool> capped_;  ///< pools, where caps change
  TrafficGate gate_;
  std::vector<EventId> deadlines_;  ///< by RequestId: when those who may not wait are due
  std::optional<Clients> clients_;  ///< once it runs
  Request arriving_;                ///< kept for its memory
  EventId arrival_ = kNoEvent;
  double arrival_s_ = 0;         ///< when that is
  std::vector<EventId> faults_;  ///< that are still to come, in the scenario's order
  struct Failure {
    Random random;
    bool down = false;
  };
  std::vector<std::uint8_t> out_of_service_;   ///< by machine: why
  double last_progress_s_ = 0;                 ///< when a prompt or a request was last done
  std::map<std::uint64_t, Failure> failures_;  ///< by the fault's number: those at random
  std::uint32_t longest_prompt_ = 0;           ///< that does not run alone everywhere
  bool can_deadlock_ = false;                  ///< as published, or by the memory policy
  std::vector<RequestId> stranded_;            ///< nothing was up to take them
  std::vector<RequestId> held_back_;           ///< taken back by recover(), the oldest last
  RunTotals totals_;
  std::uint64_t completed_at_last_recovery_ = 0;
  std::uint64_t recoveries_without_progress_ = 0;
};

}  // namespace cleave
