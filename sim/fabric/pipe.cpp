#include "sim/fabric/fabric.h"

namespace cleave {

namespace {

const Setting kSpeed{"pipe_gib_per_s", 200, "GiB/s", "of every transfer", in(kPositive)};

/// A private pipe for every transfer, never shared and without latency: ideal, and what the
/// published simulator assumes.
class Pipe : public Fabric {
 public:
  Pipe(const FabricContext& context, double gib_per_s)
      : engine_(context.engine),
        bytes_per_s_(gib_per_s * 1024 * 1024 * 1024),
        speedup_(context.speedup) {}

  TransferId start(InstanceId from, InstanceId to, double bytes, double rate_limit_bytes_per_s,
                   TransferListener& listener, std::uint64_t tag) override {
    double duration_s = ideal_s(from, to, bytes);
    if (rate_limit_bytes_per_s > 0 && bytes / rate_limit_bytes_per_s > duration_s)
      duration_s = bytes / rate_limit_bytes_per_s;
    return engine_.at<&TransferListener::transfer_done>(engine_.now() + duration_s, &listener, tag);
  }

  void cancel(TransferId transfer) override { engine_.cancel(transfer); }

  double ideal_s(InstanceId, InstanceId, double bytes) const override {
    return bytes / (bytes_per_s_ * speedup_);
  }
  double exchange_bytes_per_s(const std::vector<LinkLoad>&) const override { return bytes_per_s_; }

 private:
  Engine& engine_;
  double bytes_per_s_;
  double speedup_;
};

const Fabrics::Entry kEntry{
    "pipe", "a private ideal pipe for every transfer", {kSpeed}, [](JsonReader& section) {
      const double gib_per_s = kSpeed.number(section);
      return
          [=](const FabricContext& context) { return std::make_unique<Pipe>(context, gib_per_s); };
    }};

}  // namespace

}  // namespace cleave
