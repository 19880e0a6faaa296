// KV transfers between instances without a network: each cache takes a second to move.

#include "tests/catch.h"
#include "tests/support/fakes.h"

using namespace cleave;

namespace {

class OneSecond : public Fabric {
 public:
  explicit OneSecond(Clock& clock) : clock_(clock) {}
  TransferId start(InstanceId, InstanceId, double, double, TransferListener& listener,
                   std::uint64_t tag) override {
    return clock_.at<&TransferListener::transfer_done>(clock_.now() + 1, &listener, tag);
  }
  void cancel(TransferId transfer) override { clock_.cancel(transfer); }
  double ideal_s(InstanceId, InstanceId, double) const override { return 1; }
  double exchange_bytes_per_s(const std::vector<LinkLoad>&) const override { return 1; }

 private:
  Clock& clock_;
};

/// Two instances of 1,000 tokens, each with caches for the other.
struct Ring : KvTransferListener {
  Ring() {
    memory = policy<MemoryPolicies>("paged")();
    kind.latency = &latency;
    kind.memory = {memory.get(), 1000, 0, 0, 1};
    kind.batching = [make = policy<BatchingPolicies>("splitwise")] { return make({}); };
    notes.clock = &clock;
    notes.release = [](RequestId) {};
    for (InstanceId id : {0U, 1U}) {
      instances.emplace_back(id, kind, clock, requests, notes, notes);
      endpoints.push_back({id, 1, 1, 1, 0, 1, 1, 1});
    }
    const KvTransferKind transfer{policy<TransferPolicies>("serialized"),
                                  policy<Admissions>("wait")};
    transfers.emplace(transfer, endpoints, clock, requests, instances, fabric, *this, notes);
  }
  Ring(const Ring&) = delete;
  Ring& operator=(const Ring&) = delete;

  /// A cache of 600 tokens, ready to leave `from` for `to`.
  RequestId ready(InstanceId from, InstanceId to) {
    const RequestId id = requests.add();
    RequestState& state = requests[id];
    state.record.number = id;
    state.record.prompt_tokens = 599;
    state.record.output_tokens = 10;
    state.record.prompt_instance = state.source = from;
    state.record.token_instance = to;
    state.generated = 1;
    state.held_tokens = 600;
    state.go(Step::kPromptWaits);
    state.go(Step::kPrompt);
    instances[from].hold(600);
    transfers->prompt_finished(id);
    return id;
  }

  void kv_arrived(RequestId request) override { arrived.push_back(request); }
  void kv_lost(RequestId) override {}
  void kv_waits(InstanceId, InstanceId) override {}

  FakeClock clock;
  RequestTable requests;
  Notes notes;
  FlatLatency latency;
  std::unique_ptr<MemoryPolicy> memory;
  InstanceKind kind;
  std::vector<Instance> instances;
  std::vector<Endpoint> endpoints;
  OneSecond fabric{clock};
  std::optional<KvTransfers> transfers;
  std::vector<RequestId> arrived;
};

}  // namespace

TEST_CASE("transfers: two instances full of caches for each other are entangled, and only then") {
  Ring ring;
  ring.instances[1].hold(600);
  const RequestId there = ring.ready(0, 1);
  CHECK(ring.transfers->entangled(0) == kNoRequest);
  CHECK(ring.transfers->entangled(1) == kNoRequest);
  ring.instances[1].release(600);
  const RequestId back = ring.ready(1, 0);
  CHECK(ring.transfers->entangled(0) == there);
  CHECK(ring.transfers->entangled(1) == back);
  ring.transfers->drop(there);
  ring.instances[0].release(600);
  ring.transfers->room_made(0);
  CHECK(ring.transfers->entangled(1) == kNoRequest);
  ring.clock.run();
  CHECK(ring.arrived == std::vector<RequestId>{back});
}
