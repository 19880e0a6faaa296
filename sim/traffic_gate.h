#pragma once

#include <algorithm>
#include <vector>

#include "sim/scenario/scenario.h"

namespace cleave {

/// Lets in the requests of each class at no more than its rate: a bucket that fills at the rate up
/// to the burst, and of which each request takes one. Buckets are full at time 0.
class TrafficGate {
 public:
  explicit TrafficGate(const std::vector<ClassSpec>& classes) : classes_(classes) {
    for (const ClassSpec& each : classes) buckets_.push_back({each.burst, 0});
  }

  /// Times must not go back.
  bool lets_in(std::uint32_t traffic_class, double now_s) {
    if (classes_.empty() || !classes_[traffic_class].most_rps) return true;
    const ClassSpec& spec = classes_[traffic_class];
    Bucket& bucket = buckets_[traffic_class];
    bucket.level = std::min(spec.burst, bucket.level + *spec.most_rps * (now_s - bucket.since_s));
    bucket.since_s = now_s;
    if (bucket.level < 1 - kRounding) return false;
    bucket.level -= 1;
    return true;
  }

 private:
  static constexpr double kRounding = 1e-9;
  struct Bucket {
    double level;
    double since_s;
  };
  const std::vector<ClassSpec>& classes_;
  std::vector<Bucket> buckets_;
};

}  // namespace cleave
