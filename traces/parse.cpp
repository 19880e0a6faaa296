#include "traces/parse.h"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <string>
#include <system_error>

namespace cleave {

namespace {

constexpr std::int64_t kNanosecond = 1'000'000'000;

bool is_digit(char c) { return static_cast<unsigned char>(c - '0') < 10; }

/// Two digits as a number, or -1.
int two_digits(const char* at) {
  if (!is_digit(at[0]) || !is_digit(at[1])) return -1;
  return (at[0] - '0') * 10 + (at[1] - '0');
}

/// Seconds since 1970 of "YYYY-MM-DD HH:MM", or -1.
std::int64_t minute_start(const char* at) {
  const int century = two_digits(at);
  const int year = two_digits(at + 2);
  const int month = two_digits(at + 5);
  const int day = two_digits(at + 8);
  const int hour = two_digits(at + 11);
  const int minute = two_digits(at + 14);
  const bool marks =
      at[4] == '-' && at[7] == '-' && (at[10] == ' ' || at[10] == 'T') && at[13] == ':';
  if (!marks || century < 19 || century > 21 || year < 0 || month < 0 || day < 0 || hour < 0 ||
      hour > 23 || minute < 0 || minute > 59) {
    return -1;
  }
  const std::chrono::year_month_day date{std::chrono::year{century * 100 + year},
                                         std::chrono::month{static_cast<unsigned>(month)},
                                         std::chrono::day{static_cast<unsigned>(day)}};
  if (!date.ok()) return -1;
  const std::int64_t days = std::chrono::sys_days{date}.time_since_epoch().count();
  return days < 0 ? -1 : (days * 24 + hour) * 3600 + std::int64_t{60} * minute;
}

/// Seconds east of UTC of "Z", "+HH:MM" or "+HHMM" at `at`; none there is fine.
const char* parse_offset(const char* at, const char* end, std::int64_t& offset_s) {
  offset_s = 0;
  if (at == end) return at;
  if (*at == 'Z') return at + 1;
  if (*at != '+' && *at != '-') return at;
  const char* minutes = end - at >= 6 && at[3] == ':' ? at + 4 : at + 3;
  if (end - minutes < 2) return nullptr;
  const int h = two_digits(at + 1);
  const int m = two_digits(minutes);
  if (h < 0 || h > 23 || m < 0 || m > 59) return nullptr;
  offset_s = (*at == '-' ? -1 : 1) * std::int64_t{60} * (h * 60 + m);
  return minutes + 2;
}

}  // namespace

const char* parse_whole(const char* at, const char* end, std::uint64_t& value) {
  constexpr std::uint64_t kHuge = 1'000'000'000'000'000'000;
  if (at == end || !is_digit(*at)) return nullptr;
  std::uint64_t sum = 0;
  for (; at != end && is_digit(*at); ++at) {
    sum = sum >= kHuge / 10 ? kHuge : sum * 10 + static_cast<std::uint64_t>(*at - '0');
  }
  value = sum;
  if (at != end && *at == '.') {
    ++at;
    while (at != end && *at == '0') ++at;
    if (at != end && is_digit(*at)) return nullptr;
  }
  return at;
}

const char* parse_decimal(const char* at, const char* end, double& value) {
  // Up to 15 digits the digits and the power of ten are exact doubles, so that one division rounds
  // correctly (Clinger, PLDI 1990); anything longer goes to the standard library.
  static constexpr double kPowers[] = {1e0, 1e1, 1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                       1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15};
  if (at == end || !(is_digit(*at) || *at == '.')) return nullptr;
  const char* const begin = at;
  std::uint64_t digits = 0;
  while (at != end && is_digit(*at)) digits = digits * 10 + static_cast<std::uint64_t>(*at++ - '0');
  const char* point = at;
  if (at != end && *at == '.') {
    point = ++at;
    while (at != end && is_digit(*at)) {
      digits = digits * 10 + static_cast<std::uint64_t>(*at++ - '0');
    }
  }
  const bool exponent = at != end && (*at == 'e' || *at == 'E');
  if (at - begin <= 15 + (point != at ? 1 : 0) && !exponent) {
    if (at - begin == 1 && *begin == '.') return nullptr;
    value = static_cast<double>(digits) / kPowers[at - point];
    return at;
  }
  const auto [stop, error] = std::from_chars(begin, end, value);
  if (error == std::errc::result_out_of_range) {
    // Too large, or too small: only the older function tells which.
    value = std::min(1e300, std::strtod(std::string(begin, stop).c_str(), nullptr));
  }
  return error == std::errc::invalid_argument ? nullptr : stop;
}

const char* ClockParser::parse(const char* at, const char* end, std::int64_t& nanoseconds) {
  if (end - at < kMinuteLength + 3) return nullptr;
  if (std::memcmp(at, minute_, kMinuteLength) != 0) {
    const std::int64_t start = minute_start(at);
    if (start < 0) return nullptr;
    std::memcpy(minute_, at, kMinuteLength);
    minute_start_s_ = start;
  }
  const int second = two_digits(at + kMinuteLength + 1);
  if (at[kMinuteLength] != ':' || second < 0 || second > 59) return nullptr;
  at += kMinuteLength + 3;

  std::int64_t fraction = 0;
  if (at != end && *at == '.') {
    std::int64_t unit = kNanosecond;
    for (++at; at != end && is_digit(*at); ++at) {
      unit /= 10;
      fraction += unit * (*at - '0');
    }
    if (unit == kNanosecond) return nullptr;
  }
  std::int64_t offset_s = 0;
  at = parse_offset(at, end, offset_s);
  nanoseconds = (minute_start_s_ + second - offset_s) * kNanosecond + fraction;
  return at;
}

void append_number(std::string& text, double value) {
  char digits[32];
  text.append(digits, std::to_chars(digits, digits + sizeof digits, value).ptr);
}

}  // namespace cleave
