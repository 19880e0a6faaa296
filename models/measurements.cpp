#include "models/measurements.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <fstream>
#include <sstream>

#include "sim/base/error.h"

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
  kColumns
};
constexpr std::array<const char*, kColumns> kNames{
    "model",         "hardware",    "prompt_size", "batch_size", "token_size",     "peak_power",
    "average_power", "prompt_time", "token_time",  "e2e_time",   "tensor_parallel"};
constexpr std::size_t kMostDefects = 20;

std::vector<std::string> split(const std::string& line) {
  std::vector<std::string> fields;
  std::stringstream stream(line);
  for (std::string field; std::getline(stream, field, ',');) {
    while (!field.empty() && (field.back() == '\r' || field.back() == ' ')) field.pop_back();
    fields.push_back(field);
  }
  return fields;
}

/// Collects what is wrong, to say it all at once.
class Defects {
 public:
  explicit Defects(std::string file) : file_(std::move(file)) {}
  void add(std::uint64_t line, const std::string& what) {
    if (++count_ > kMostDefects) return;
    if (!text_.empty()) text_ += '\n';
    text_ += file_ + ":" + std::to_string(line) + ": " + what;
  }
  void check() const {
    if (count_ == 0) return;
    throw InputError(count_ <= kMostDefects
                         ? text_
                         : text_ + "\nand " + std::to_string(count_ - kMostDefects) + " more");
  }

 private:
  std::string file_;
  std::string text_;
  std::size_t count_ = 0;
};

void split_cap(Measurement& row, const std::string& hardware) {
  const auto cap = hardware.rfind("-cap");
  if (hardware.ends_with("-pcap")) {
    row.gpu = hardware.substr(0, hardware.size() - 5);
    row.power_cap = 0.7;
  } else if (cap != std::string::npos) {
    row.gpu = hardware.substr(0, cap);
    row.power_cap = std::atof(hardware.c_str() + cap + 4) / 100;
  } else {
    row.gpu = hardware;
  }
}

std::array<std::size_t, kColumns> find_columns(const std::vector<std::string>& header,
                                               Defects& defects) {
  std::array<std::size_t, kColumns> where{};
  for (std::size_t i = 0; i < kColumns; ++i) {
    const auto found = std::find(header.begin(), header.end(), kNames[i]);
    where[i] = static_cast<std::size_t>(found - header.begin());
    if (found == header.end()) defects.add(1, std::string("column ") + kNames[i] + " is missing");
  }
  return where;
}

/// Times in ms: no GPU takes less than 0.05 ms for a step, and e2e is made of the other two.
void check_units(const Measurement& row, Defects& defects) {
  constexpr double kShortest = 5e-5;
  if (row.prompt_s < kShortest || row.token_s < kShortest || row.e2e_s < row.prompt_s) {
    defects.add(row.line,
                "prompt_time, token_time and e2e_time do not go together; expected all of "
                "them in ms, with e2e_time the longest");
  }
  if (row.peak_power > 2 || row.average_power > row.peak_power) {
    defects.add(row.line,
                "expected peak_power and average_power as a fraction of the GPU's TDP, the peak "
                "the larger");
  }
}

}  // namespace

double Measurement::generated() const {
  return std::min(token_size, std::max(1.0, (e2e_s - prompt_s) / token_s));
}

std::string Measurement::configuration() const {
  std::string text = llm + ", " + gpu;
  if (power_cap < 1) text += " capped to " + std::to_string(std::lround(power_cap * 100)) + " %";
  return text + ", tensor parallel " + std::to_string(tensor_parallel);
}

std::string Measurement::batch() const {
  return std::to_string(std::lround(batch_size)) + " x " +
         std::to_string(std::lround(prompt_size)) + " tokens";
}

std::vector<Measurement> read_measurements(const std::string& file) {
  std::ifstream in(file);
  if (!in) throw InputError(file + ": cannot be read; expected a CSV file of measurements");
  Defects defects(file);
  std::string line;
  std::getline(in, line);
  const auto where = find_columns(split(line), defects);
  defects.check();
  std::vector<Measurement> rows;
  for (std::uint64_t number = 2; std::getline(in, line); ++number) {
    if (line.empty() || line.front() == '#') continue;
    const std::vector<std::string> fields = split(line);
    std::array<double, kColumns> value{};
    bool good = true;
    for (std::size_t i = 0; i < kColumns; ++i) {
      if (where[i] >= fields.size()) {
        defects.add(number, std::string("the row ends before column ") + kNames[i]);
        good = false;
        break;
      }
      if (i == kModel || i == kHardware) continue;
      const std::string& text = fields[where[i]];
      const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value[i]);
      const bool power = i == kPeakPower || i == kAveragePower;
      if (error != std::errc() || end != text.data() + text.size() || !std::isfinite(value[i]) ||
          (power ? value[i] < 0 : value[i] <= 0)) {
        defects.add(number, std::string(kNames[i]) + ": expected a number " +
                                (power ? "from 0" : "above 0") + ", found \"" + text + "\"");
        good = false;
      }
    }
    if (!good) continue;
    constexpr double kMs = 1e-3;
    Measurement row;
    row.line = number;
    row.llm = fields[where[kModel]];
    split_cap(row, fields[where[kHardware]]);
    row.tensor_parallel = static_cast<std::uint32_t>(value[kTensorParallel]);
    row.prompt_size = value[kPromptSize];
    row.batch_size = value[kBatchSize];
    row.token_size = value[kTokenSize];
    row.prompt_s = value[kPromptTime] * kMs;
    row.token_s = value[kTokenTime] * kMs;
    row.e2e_s = value[kE2eTime] * kMs;
    row.peak_power = value[kPeakPower];
    row.average_power = value[kAveragePower];
    check_units(row, defects);
    rows.push_back(row);
  }
  defects.check();
  if (rows.empty()) throw InputError(file + ": holds no measurements");
  return rows;
}

}  // namespace cleave
