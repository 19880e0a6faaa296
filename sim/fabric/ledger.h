#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <vector>

namespace cleave {

/// Who may take how much of which link. A flow books its cap, the least of its own limit and the
/// bandwidth of its links, on each link that it crosses. Max-min fairness is plain to see
/// - where all caps on a link fit into it: nobody waits for another there. Of flows that come over
///   one first link, or leave over one last link, no more than that carries has to fit;
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
    std::uint32_t first;  ///< of its links
    std::uint32_t last;
  };

  /// Links are numbered from 0.
  void add_link(double bandwidth_bytes_per_s) {
    links_.push_back({bandwidth_bytes_per_s, 0, {}});
    sums_.push_back(0);
  }
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
  void set_outside(const Links& links, std::uint32_t flow, bool outside) {
    for (const std::uint32_t link : links) find(links_[link], flow).outside = outside;
  }

  /// All that is booked fits into the link.
  bool fits(std::uint32_t link) const {
    return links_[link].booked_bytes_per_s <= most_bytes_per_s(link) || fits_by_ends(link, nullptr);
  }
  /// It still does with one booking more.
  bool fits(std::uint32_t link, const Booking& more) const {
    return links_[link].booked_bytes_per_s + more.cap_bytes_per_s <= most_bytes_per_s(link) ||
           fits_by_ends(link, &more);
  }
  bool is_plain(std::uint32_t link) const {
    return fits(link) || (std::none_of(bookings(link).begin(), bookings(link).end(),
                                       [](const Booking& booking) { return booking.outside; }) &&
                          could_be_plain(link));
  }
  /// The link would be plain if nobody on it were outside.
  bool could_be_plain(std::uint32_t link) const {
    if (fits(link)) return true;
    double left_bytes_per_s = links_[link].bandwidth_bytes_per_s;
    double largest_bytes_per_s = 0;
    int yielding = 0;
    for (const Booking& booking : bookings(link)) {
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
  /// What one flow more without a limit of its own gets of the link at least: what the others
  /// leave, or as much as each of them.
  double left_for_one_more_bytes_per_s(std::uint32_t link) const {
    const Link& here = links_[link];
    return std::max(here.bandwidth_bytes_per_s - here.booked_bytes_per_s,
                    here.bandwidth_bytes_per_s / static_cast<double>(here.bookings.size() + 1));
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

  double most_bytes_per_s(std::uint32_t link) const {
    return links_[link].bandwidth_bytes_per_s * (1 + kRounding);
  }
  // First and last links are never taken to fit because of one another.
  bool fits_by_ends(std::uint32_t link, const Booking* more) const {
    const std::vector<Booking>& here = bookings(link);
    if (here.empty() || here.front().first == link || here.front().last == link) return false;
    return sum_by(&Booking::first, here, more) <= most_bytes_per_s(link) ||
           sum_by(&Booking::last, here, more) <= most_bytes_per_s(link);
  }
  double sum_by(std::uint32_t Booking::*end, const std::vector<Booking>& here,
                const Booking* more) const {
    double sum_bytes_per_s = 0;
    const auto add = [&](const Booking& booking) {
      const double most_bytes_per_s = links_[booking.*end].bandwidth_bytes_per_s;
      double& sum = sums_[booking.*end];
      const double before_bytes_per_s = std::min(sum, most_bytes_per_s);
      sum += booking.cap_bytes_per_s;
      sum_bytes_per_s += std::min(sum, most_bytes_per_s) - before_bytes_per_s;
    };
    for (const Booking& booking : here) add(booking);
    if (more != nullptr) add(*more);
    for (const Booking& booking : here) sums_[booking.*end] = 0;
    if (more != nullptr) sums_[more->*end] = 0;
    return sum_bytes_per_s;
  }

  static Booking& find(Link& link, std::uint32_t flow) {
    return *std::find_if(link.bookings.begin(), link.bookings.end(),
                         [&](const Booking& booking) { return booking.flow == flow; });
  }

  std::vector<Link> links_;
  mutable std::vector<double> sums_;  ///< by link; all 0 between calls
};

}  // namespace cleave
