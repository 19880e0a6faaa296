#include "sim/scaling/start_up.h"

#include <utility>

namespace cleave {

StartUp::StartUp(std::vector<StartUpKind> kinds, InstanceId store, Clock& clock, Fabric& fabric,
                 StartUpListener& listener)
    : kinds_(std::move(kinds)),
      store_(store),
      clock_(clock),
      fabric_(fabric),
      listener_(listener),
      coming_(kinds_.size()) {}

void StartUp::begin(InstanceId instance) {
  const StartUpKind& kind = kinds_[instance];
  if (kind.disk_bytes_per_s > 0) {
    begin(instance, kind.alone_s(0));
    return;
  }
  coming_[instance].transfer =
      fabric_.start(store_, instance, kind.weight_bytes, 0, *this, instance);
}

void StartUp::begin(InstanceId instance, double seconds) {
  coming_[instance].event = clock_.at<&StartUp::ready>(clock_.now() + seconds, this, instance);
}

void StartUp::cancel(InstanceId instance) {
  Coming& coming = coming_[instance];
  clock_.cancel(coming.event);
  if (coming.transfer != kNoTransfer) fabric_.cancel(std::exchange(coming.transfer, kNoTransfer));
}

void StartUp::cancel_all() {
  for (InstanceId instance = 0; instance < coming_.size(); ++instance) cancel(instance);
}

void StartUp::transfer_done(std::uint64_t instance) {
  coming_[instance].transfer = kNoTransfer;
  begin(static_cast<InstanceId>(instance), kinds_[instance].warm_up_s);
}

// A link was cut: from the beginning, as soon as it is back.
void StartUp::transfer_failed(std::uint64_t instance) {
  coming_[instance].transfer = kNoTransfer;
  begin(static_cast<InstanceId>(instance));
}

void StartUp::ready(std::uint64_t instance) {
  coming_[instance].event = kNoEvent;
  listener_.started(static_cast<InstanceId>(instance));
}

}  // namespace cleave
