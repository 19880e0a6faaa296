#include <algorithm>
#include <deque>
#include <vector>

#include "sim/transfer/admission.h"

namespace cleave {

namespace {

/// Transfers wait first come first served at their token instance and start the moment there is
/// room.
class WaitAdmission : public Admission {
 public:
  explicit WaitAdmission(const AdmissionContext& context)
      : client_(context.client), waiting_(context.instances), queues_(context.instances) {}

  void wait(RequestId request, InstanceId to) override {
    queues_[to].push_back(request);
    ++waiting_[to];
  }

  void room_made(InstanceId to) override {
    while (waiting_[to] > 0 && client_.admit(queues_[to].front(), to)) {
      queues_[to].pop_front();
      --waiting_[to];
    }
  }

  bool has_queue(InstanceId to) const override { return waiting_[to] > 0; }

  void forget(RequestId request, InstanceId to) override {
    waiting_[to] -= static_cast<std::uint32_t>(std::erase(queues_[to], request));
  }

 private:
  AdmissionClient& client_;
  std::vector<std::uint32_t> waiting_;  ///< by instance: mostly 0, and quicker to look at
  std::vector<std::deque<RequestId>> queues_;
};

const Admissions::Entry kEntry{
    "wait", "starts as soon as there is room, first come first served",
    [](const AdmissionContext& context) { return std::make_unique<WaitAdmission>(context); }};

}  // namespace

}  // namespace cleave
