#pragma once

#include <memory>
#include <span>

#include "sim/scheduling/scheduler.h"

namespace cleave {

/// The instances that serve one LLM, and the scheduler that places its requests among them. To the
/// scheduler they are a cluster of its own, numbered from 0; to everybody else they are a row of
/// the cluster's.
class Fleet : private ClusterView {
 public:
  /// `count` instances of `whole` from `first` on.
  Fleet(ClusterView& whole, InstanceId first, InstanceId count, const Schedulers::Make& policy);

  InstanceId first() const { return first_; }
  InstanceId end() const { return first_ + count_; }

  Placement place(const Demand& demand);
  void load_changed(InstanceId instance) { scheduler_->load_changed(instance - first_); }
  void home_changed(InstanceId instance) { scheduler_->home_changed(instance - first_); }
  void instance_free(InstanceId instance) { scheduler_->instance_free(instance - first_); }
  double transfer_speedup() const { return scheduler_->transfer_speedup(); }

  void completed(std::uint32_t output_tokens);
  /// Of the requests completed so far; a guess while there are none.
  std::uint32_t mean_output_tokens() const;

 private:
  std::span<const InstanceLoad> loads() const override {
    return whole_.loads().subspan(first_, count_);
  }
  bool has_queue(InstanceId instance) const override { return whole_.has_queue(first_ + instance); }
  std::uint32_t cached_tokens(InstanceId instance, const Demand& demand) const override {
    return whole_.cached_tokens(first_ + instance, demand);
  }
  TierTokens tier_tokens(InstanceId instance, const Demand& demand) const override {
    return whole_.tier_tokens(first_ + instance, demand);
  }
  void moved(InstanceId instance, PoolRole pool) override { whole_.moved(first_ + instance, pool); }

  ClusterView& whole_;
  InstanceId first_;
  InstanceId count_;
  std::unique_ptr<Scheduler> scheduler_;
  std::uint64_t completed_ = 0;
  double output_tokens_ = 0;
};

}  // namespace cleave
