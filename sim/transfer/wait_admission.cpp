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
      : client_(context.client), queues_(context.instances) {}

  void wait(RequestId request, InstanceId to) override { queues_[to].push_back(request); }

  void room_made(InstanceId to) override {
    std::deque<RequestId>& queue = queues_[to];
    while (!queue.empty() && client_.admit(queue.front(), to)) queue.pop_front();
  }

  bool has_queue(InstanceId to) const override { return !queues_[to].empty(); }

  void forget(RequestId request, InstanceId to) override { std::erase(queues_[to], request); }

 private:
  AdmissionClient& client_;
  std::vector<std::deque<RequestId>> queues_;
};

const Admissions::Entry kEntry{
    "wait", "starts as soon as there is room, first come first served",
    [](const AdmissionContext& context) { return std::make_unique<WaitAdmission>(context); }};

}  // namespace

}  // namespace cleave
