#pragma once

#include <cstdint>
#include <memory>
#include <optional>
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
  /// The name of who sent the last request; "" where the columns name no client.
  virtual std::string_view client() const { return {}; }
};

/// How requests are written in a format.
class TraceWriter {
 public:
  virtual ~TraceWriter() = default;
  /// What a file begins with, its line end included; "" for nothing.
  virtual std::string_view header() const { return ""; }
  /// Appends the line of a request, `number` of the trace from 0, without its line end.
  virtual void append(std::string& row, const Request& request, std::uint64_t number) const = 0;
};

/// A trace file format. Formats are recognised from content, never from the file's name. A reader
/// must give requests in the order of their arrival, refuse a wrong line by an InputError that
/// names file and line, and hold a bounded part of the file; it must not change what it read, units
/// apart: that is for transforms.
class TraceFormat {
 public:
  virtual ~TraceFormat() = default;
  /// `first_line` has neither line end nor byte order mark; at most one format may say yes.
  virtual bool recognises(std::string_view first_line) const = 0;
  virtual std::unique_ptr<TraceReader> open(const std::string& path) const = 0;
  /// Null where files of this format are read only.
  virtual const TraceWriter* writer() const { return nullptr; }
};
using TraceFormats = Registry<TraceFormat>;

/// Where arrival times count from.
enum class TimeOrigin : std::uint8_t { kKept, kFirstArrival };

/// How a file writes arrival times.
enum class TimeUnit {
  kSeconds,
  kMilliseconds,
  kMicroseconds,
  kNanoseconds,
  kClock,  ///< `2023-11-16 18:15:46.6805900`, optionally with a UTC offset such as `+00:00`
};

/// 1e3 for milliseconds; times of a clock are read in nanoseconds.
double units_per_second(TimeUnit unit);

/// Where a CSV file with a header line keeps what a request needs; other columns are ignored.
struct CsvColumns {
  std::string arrival;
  std::string prompt;
  std::string output;
  TimeUnit unit = TimeUnit::kSeconds;
  TimeOrigin origin = TimeOrigin::kKept;
  std::string zero_hint = {};             ///< added to the error for a request with 0 output tokens
  std::string traffic_class = {};         ///< "": none
  std::vector<std::string> classes = {};  ///< what it may say: Request::traffic_class by number
  std::string client = {};                ///< "": none; see TraceReader::client()

  std::optional<std::uint32_t> number_of(std::string_view name) const;
  /// "chat", "batch": for errors.
  std::string class_names() const;
};

/// Reads "arrival=ts,prompt=in,output=out,unit=ms" (unit: s, ms, us, ns or clock; s if left out),
/// and "client=user" beside them. Times of such files count from the first arrival. `place` names
/// the option in errors.
CsvColumns parse_columns(std::string_view text, const std::string& place);
/// Makes the same from its parts; `unit` as above.
CsvColumns make_columns(std::string arrival, std::string prompt, std::string output,
                        const std::string& unit, const std::string& place);

/// Opens a trace whose format is found from its first line. Throws InputError for a file that is
/// missing, empty or of no known format; malformed lines are reported by next().
std::unique_ptr<TraceReader> open_trace(const std::string& path);
/// Opens any CSV file with a header line, or JSON lines whose fields are named: "usage.output" is
/// "output" within "usage".
std::unique_ptr<TraceReader> open_trace(const std::string& path, const CsvColumns& columns);

/// The name of the format open_trace() would use.
std::string trace_format(const std::string& path);

}  // namespace cleave
