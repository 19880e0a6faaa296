#pragma once

#include "sim/metrics/metrics.h"

namespace cleave {

/// Passes on what has to do with whether objectives are kept and with who is in the cluster, and
/// looks away from what machines and networks do.
class ObjectiveEvents : public Observer {
 public:
  explicit ObjectiveEvents(Metrics& metrics) : metrics_(metrics) {}

  void arrived(double time_s) override { metrics_.arrived(time_s); }
  void finished(const FinishedRequest& request) override { metrics_.finished(request); }
  void rejected(const FinishedRequest& request, double needed_bytes) override {
    metrics_.rejected(request, needed_bytes);
  }
  void unfinished(const FinishedRequest& request) override { metrics_.unfinished(request); }
  void segment(const Segment& segment) override { metrics_.gaps_of(segment); }
  void gap(double time_s, double gap_s) override { metrics_.gap(time_s, gap_s); }
  void given_up(double time_s, std::uint32_t output_tokens) override {
    metrics_.given_up(time_s, output_tokens);
  }

 private:
  Metrics& metrics_;
};

}  // namespace cleave
