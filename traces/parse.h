#pragma once

#include <cstdint>
#include <string>

namespace cleave {

/// Parsers over [at, end) that neither allocate nor look beyond end. Each returns where the value
/// ends, or null if there is none.

/// A whole number without sign, also written "374.0"; beyond 10^18 it is 10^18.
const char* parse_whole(const char* at, const char* end, std::uint64_t& value);

/// A decimal number without sign ("12", "0.25", "1e-05"), correctly rounded.
const char* parse_decimal(const char* at, const char* end, double& value);

/// Appends the shortest text that reads back as the same number.
void append_number(std::string& text, double value);

/// Wall-clock times as nanoseconds since 1970 UTC. Consecutive rows mostly share their minute, so
/// the last one is kept.
class ClockParser {
 public:
  /// `2023-11-16 18:15:46`, up to 9 decimals, then optionally `Z` or an offset such as `+02:00`.
  const char* parse(const char* at, const char* end, std::int64_t& nanoseconds);

 private:
  static constexpr int kMinuteLength = 16;
  char minute_[kMinuteLength] = {};
  std::int64_t minute_start_s_ = 0;
};

}  // namespace cleave
