#include "models/fit/measurements.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <fstream>

#include "models/fit/defects.h"
#include "models/fit/measurement_check.h"
#include "sim/base/json_reader.h"

namespace cleave {

namespace {

enum Column : std::uint8_t {
  kModel,
  kHardware,
  kPromptSize,
  kBatchSize,
  kTokenSize,
  kPeakPower,
  kAveragePower,
  kPromptTime,
  kTokenTime,
  kE2eTime,
  kTensorParallel,
  kRequired,
  kWeightFormat = kRequired,
  kKvCacheFormat,
  kColumns
};
constexpr std::array<const char*, kColumns> kNames{
    "model",           "hardware",      "prompt_size",    "batch_size", "token_size",
    "peak_power",      "average_power", "prompt_time",    "token_time", "e2e_time",
    "tensor_parallel", "weight_format", "kv_cache_format"};

std::vector<std::string> split(const std::string& line) {
  std::vector<std::string> fields;
  for (std::size_t from = 0; from <= line.size();) {
    const std::size_t comma = std::min(line.find(',', from), line.size());
    std::size_t end = comma;
    while (from < end && line[from] == ' ') ++from;
    while (from < end && line[end - 1] == ' ') --end;
    fields.push_back(line.substr(from, end - from));
    from = comma + 1;
  }
  return fields;
}

/// "h100-80gb-pcap", "h100-80gb-cap55".
void split_cap(Measurement& row, const std::string& hardware) {
  constexpr double kPercent = 100;
  constexpr double kPublishedCap = 0.7;
  const auto cap = hardware.rfind("-cap");
  const bool number = cap != std::string::npos && hardware.size() == cap + 6 &&
                      hardware.find_first_not_of("0123456789", cap + 4) == std::string::npos &&
                      hardware[cap + 4] > '0';
  row.gpu = hardware.substr(0, number ? cap : std::string::npos);
  if (number) {
    row.power_cap = std::stoi(hardware.substr(cap + 4)) / kPercent;
  } else if (hardware.ends_with("-pcap")) {
    row.gpu.resize(hardware.size() - 5);
    row.power_cap = kPublishedCap;
  }
}

using Where = std::array<std::size_t, kColumns>;

/// Finds the columns of the header in line `number`. A header that names units is not this format.
Where find_columns(const std::vector<std::string>& header, std::uint64_t number, Defects& defects) {
  Where where{};
  for (std::size_t i = 0; i < kColumns; ++i) {
    const std::string name = kNames[i];
    const auto found = std::find(header.begin(), header.end(), name);
    where[i] = static_cast<std::size_t>(found - header.begin());
    if (found != header.end()) {
      if (std::find(found + 1, header.end(), name) != header.end()) {
        defects.add(number, "column " + name + " is there twice");
      }
      continue;
    }
    if (i >= kRequired) continue;
    std::string what = "column " + name + " is missing";
    for (const std::string& other : header) {
      if (!other.starts_with(name + "_")) continue;
      what += "; found " + other + ", expected " + name +
              (i >= kPromptTime && i <= kE2eTime ? " in ms" : "");
    }
    defects.add(number, what);
  }
  return where;
}

void check_together(const Measurement& row, Defects& defects) {
  if (row.e2e_s > 0 && row.e2e_s < row.prompt_s) {
    defects.add(row.line, "e2e_time is less than prompt_time; expected both in ms");
  }
  constexpr double kMostOfTdp = 2;
  if (row.peak_power > kMostOfTdp || row.average_power > row.peak_power) {
    defects.add(row.line,
                "expected peak_power and average_power as a fraction of the GPU's TDP, the peak "
                "the larger");
  }
}

/// The number of one column; 0, and a defect, where it is none.
double read_number(Column column, const std::string& text, std::uint64_t line, Defects& defects) {
  constexpr double kMostOfOne = 1e9;
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool power = column == kPeakPower || column == kAveragePower;
  const bool time = column == kPromptTime || column == kTokenTime || column == kE2eTime;
  const bool good = error == std::errc() && end == text.data() + text.size() &&
                    std::isfinite(value) && (power ? value >= 0 : value > 0) &&
                    (power || time || (value == std::floor(value) && value <= kMostOfOne));
  if (good) return value;
  defects.add(line, std::string(kNames[column]) + ": expected a " +
                        (power  ? "number from 0"
                         : time ? "number above 0"
                                : "whole number above 0") +
                        ", found \"" + text + "\"");
  return 0;
}

/// FP16 where there is no such column.
Format read_format(Column column, const std::vector<std::string>& fields, const Where& where,
                   std::uint64_t line, Defects& defects) {
  if (where[column] == fields.size()) return Format::kFp16;
  const std::string& name = fields[where[column]];
  const auto& known = format_names();
  if (std::find(known.begin(), known.end(), name) != known.end()) return format_of(name);
  std::string all;
  for (const std::string& one : known) all += (all.empty() ? "" : ", ") + one;
  defects.add(
      line, std::string(kNames[column]) + ": expected one of " + all + ", found \"" + name + "\"");
  return Format::kFp16;
}

Measurement read_row(const std::vector<std::string>& fields, const Where& where, std::uint64_t line,
                     Defects& defects) {
  const auto number = [&](Column column) {
    return read_number(column, fields[where[column]], line, defects);
  };
  constexpr double kMs = 1e-3;
  Measurement row;
  row.line = line;
  row.llm = fields[where[kModel]];
  split_cap(row, fields[where[kHardware]]);
  row.prompt_size = number(kPromptSize);
  row.batch_size = number(kBatchSize);
  row.token_size = number(kTokenSize);
  row.peak_power = number(kPeakPower);
  row.average_power = number(kAveragePower);
  row.prompt_s = number(kPromptTime) * kMs;
  row.token_s = number(kTokenTime) * kMs;
  row.e2e_s = number(kE2eTime) * kMs;
  row.tensor_parallel = static_cast<std::uint32_t>(number(kTensorParallel));
  row.formats = {read_format(kWeightFormat, fields, where, line, defects),
                 read_format(kKvCacheFormat, fields, where, line, defects)};
  check_together(row, defects);
  return row;
}

/// The next line that is no comment; comments go to `provenance`.
bool next_line(std::istream& in, std::string& line, std::uint64_t& number, std::string& provenance,
               Defects& defects) {
  while (std::getline(in, line)) {
    ++number;
    while (!line.empty() && (line.back() == '\r' || line.back() == ' ')) line.pop_back();
    if (line.empty()) continue;
    if (line.front() != '#') return true;
    if (!is_utf8(line))
      defects.add(number, "a comment that is not in UTF-8; expected that encoding");
    const std::size_t text = line.find_first_not_of("# ");
    if (text == std::string::npos) continue;
    provenance += (provenance.empty() ? "" : "; ") + line.substr(text);
  }
  return false;
}

}  // namespace

double Measurement::generated() const {
  return std::min(token_size, std::max(1.0, (e2e_s - prompt_s) / token_s));
}

std::string Measurement::configuration() const {
  std::string text = llm + ", " + gpu;
  if (power_cap < 1) text += " capped to " + std::to_string(std::lround(power_cap * 100)) + " %";
  text += ", tensor parallel " + std::to_string(tensor_parallel);
  if (formats.weights != Format::kFp16) text += ", weights in " + format_name(formats.weights);
  if (formats.kv_cache != Format::kFp16) text += ", KV cache in " + format_name(formats.kv_cache);
  return text;
}

std::string Measurement::batch() const {
  return std::to_string(std::lround(batch_size)) + " x " +
         std::to_string(std::lround(prompt_size)) + " tokens";
}

Measurements read_measurements(const std::string& file, const OwnProfiles& own) {
  std::ifstream in(file);
  // A folder can be opened, but not read.
  if (in) in.peek();
  if (!in.is_open() || in.bad()) {
    throw InputError(file + ": cannot be read; expected a CSV file of measurements");
  }
  Defects defects(file);
  Measurements measurements;
  std::string header;
  std::uint64_t number = 0;
  if (!next_line(in, header, number, measurements.provenance, defects)) {
    throw InputError(file + ": holds no measurements");
  }
  const std::vector<std::string> names = split(header);
  const Where where = find_columns(names, number, defects);
  defects.check();
  for (std::string line; next_line(in, line, number, measurements.provenance, defects);) {
    if (line == header) {
      defects.add(number, "the header again; expected it once, at the top");
      continue;
    }
    const std::vector<std::string> fields = split(line);
    if (fields.size() != names.size()) {
      defects.add(number, "expected " + std::to_string(names.size()) +
                              " fields, as in the header, found " + std::to_string(fields.size()));
      continue;
    }
    measurements.rows.push_back(read_row(fields, where, number, defects));
  }
  if (!measurements.rows.empty()) check_measurements(measurements.rows, own, defects);
  defects.check();
  if (measurements.rows.empty()) throw InputError(file + ": holds no measurements");
  return measurements;
}

}  // namespace cleave
