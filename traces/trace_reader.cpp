#include "traces/trace_reader.h"

#include <algorithm>
#include <map>

#include "sim/base/error.h"
#include "traces/csv_reader.h"
#include "traces/line_reader.h"
#include "traces/named_fields_reader.h"

namespace cleave {

namespace {

const std::map<std::string, TimeUnit>& time_units() {
  static const std::map<std::string, TimeUnit> units = {{"s", TimeUnit::kSeconds},
                                                        {"ms", TimeUnit::kMilliseconds},
                                                        {"us", TimeUnit::kMicroseconds},
                                                        {"ns", TimeUnit::kNanoseconds},
                                                        {"clock", TimeUnit::kClock}};
  return units;
}

[[noreturn]] void fail_unrecognised(const std::string& path, std::string_view first_line) {
  if (first_line.starts_with("\x1F\x8B") || first_line.starts_with("\x28\xB5\x2F\xFD")) {
    throw InputError(path + ": is compressed; expected a plain trace (unpack it first)");
  }
  std::string known;
  for (const std::string& name : TraceFormats::names()) known += (known.empty() ? "" : ", ") + name;
  throw InputError(path + ":1: not a known trace format; expected a header such as " +
                   "TIMESTAMP,ContextTokens,GeneratedTokens (known formats: " + known +
                   ", or any CSV file with its columns named), found " + quoted(first_line));
}

std::string recognise(const std::string& path) {
  LineReader lines(path);
  if (!lines.next_line()) lines.require_requests();
  for (const std::string& name : TraceFormats::names()) {
    if (TraceFormats::make("", "", name)->recognises(lines.text())) return name;
  }
  fail_unrecognised(path, lines.text());
}

}  // namespace

double units_per_second(TimeUnit unit) {
  switch (unit) {
    case TimeUnit::kMilliseconds:
      return 1e3;
    case TimeUnit::kMicroseconds:
      return 1e6;
    case TimeUnit::kNanoseconds:
    case TimeUnit::kClock:
      return 1e9;
    case TimeUnit::kSeconds:
      break;
  }
  return 1;
}

std::optional<std::uint32_t> CsvColumns::number_of(std::string_view name) const {
  const auto found = std::find(classes.begin(), classes.end(), name);
  if (found == classes.end()) return {};
  return static_cast<std::uint32_t>(found - classes.begin());
}

std::string CsvColumns::class_names() const {
  std::string names;
  for (const std::string& name : classes) names += (names.empty() ? "\"" : ", \"") + name + '"';
  return names;
}

CsvColumns make_columns(std::string arrival, std::string prompt, std::string output,
                        const std::string& unit, const std::string& place) {
  const auto found = time_units().find(unit);
  if (found == time_units().end()) {
    throw_unknown_name(place, "time unit", unit, {"s", "ms", "us", "ns", "clock"});
  }
  return {std::move(arrival), std::move(prompt),         std::move(output),
          found->second,      TimeOrigin::kFirstArrival, ""};
}

CsvColumns parse_columns(std::string_view text, const std::string& place) {
  std::map<std::string, std::string> parts = {
      {"arrival", ""}, {"prompt", ""}, {"output", ""}, {"unit", "s"}};
  while (!text.empty()) {
    const std::string_view part = text.substr(0, text.find(','));
    text.remove_prefix(std::min(text.size(), part.size() + 1));
    const std::size_t equals = part.find('=');
    const std::string key(part.substr(0, equals));
    if (parts.find(key) == parts.end() && key != "client") {
      throw_unknown_name(place, "column", key, {"arrival", "client", "output", "prompt", "unit"});
    }
    parts[key] = equals == std::string_view::npos ? "" : part.substr(equals + 1);
  }
  for (const auto& [key, value] : parts) {
    if (value.empty()) {
      throw InputError(place + ": \"" + key +
                       "\" is missing; expected arrival=NAME,prompt=NAME,output=NAME,unit=s");
    }
  }
  CsvColumns columns =
      make_columns(parts["arrival"], parts["prompt"], parts["output"], parts["unit"], place);
  columns.client = parts["client"];
  return columns;
}

std::unique_ptr<TraceReader> open_trace(const std::string& path) {
  return TraceFormats::make(path, "trace format", recognise(path))->open(path);
}

std::unique_ptr<TraceReader> open_trace(const std::string& path, const CsvColumns& columns) {
  LineReader lines(path);
  if (lines.next_line() && lines.text().starts_with('{')) {
    return std::make_unique<NamedFieldsReader>(path, columns);
  }
  return std::make_unique<CsvReader>(path, columns);
}

std::string trace_format(const std::string& path) { return recognise(path); }

}  // namespace cleave
