#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

namespace cleave {

/// Who may take how much of which link. A flow books its cap, the least of its own limit and the
/// bandwidth of its links, on each link that it crosses. Max-min fairness is plain to see
/// - where all caps on a link fit into it: nobody waits for another there;
/// - where they do not, but just one flow has no limit of its own and would still get as much as
///   any other: the others have their caps, and it yields: it takes what they leave.
/// Elsewhere flows contend, and somebody else has to work out who gets what; these flows are said
/// to be outside. They take no more than their caps on their other links, but what they take is not
/// known: a link that they cross is plain only where all caps fit.
class Ledger {
 public:
  using Links = std::vector<std::uint32_t>;
  /// Of a link's bandwidth: what sums of caps that just fit may exceed it by, being rounded.
  static constexpr double kRounding = 1e-12;

  struct Booking {
    std::uint32_t flow;
    bool yields;  ///< has no limit of its own
    bool outside;
    double cap_bytes_per_s;
  };

  /// Links are numbered from 0.
  void add_link(double bandwidth_bytes_per_s) { links_.push_back({bandwidth_bytes_per_s, 0, {}}); }
  /// 0: the link is cut. What is booked stays.
  void set_bandwidth(std::uint32_t link, double bytes_per_s) {
    links_[link].bandwidth_bytes_per_s = bytes_per_s;
  }

  /// Of the slowest link; 0 where one is cut.
  double bandwidth_bytes_per_s(const Links& links) const {
    double least_bytes_per_s = std::numeric_limits<double>::max();
    for (const std::uint32_t link : links) {
      least_bytes_per_s = std::min(least_bytes_per_s, links_[link].bandwidth_bytes_per_s);
    }
    return least_bytes_per_s;
  }

  /// In an order that only what was booked and freed decides.
  const std::vector<Booking>& bookings(std::uint32_t link) const { return links_[link].bookings; }
  void book(const Links& links, const Booking& booking) {
    for (const std::uint32_t link : links) {
      links_[link].booked_bytes_per_s += booking.cap_bytes_per_s;
      links_[link].bookings.push_back(booking);
    }
  }
  /// Takes back what `flow` has booked.
  void free(const Links& links, std::uint32_t flow) {
    for (const std::uint32_t link : links) {
      Link& from = links_[link];
      Booking& booking = find(from, flow);
      // Nothing of what the sums were rounded by outlives the flows.
      from.booked_bytes_per_s =
          from.bookings.size() == 1 ? 0 : from.booked_bytes_per_s - booking.cap_bytes_per_s;
      booking = from.bookings.back();
      from.bookings.pop_back();
    }
  }
  void set_outside(const Links& links, std::uint32_t flow) {
    for (const std::uint32_t link : links) find(links_[link], flow).outside = true;
  }

  /// All caps on the link fit into it, and one of so much more.
  bool fits(std::uint32_t link, double more_bytes_per_s = 0) const {
    const Link& one = links_[link];
    return one.booked_bytes_per_s + more_bytes_per_s <= one.bandwidth_bytes_per_s * (1 + kRounding);
  }
  bool is_plain(std::uint32_t link) const {
    if (fits(link)) return true;
    double left_bytes_per_s = links_[link].bandwidth_bytes_per_s;
    double largest_bytes_per_s = 0;
    int yielding = 0;
    for (const Booking& booking : bookings(link)) {
      if (booking.outside) return false;
      if (booking.yields) {
        ++yielding;
      } else {
        left_bytes_per_s -= booking.cap_bytes_per_s;
        largest_bytes_per_s = std::max(largest_bytes_per_s, booking.cap_bytes_per_s);
      }
    }
    return yielding == 1 && left_bytes_per_s > 0 && left_bytes_per_s >= largest_bytes_per_s;
  }
  bool are_plain(const Links& links) const {
    return std::all_of(links.begin(), links.end(),
                       [this](std::uint32_t link) { return is_plain(link); });
  }
  /// What a flow gets, all of whose links are plain.
  double rate_bytes_per_s(const Links& links, const Booking& own) const {
    double rate_bytes_per_s = own.cap_bytes_per_s;
    for (const std::uint32_t link : links) {
      if (!own.yields || fits(link)) continue;
      double left_bytes_per_s = links_[link].bandwidth_bytes_per_s;
      for (const Booking& booking : bookings(link)) {
        if (booking.flow != own.flow) left_bytes_per_s -= booking.cap_bytes_per_s;
      }
      rate_bytes_per_s = std::min(rate_bytes_per_s, left_bytes_per_s);
    }
    return rate_bytes_per_s;
  }

 private:
  struct Link {
    double bandwidth_bytes_per_s = 0;
    double booked_bytes_per_s = 0;
    std::vector<Booking> bookings;
  };

  static Booking& find(Link& link, std::uint32_t flow) {
    return *std::find_if(link.bookings.begin(), link.bookings.end(),
                         [&](const Booking& booking) { return booking.flow == flow; });
  }

  std::vector<Link> links_;
};

}  // namespace cleave
