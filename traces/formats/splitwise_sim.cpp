#include "traces/csv_reader.h"

// The traces of the published Splitwise simulator (github.com/Mutinifni/splitwise-sim).
namespace cleave {
namespace {

const TraceFormats::Entry kEntry{
    "splitwise-sim", "traces of the SplitwiseSim simulator (CSV)", [] {
      return std::make_unique<CsvFormat>(CsvColumns{"arrival_timestamp", "prompt_size",
                                                    "token_size", TimeUnit::kSeconds, false, ""});
    }};

}  // namespace
}  // namespace cleave
