#include "traces/csv_reader.h"

// BurstGPT (github.com/HPMLL/BurstGPT): calls to ChatGPT and GPT-4, times in seconds.
namespace cleave {
namespace {

const TraceFormats::Entry kEntry{
    "burstgpt", "BurstGPT traces of ChatGPT and GPT-4 calls (CSV)", [] {
      return std::make_unique<CsvFormat>(CsvColumns{
          "Timestamp", "Request tokens", "Response tokens", TimeUnit::kSeconds, TimeOrigin::kKept,
          "BurstGPT marks failed calls so: use its release without failures"});
    }};

}  // namespace
}  // namespace cleave
