#include "sim/fleet.h"

#include <cmath>

namespace cleave {

namespace {

/// Output length that the scheduler expects while nothing has completed yet.
constexpr std::uint32_t kFirstGuess = 256;

}  // namespace

Fleet::Fleet(ClusterView& whole, InstanceId first, InstanceId count, const Schedulers::Make& policy)
    : whole_(whole), first_(first), count_(count), scheduler_(policy(*this)) {}

Placement Fleet::place(const Demand& demand) {
  const Placement here = scheduler_->place(demand);
  if (here.prompt == kNoInstance) return here;
  return {here.prompt + first_, here.token + first_};
}

void Fleet::completed(std::uint32_t output_tokens) {
  ++completed_;
  output_tokens_ += output_tokens;
}

std::uint32_t Fleet::mean_output_tokens() const {
  if (completed_ == 0) return kFirstGuess;
  return static_cast<std::uint32_t>(std::llround(output_tokens_ / static_cast<double>(completed_)));
}

}  // namespace cleave
