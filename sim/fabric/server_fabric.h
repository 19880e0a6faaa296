#pragma once

#include <algorithm>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "sim/fabric/fabric.h"

namespace cleave {

/// Is told when what an instance can exchange between its servers may have changed, at once and in
/// place.
class ExchangeListener {
 public:
  virtual ~ExchangeListener() = default;
  virtual void exchange_changed(InstanceId instance) = 0;
};

/// A network with machines that stand for several servers: each is a place of its own, named
/// "machine-3-server-1", with its part of the NICs. What moves to or from an instance on several is
/// spread evenly over them: as many transfers as the side on more of them has, and all end before
/// the whole has.
///
/// GPUs of an instance on several servers exchange over the links between these, as fast as
/// transfers leave them (Fabric::exchange_bytes_per_s); transfers do not slow down for exchanges,
/// which take their part of the links in bursts.
class ServerFabric : public Fabric, TransferListener {
 public:
  using Make = std::function<std::unique_ptr<Fabric>(const FabricContext&)>;

  ServerFabric(const FabricContext& context, const Make& make, ExchangeListener& listener);

  TransferId start(InstanceId from, InstanceId to, double bytes, double rate_limit_bytes_per_s,
                   TransferListener& listener, std::uint64_t tag) override;
  void cancel(TransferId transfer) override;
  bool is_cut(InstanceId from, InstanceId to) const override;
  double ideal_s(InstanceId from, InstanceId to, double bytes) const override;
  bool scale_link(const std::string& link, double share) override;
  double exchange_bytes_per_s(const std::vector<LinkLoad>& loads) const override {
    return places_->exchange_bytes_per_s(loads);
  }
  std::vector<LinkUse> link_use() const override { return places_->link_use(); }

  /// Of an instance on several servers, that each of them could send to the others now.
  double exchange_bytes_per_s(InstanceId instance) const;
  /// Whether all of them could still exchange if the link of this name were cut.
  bool works_without(const std::string& link);

 private:
  struct Transfer {
    std::vector<TransferId> parts;  ///< kNoTransfer: has ended
    InstanceId from = 0;
    InstanceId to = 0;
    TransferListener* listener = nullptr;
    std::uint64_t tag = 0;
  };

  void add_places(const std::vector<Endpoint>& endpoints);
  void add_exchanges(const std::vector<Endpoint>& endpoints);
  std::size_t parts(InstanceId from, InstanceId to) const {
    return std::max(places_of_[from].size(), places_of_[to].size());
  }
  InstanceId place(InstanceId instance, std::size_t part) const {
    return places_of_[instance][part % places_of_[instance].size()];
  }
  void changed(InstanceId from, InstanceId to);
  void release(TransferId id);
  void transfer_done(std::uint64_t tag) override;
  void transfer_failed(std::uint64_t tag) override;

  ExchangeListener& listener_;
  std::vector<Endpoint> ends_;                      ///< a server of an instance each, and stores
  std::vector<std::vector<InstanceId>> places_of_;  ///< of an instance: its servers, in ends_
  std::unique_ptr<Fabric> places_;
  std::vector<std::vector<LinkLoad>> loads_;  ///< of an instance's exchanges
  std::vector<Transfer> transfers_;
  std::vector<TransferId> free_;
};

}  // namespace cleave
