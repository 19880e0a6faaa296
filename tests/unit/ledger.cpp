// Which links of a ledger are plain to see, and what flows get there.

#include "sim/fabric/ledger.h"

#include "tests/catch.h"

namespace cleave {

namespace {

constexpr bool kYields = true;
constexpr bool kLimited = false;

/// Two links, of 10 and of 4.
Ledger two_links() {
  Ledger ledger;
  ledger.add_link(10);
  ledger.add_link(4);
  return ledger;
}

Ledger::Booking booking(std::uint32_t flow, bool yields, double cap, std::uint32_t first = 0,
                        std::uint32_t last = 1) {
  return {flow, yields, false, cap, first, last};
}

}  // namespace

TEST_CASE("ledger: a link is plain while all caps fit into it") {
  Ledger ledger = two_links();
  CHECK(ledger.bandwidth_bytes_per_s({0, 1}) == 4);
  ledger.book({0}, booking(1, kLimited, 6));
  CHECK(ledger.fits(0, booking(9, kLimited, 4)));
  CHECK_FALSE(ledger.fits(0, booking(9, kLimited, 4.1)));
  ledger.book({0, 1}, booking(2, kLimited, 4));
  CHECK(ledger.fits(0));
  CHECK(ledger.fits(1));
  ledger.book({0}, booking(3, kLimited, 1));
  CHECK_FALSE(ledger.is_plain(0));
  CHECK(ledger.is_plain(1));
  CHECK_FALSE(ledger.are_plain({1, 0}));
  ledger.free({0}, 1);
  CHECK(ledger.are_plain({1, 0}));
}

TEST_CASE("ledger: one flow without a limit takes what the others leave") {
  Ledger ledger = two_links();
  const Ledger::Booking yielding = booking(1, kYields, 4);
  ledger.book({0, 1}, yielding);
  CHECK(ledger.rate_bytes_per_s({0, 1}, yielding) == 4);
  ledger.book({1}, booking(2, kLimited, 1));
  CHECK(ledger.is_plain(1));
  CHECK(ledger.rate_bytes_per_s({0, 1}, yielding) == 3);
  ledger.book({0}, booking(3, kLimited, 5));
  CHECK(ledger.is_plain(0));
  CHECK(ledger.rate_bytes_per_s({0, 1}, yielding) == 3);
  CHECK(ledger.rate_bytes_per_s({0}, booking(3, kLimited, 5)) == 5);
  ledger.free({1}, 2);
  CHECK(ledger.rate_bytes_per_s({0, 1}, yielding) == 4);
}

TEST_CASE("ledger: what would get less than another contends") {
  Ledger ledger = two_links();
  ledger.book({1}, booking(1, kYields, 4));
  ledger.book({1}, booking(2, kLimited, 2));
  CHECK(ledger.is_plain(1));
  ledger.book({1}, booking(3, kLimited, 0.5));
  CHECK_FALSE(ledger.is_plain(1));
  ledger.free({1}, 3);
  ledger.book({1}, booking(4, kYields, 4));
  CHECK_FALSE(ledger.is_plain(1));
}

TEST_CASE("ledger: what those outside take is known only where all fit") {
  Ledger ledger = two_links();
  ledger.book({0, 1}, booking(1, kLimited, 1));
  ledger.set_outside({0, 1}, 1, true);
  CHECK(ledger.are_plain({0, 1}));
  ledger.book({1}, booking(2, kYields, 4));
  CHECK(ledger.is_plain(0));
  CHECK_FALSE(ledger.is_plain(1));
  CHECK(ledger.could_be_plain(1));
  ledger.set_outside({0, 1}, 1, false);
  CHECK(ledger.is_plain(1));
}

TEST_CASE("ledger: what comes over one first link has to fit only as far as that carries it") {
  Ledger ledger = two_links();  // 0 between switches, 1 of a machine
  ledger.add_link(4);
  ledger.add_link(7);
  ledger.book({1, 0, 3}, booking(1, kYields, 4, 1, 3));
  ledger.book({1, 0, 2}, booking(2, kYields, 4, 1, 2));
  CHECK(ledger.fits(0, booking(9, kYields, 4, 1, 3)));
  ledger.book({1, 0, 3}, booking(3, kYields, 4, 1, 3));
  CHECK(ledger.fits(0));
  CHECK_FALSE(ledger.is_plain(1));
  // Over the last links there is room for 4 and 7.
  CHECK(ledger.fits(0, booking(9, kLimited, 6, 3, 2)));
  CHECK_FALSE(ledger.fits(0, booking(9, kLimited, 6.1, 3, 2)));
  CHECK_FALSE(ledger.fits(3));
}

TEST_CASE("ledger: a link whose flows are gone is as empty as at first") {
  Ledger ledger = two_links();
  ledger.book({0}, booking(1, kLimited, 0.1));
  ledger.book({0}, booking(2, kLimited, 0.2));
  ledger.book({0}, booking(3, kLimited, 0.3));
  for (const std::uint32_t flow : {2U, 1U, 3U}) ledger.free({0}, flow);
  CHECK(ledger.bookings(0).empty());
  CHECK(ledger.fits(0, booking(9, kLimited, 10)));
  ledger.set_bandwidth(0, 0);
  CHECK(ledger.bandwidth_bytes_per_s({0}) == 0);
  CHECK_FALSE(ledger.fits(0, booking(9, kLimited, 0.001)));
}

}  // namespace cleave
