#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "sim/base/registry.h"
#include "traces/request.h"

namespace cleave {

/// More tokens in one request, or later arrivals, are taken for a damaged file.
inline constexpr std::uint32_t kMaxTokens = 100'000'000;
inline constexpr double kMaxArrivalS = 1e9;

/// The requests of one trace file, read in one pass. Arrivals are seconds from the trace's start.
class TraceReader : public RequestSource {
 public:
  /// What the last request's prompt shares: ids of its blocks of prompt_block_tokens() tokens,
  /// equal ids being equal prefixes. Null where the format has none.
  virtual const std::vector<std::uint64_t>* prompt_blocks() const { return nullptr; }
  virtual std::uint32_t prompt_block_tokens() const { return 0; }
};

/// A trace file format. Formats are recognised from content, never from the file's name.
class TraceFormat {
 public:
  virtual ~TraceFormat() = default;
  /// `first_line` has neither line end nor byte order mark; at most one format may say yes.
  virtual bool recognises(std::string_view first_line) const = 0;
  virtual std::unique_ptr<TraceReader> open(const std::string& path) const = 0;
};
using TraceFormats = Registry<TraceFormat>;

/// How a file writes arrival times.
enum class TimeUnit {
  kSeconds,
  kMilliseconds,
  kMicroseconds,
  kNanoseconds,
  kClock,  ///< `2023-11-16 18:15:46.6805900`, optionally with a UTC offset such as `+00:00`
};

/// Where a CSV file with a header line keeps what a request needs; other columns are ignored.
struct CsvColumns {
  std::string arrival;
  std::string prompt;
  std::string output;
  TimeUnit unit = TimeUnit::kSeconds;
  bool first_is_zero = false;  ///< times count from the first arrival instead of being kept
  std::string zero_hint;       ///< added to the error for a request with 0 output tokens
};

/// Reads "arrival=ts,prompt=in,output=out,unit=ms" (unit: s, ms, us, ns or clock; s if left out).
/// Times of such files count from the first arrival. `place` names the option in errors.
CsvColumns parse_columns(std::string_view text, const std::string& place);
/// Makes the same from its parts; `unit` as above.
CsvColumns make_columns(std::string arrival, std::string prompt, std::string output,
                        const std::string& unit, const std::string& place);

/// Opens a trace whose format is found from its first line. Throws InputError for a file that is
/// missing, empty or of no known format; malformed lines are reported by next().
std::unique_ptr<TraceReader> open_trace(const std::string& path);
/// Opens any CSV file with a header line.
std::unique_ptr<TraceReader> open_trace(const std::string& path, const CsvColumns& columns);

/// The name of the format open_trace() would use.
std::string trace_format(const std::string& path);

}  // namespace cleave
