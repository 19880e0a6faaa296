#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

namespace cleave {

/// Who may take how much of which link. A flow books its cap, the least of its own limit and the
/// bandwidth of its links, on each link that it crosses. While the caps booked on a link sum to at
/// most its bandwidth, no flow waits for another there; where all links of a flow are such, max-min
/// fairness gives it its cap.
class Ledger {
 public:
  using Links = std::vector<std::uint32_t>;
  /// Of a link's bandwidth: what sums of caps that just fit may exceed it by, being rounded.
  static constexpr double kRounding = 1e-12;

  /// Links are numbered from 0.
  void add_link(double bandwidth_bytes_per_s) { links_.push_back({bandwidth_bytes_per_s, 0, {}}); }
  /// 0: the link is cut. What is booked stays.
  void set_bandwidth(std::uint32_t link, double bytes_per_s) {
    links_[link].bandwidth_bytes_per_s = bytes_per_s;
  }

  bool is_cut(const Links& links) const {
    return std::any_of(links.begin(), links.end(), [this](std::uint32_t link) {
      return links_[link].bandwidth_bytes_per_s <= 0;
    });
  }
  /// The most that a flow over these links can get; a limit of 0 is none.
  double cap_bytes_per_s(const Links& links, double limit_bytes_per_s) const {
    double cap_bytes_per_s =
        limit_bytes_per_s > 0 ? limit_bytes_per_s : std::numeric_limits<double>::max();
    for (const std::uint32_t link : links) {
      cap_bytes_per_s = std::min(cap_bytes_per_s, links_[link].bandwidth_bytes_per_s);
    }
    return cap_bytes_per_s;
  }

  void book(std::uint32_t flow, const Links& links, double cap_bytes_per_s) {
    for (const std::uint32_t link : links) {
      links_[link].booked_bytes_per_s += cap_bytes_per_s;
      links_[link].flows.push_back(flow);
    }
  }
  /// Takes back what was booked with the same arguments.
  void free(std::uint32_t flow, const Links& links, double cap_bytes_per_s) {
    for (const std::uint32_t link : links) {
      Link& from = links_[link];
      *std::find(from.flows.begin(), from.flows.end(), flow) = from.flows.back();
      from.flows.pop_back();
      // Nothing of what the sums were rounded by outlives the flows.
      from.booked_bytes_per_s = from.flows.empty() ? 0 : from.booked_bytes_per_s - cap_bytes_per_s;
    }
  }

  bool is_overbooked(std::uint32_t link) const {
    const Link& one = links_[link];
    return one.booked_bytes_per_s > one.bandwidth_bytes_per_s * (1 + kRounding);
  }
  bool any_is_overbooked(const Links& links) const {
    return std::any_of(links.begin(), links.end(),
                       [this](std::uint32_t link) { return is_overbooked(link); });
  }
  /// That have booked on it, in an order that only what was booked and freed decides.
  const std::vector<std::uint32_t>& flows(std::uint32_t link) const { return links_[link].flows; }

 private:
  struct Link {
    double bandwidth_bytes_per_s = 0;
    double booked_bytes_per_s = 0;
    std::vector<std::uint32_t> flows;
  };

  std::vector<Link> links_;
};

}  // namespace cleave
