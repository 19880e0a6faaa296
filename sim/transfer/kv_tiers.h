#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <vector>

#include "sim/core/observer.h"
#include "sim/engine/clock.h"
#include "sim/fabric/fabric.h"
#include "sim/machine/instance.h"
#include "sim/machine/lower_tiers.h"

namespace cleave {

/// An instance and the tiers behind it, the fastest first.
struct TieredInstance {
  std::uint32_t machine = 0;
  std::vector<TierRoom> tiers;
};

/// Host memory of each instance, its share of its machine's disks, and a store for all of them: in
/// each the blocks that were used last, and lanes by which these come and go. A lane moves one
/// thing after the other: to and from the host memory of an instance, and its machine's disks, at
/// their speed, and to and from the store, one for each instance, as flows of the fabric.
class KvTiers : public LowerTiers, public TransferListener {
 public:
  /// The store, where there is one, stands at `store` in the fabric.
  KvTiers(const std::vector<TieredInstance>& all, std::uint32_t block_tokens, InstanceId store,
          Clock& clock, const RequestTable& requests, std::vector<Instance>& instances,
          Fabric& fabric, Observer& observer);

  std::uint32_t find(InstanceId instance, const Content& content, std::uint32_t from,
                     std::uint32_t to) const override;
  TierTokens found(InstanceId instance, const Content& content, std::uint32_t from,
                   std::uint32_t to) const override;
  void load(InstanceId instance, RequestId request, const Content& content, std::uint32_t from,
            std::uint32_t to) override;
  void drop(RequestId request) override;
  void used(InstanceId instance, const Content& content, std::uint32_t blocks) override;
  void came(InstanceId instance, const Content& content, std::uint32_t blocks) override;
  void went(InstanceId instance, const BlockRun& run) override;

  /// The instance stopped: its host memory is lost, and what was to be written from it.
  void stopped(InstanceId instance);
  /// Gives up what flows, where nothing else is left to happen; false where nothing does.
  bool give_up_flows();
  /// Nothing is moved any more.
  void end();

  void transfer_done(std::uint64_t tag) override;
  void transfer_failed(std::uint64_t tag) override;

 private:
  /// Blocks in one place, and how many have room there.
  struct Place {
    Place(std::uint32_t block_tokens, std::uint64_t most) : blocks(block_tokens), capacity(most) {}
    PrefixCache blocks;
    std::uint64_t capacity;
  };
  /// A tier of an instance.
  struct Level {
    TierRoom room;
    std::uint32_t place = 0;
    std::uint32_t reads = 0;  ///< lane
    std::uint32_t writes = 0;
  };
  /// Blocks [from, to) of a content, to or from a level of an instance.
  struct Job {
    InstanceId instance = kNoInstance;
    std::uint32_t level = 0;
    std::uint32_t life = 0;          ///< of the instance
    RequestId request = kNoRequest;  ///< that waits for it; kNoRequest: it is written
    std::uint64_t load = 0;
    Content content;
    std::uint32_t from = 0;
    std::uint32_t to = 0;
    double asked_s = 0;
  };
  struct Lane {
    double bytes_per_s = 0;  ///< 0: by the fabric
    InstanceId from = kNoInstance;
    InstanceId to = kNoInstance;
    std::deque<std::uint32_t> jobs;  ///< the first is under way
    EventId event = kNoEvent;
    TransferId transfer = kNoTransfer;
  };
  /// What a request waits for.
  struct Load {
    std::uint64_t number = 0;  ///< 0: nothing
    std::uint32_t from = 0;
    std::uint32_t to = 0;  ///< as far as nothing failed
    std::uint32_t jobs = 0;
  };

  template <class Visit>
  void walk(InstanceId instance, const Content& content, std::uint32_t from, std::uint32_t to,
            Visit visit) const;
  std::uint32_t new_lane(double bytes_per_s, InstanceId from, InstanceId to);
  Place& place(const Level& level) { return places_[level.place]; }
  const Place& place(const Level& level) const { return places_[level.place]; }
  void write(InstanceId instance, std::uint32_t level, const Content& content, std::uint32_t from,
             std::uint32_t to);
  void put(InstanceId instance, std::uint32_t level, const Content& content, std::uint32_t from,
           std::uint32_t to);
  Job& enqueue(std::uint32_t lane, InstanceId instance, std::uint32_t level, const Content& content,
               std::uint32_t from, std::uint32_t to);
  bool wanted(const Job& job) const;
  bool is_needed(Job& job);
  double bytes_of(const Job& job) const;
  void begin_lane(std::uint32_t index);
  void latency_over(std::uint64_t index);
  void moved(std::uint64_t index);
  void end_first(std::uint32_t index, bool whole);
  void finish(const Job& job, bool whole);

  std::uint32_t block_tokens_;
  Clock& clock_;
  const RequestTable& requests_;
  std::vector<Instance>& instances_;
  Fabric& fabric_;
  Observer& observer_;
  std::vector<std::vector<Level>> levels_;  ///< by InstanceId, the fastest first
  std::vector<std::uint32_t> lives_;        ///< by InstanceId: times it stopped
  std::deque<Place> places_;
  std::vector<Lane> lanes_;
  std::deque<Job> jobs_;
  std::vector<std::uint32_t> free_jobs_;
  std::vector<Load> loads_;  ///< by RequestId
  std::uint64_t load_count_ = 0;
  Content run_;  ///< kept for its memory
};

}  // namespace cleave
