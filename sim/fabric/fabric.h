#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "sim/base/registry.h"
#include "sim/core/records.h"
#include "sim/engine/engine.h"

namespace cleave {

/// Servers of a machine, numbered from 0.
struct ServerSpan {
  std::uint32_t first = 0;
  std::uint32_t last = 0;

  std::uint32_t count() const { return last - first + 1; }
};

/// Where an instance, or a store, hangs in the network.
struct Endpoint {
  std::uint32_t machine = 0;        ///< instances of one machine share its NICs
  double nic_count = 0;             ///< of the machine
  double nic_bytes_per_s = 0;       ///< each NIC, per direction, bytes per second
  double gpu_link_bytes_per_s = 0;  ///< between instances inside the machine, bytes per second
  double kv_sync_s = 0;             ///< fixed cost of a transfer layer by layer out of here
  std::uint32_t kv_block_tokens = 1;
  double kv_bytes_per_token = 0;
  std::uint32_t kv_parts = 0;  ///< places in memory that a block is in
  double kv_state_bytes = 0;   ///< of a sequence, beside its tokens
  /// The name of a store: a machine of its own, whose NIC no setting of the fabric changes; "" for
  /// all others.
  std::string store = {};
  std::string name = {};  ///< of its place in the network; "": "machine-" and its number
  // Of a machine that stands for several servers, each with its part of the NICs:
  std::uint32_t servers = 1;  ///< of the machine
  ServerSpan on = {};         ///< of these, where the instance is
  std::vector<ServerSpan> exchanges =
      {};                   ///< of several servers each, among which its GPUs exchange
  bool all_to_all = false;  ///< each with every other; or around, each with the next
  bool is_store() const { return !store.empty(); }
};

/// What goes from one place to another of all that each place sends in an exchange.
struct Hop {
  InstanceId from = 0;
  InstanceId to = 0;
  double share = 1;
};
/// Of what each place sends in an exchange, so much crosses a link.
struct LinkLoad {
  std::uint32_t link = 0;
  double load = 0;
};

/// Names a transfer while it is under way.
using TransferId = std::uint32_t;
inline constexpr TransferId kNoTransfer = 0xffffffffU;

/// Is told when bytes have arrived, or that they never will.
class TransferListener {
 public:
  virtual ~TransferListener() = default;
  virtual void transfer_done(std::uint64_t tag) = 0;
  virtual void transfer_failed(std::uint64_t tag) = 0;
};

/// The network between instances. Made once a run. An implementation must move every byte it took
/// or say that it failed, share links by its own rule alone, whoever the bytes belong to, and tell
/// the listener of the end of a transfer at the time it ends, from an event: never from start(),
/// cancel() or scale_link().
class Fabric {
 public:
  virtual ~Fabric() = default;

  /// Starts to move `bytes` (more than 0) now, at most `rate_limit_bytes_per_s` fast (0: no limit).
  /// The listener hears of it once, with `tag`, and never before this returns.
  virtual TransferId start(InstanceId from, InstanceId to, double bytes,
                           double rate_limit_bytes_per_s, TransferListener& listener,
                           std::uint64_t tag) = 0;

  /// Stops a transfer that is under way; the listener does not hear of it again.
  virtual void cancel(TransferId transfer) = 0;

  /// Whether what starts now would wait for a link that is cut.
  virtual bool is_cut(InstanceId /*from*/, InstanceId /*to*/) const { return false; }

  /// Seconds the same transfer takes when it is alone; no transfer takes less.
  virtual double ideal_s(InstanceId from, InstanceId to, double bytes) const = 0;

  /// Leaves a link this share of its bandwidth from now on; 0 cuts it: what crosses it fails, and
  /// what would start to cross it waits until it is back.
  /// False where no link has this name.
  virtual bool scale_link(const std::string& /*link*/, double /*share*/) { return false; }

  /// The links that an exchange of these hops crosses; none where there are no shared links.
  virtual std::vector<LinkLoad> loads(const std::vector<Hop>& /*hops*/) const { return {}; }
  /// Bytes per second that each place could send now in an exchange over these links: of each, what
  /// the transfers under way leave, or as much as each of them gets where that is more. 0: one is
  /// cut. The scheduler's speed-up of transfers is none of exchanges.
  virtual double exchange_bytes_per_s(const std::vector<LinkLoad>& loads) const = 0;

  /// How the links were used from the start until now; none where there are no shared links.
  virtual std::vector<LinkUse> link_use() const { return {}; }
};

struct FabricContext {
  Engine& engine;
  const std::vector<Endpoint>& endpoints;  ///< by InstanceId, and stores behind them
  double speedup = 1;                      ///< how much faster than the links every transfer is
  /// Whether transfers that do not contend for links go without the solver of those that do. The
  /// results are the same; tests compare them.
  bool book = true;
};

/// Scenario: `fabric.topology`. Making one throws InputError where its settings leave no place for
/// the machines.
using Fabrics = Registry<Fabric, const FabricContext&>;

}  // namespace cleave
