#pragma once

#include <memory>
#include <vector>

#include "sim/engine/clock.h"
#include "sim/fabric/fabric.h"
#include "sim/machine/instance.h"
#include "sim/transfer/admission.h"
#include "sim/transfer/transfer_policy.h"

namespace cleave {

/// Is told when a request's KV cache has wholly arrived on its token instance.
class KvTransferListener {
 public:
  virtual ~KvTransferListener() = default;
  virtual void kv_arrived(RequestId request) = 0;
  virtual void kv_lost(RequestId request) = 0;
  /// A cache on `from` waits for room on `to`.
  virtual void kv_waits(InstanceId from, InstanceId to) = 0;
};

/// How caches move.
struct KvTransferKind {
  TransferPolicies::Make policy;
  Admissions::Make admission;
};

/// Moves KV caches from prompt to token instances, and away from those that drain: waits for room
/// there, reserves it, and sends
/// what is computed, whole or part by part as the policy says. The parts of one cache leave one
/// after the other, each a flow of its own that is posted first and then in the fabric. What a
/// prompt instance holds is free when all of it has arrived.
class KvTransfers : public AdmissionClient, public TransferListener {
 public:
  KvTransfers(const KvTransferKind& kind, const std::vector<Endpoint>& endpoints, Clock& clock,
              RequestTable& requests, std::vector<Instance>& instances, Fabric& fabric,
              KvTransferListener& listener, Observer& observer);

  /// When the cache of `request` leaves: as the policy says, but whole where it was preempted.
  Leaving leaving(RequestId request) const;
  /// An iteration of `duration_s` began that computes a chunk of the prompt of `request`, its last
  /// one or not: asks for room, unless it has before, and layers of a last chunk may leave.
  void chunk_started(RequestId request, bool last, double duration_s);
  /// So many tokens of the prompt of `request` are computed, not all: whole blocks of them may
  /// leave.
  void chunk_finished(RequestId request, std::uint32_t computed);
  /// The prompt phase is done: what has not left yet may leave.
  void prompt_finished(RequestId request);
  /// Room on `to` for the cache of a sequence that has so many tokens and decodes elsewhere; false
  /// where it is not there at once, or others wait for it.
  bool reserve(RequestId request, InstanceId to, std::uint32_t generated);
  /// The sequence stands still; its cache leaves for the room that was reserved for it.
  void move(RequestId request);
  /// Whether it is a sequence that does so.
  bool moves(RequestId request) const {
    return request < departures_.size() && departures_[request].decodes;
  }
  /// Memory was freed on `instance`.
  void room_made(InstanceId instance) { admission_->room_made(instance); }
  /// Where caches wait for room on `instance` and others on it wait for room elsewhere: the
  /// youngest of the latter; else kNoRequest.
  RequestId entangled(InstanceId instance) const;
  /// Whether caches come, or will, to `instance`: they have room there or wait for it.
  bool comes_to(InstanceId instance) const { return lines_[instance].coming > 0; }
  /// Gives up the transfer of `request`, wherever it stands.
  void drop(RequestId request);

  bool admit(RequestId request, InstanceId to) override;
  void transfer_done(std::uint64_t tag) override;
  void transfer_failed(std::uint64_t tag) override;

 private:
  /// Caches that wait for room: into an instance, and out of it, prompt phase done.
  struct Line {
    std::uint32_t in = 0;
    std::uint32_t coming = 0;  ///< those, and all that have room and have not arrived
    std::vector<RequestId> out;
  };
  /// What leaves at once.
  struct Part {
    std::uint32_t tokens = 0;
    double ready_s = 0;
    double until_s = 0;  ///< end of the iteration in which it leaves layer by layer; 0: none
    bool last = false;   ///< of the prompt
  };
  /// A cache on its way out.
  struct Departure {
    std::vector<Part> parts;
    std::size_t sent = 0;      ///< of the parts, those that have begun to leave
    std::uint32_t tokens = 0;  ///< of the cache, up to the end of the last part
    std::uint32_t there = 0;   ///< of these, the first: they are on the token instance already
    bool coming = false;       ///< counted in the line of its token instance
    bool decodes = false;      ///< a sequence that leaves between two tokens
    double start_s = 0;        ///< of the first flow
    double ideal_s = 0;        ///< from the start of the first flow to the end of the last, alone
  };

  void ask_for_room(RequestId request);
  void join_line_out(RequestId request);
  void leave_line(RequestId request);
  Departure& departure(RequestId request);
  void add_part(RequestId request, std::uint32_t up_to, double until_s);
  static void leave_out(Departure& departure, std::uint32_t there);
  void send_next(RequestId request);
  void posted(std::uint64_t tag);
  double posting_s(InstanceId from, std::uint32_t tokens) const;
  void conclude(RequestId request);
  void forget(RequestId request);
  void arrived(std::uint64_t tag);
  double bytes_of(RequestId request, std::uint32_t tokens, bool last) const;

  Clock& clock_;
  RequestTable& requests_;
  std::vector<Instance>& instances_;
  Fabric& fabric_;
  KvTransferListener& listener_;
  Observer& observer_;
  const std::vector<Endpoint>& endpoints_;
  std::vector<Line> lines_;            ///< by InstanceId
  std::vector<Departure> departures_;  ///< by RequestId
  std::unique_ptr<TransferPolicy> policy_;
  std::unique_ptr<Admission> admission_;
};

}  // namespace cleave
