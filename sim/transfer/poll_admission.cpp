#include <algorithm>
#include <vector>

#include "sim/transfer/admission.h"

namespace cleave {

namespace {

const Setting kInterval{"poll_interval_s", 1, "s", "between two questions for room",
                        in({0.01, 1e6, false})};

/// A transfer that found no room asks again every `poll_interval_s`, as in the published simulator.
/// Where nothing but such questions is left to happen they are put off until the cluster makes
/// room.
class PollAdmission : public Admission {
 public:
  PollAdmission(const AdmissionContext& context, double interval_s)
      : clock_(context.clock), client_(context.client), interval_s_(interval_s) {}

  void wait(RequestId request, InstanceId to) override {
    if (free_.empty()) {
      free_.push_back(polls_.size());
      polls_.emplace_back();
    }
    const std::size_t place = free_.back();
    free_.pop_back();
    polls_[place] = {request, to, kNoEvent};
    schedule(place);
  }

  void room_made(InstanceId) override {
    for (std::size_t place = 0; parked_ > 0 && place < polls_.size(); ++place) {
      if (polls_[place].request != kNoRequest && polls_[place].event == kNoEvent) {
        --parked_;
        schedule(place);
      }
    }
  }

  bool has_queue(InstanceId) const override { return false; }

  void forget(RequestId request, InstanceId) override {
    for (std::size_t place = 0; place < polls_.size(); ++place) {
      Poll& poll = polls_[place];
      if (poll.request != request) continue;
      --(poll.event == kNoEvent ? parked_ : scheduled_);
      clock_.cancel(poll.event);
      release(place);
    }
  }

 private:
  struct Poll {
    RequestId request = kNoRequest;
    InstanceId to = kNoInstance;
    EventId event = kNoEvent;
  };

  void release(std::size_t place) {
    polls_[place] = {};
    free_.push_back(place);
  }

  void schedule(std::size_t place) {
    ++scheduled_;
    polls_[place].event = clock_.at<&PollAdmission::ask>(clock_.now() + interval_s_, this, place);
  }

  void ask(std::uint64_t place) {
    --scheduled_;
    polls_[place].event = kNoEvent;
    const Poll poll = polls_[place];
    if (client_.admit(poll.request, poll.to)) {
      release(place);
    } else if (clock_.at_rest_but_for(scheduled_)) {
      ++parked_;
    } else {
      schedule(place);
    }
  }

  Clock& clock_;
  AdmissionClient& client_;
  double interval_s_;
  std::vector<Poll> polls_;
  std::vector<std::size_t> free_;
  std::size_t scheduled_ = 0;
  std::size_t parked_ = 0;
};

const Admissions::Entry kEntry{
    "poll", "asks again every poll_interval_s, as published", {kInterval}, [](JsonReader& section) {
      const double interval_s = kInterval.number(section);
      return [=](const AdmissionContext& context) {
        return std::make_unique<PollAdmission>(context, interval_s);
      };
    }};

}  // namespace

}  // namespace cleave
