#pragma once

#include "sim/core/observer.h"

namespace cleave {

/// Passes on what has to do with whether objectives are kept and with who is in the cluster, and
/// looks away from what machines and networks do.
class ObjectiveEvents : public Observer {
 public:
  /// `gaps`: between tokens, too, which segments tell.
  ObjectiveEvents(Observer& to, bool gaps) : to_(to), gaps_(gaps) {}

  void arrived(double time_s) override { to_.arrived(time_s); }
  void finished(const FinishedRequest& request) override { to_.finished(request); }
  void rejected(const FinishedRequest& request, double needed_bytes) override {
    to_.rejected(request, needed_bytes);
  }
  void unfinished(const FinishedRequest& request) override { to_.unfinished(request); }
  void segment(const Segment& segment) override {
    if (gaps_) to_.segment(segment);
  }
  void gap(double time_s, double gap_s) override {
    if (gaps_) to_.gap(time_s, gap_s);
  }
  void given_up(double time_s, std::uint32_t output_tokens) override {
    to_.given_up(time_s, output_tokens);
  }

 private:
  Observer& to_;
  bool gaps_;
};

}  // namespace cleave
