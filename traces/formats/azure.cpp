#include <chrono>
#include <cmath>

#include "traces/csv_reader.h"

// Azure LLM inference traces of 2023 and 2024 (github.com/Azure/AzurePublicDataset). Written with
// wall-clock times to 100 ns, from 2000-01-01.
namespace cleave {
namespace {

void append_padded(std::string& row, std::int64_t value, std::size_t width) {
  const std::string digits = std::to_string(value);
  row.append(width - std::min(width, digits.size()), '0');
  row += digits;
}

class Azure final : public CsvFormat, public TraceWriter {
 public:
  Azure()
      : CsvFormat({"TIMESTAMP", "ContextTokens", "GeneratedTokens", TimeUnit::kClock,
                   TimeOrigin::kFirstArrival, ""}) {}
  const TraceWriter* writer() const override { return this; }
  std::string_view header() const override { return "TIMESTAMP,ContextTokens,GeneratedTokens\n"; }
  void append(std::string& row, const Request& request, std::uint64_t) const override {
    using namespace std::chrono;
    constexpr std::int64_t kTicks = 10'000'000;  // of 100 ns in a second
    const auto ticks = static_cast<std::int64_t>(std::llround(request.arrival_s * kTicks));
    const sys_seconds time = sys_days{year{2000} / 1 / 1} + seconds{ticks / kTicks};
    const sys_days day = floor<days>(time);
    const year_month_day date{day};
    const hh_mm_ss clock{time - day};
    append_padded(row, static_cast<int>(date.year()), 4);
    append_padded(row += '-', static_cast<unsigned>(date.month()), 2);
    append_padded(row += '-', static_cast<unsigned>(date.day()), 2);
    append_padded(row += ' ', clock.hours().count(), 2);
    append_padded(row += ':', clock.minutes().count(), 2);
    append_padded(row += ':', clock.seconds().count(), 2);
    append_padded(row += '.', ticks % kTicks, 7);
    row +=
        ',' + std::to_string(request.prompt_tokens) + ',' + std::to_string(request.output_tokens);
  }
};

const TraceFormats::Entry kEntry{"azure", "Azure LLM inference traces, 2023 and 2024 (CSV)",
                                 [] { return std::make_unique<Azure>(); }};

}  // namespace
}  // namespace cleave
