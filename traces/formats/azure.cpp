#include "traces/csv_reader.h"

// Azure LLM inference traces of 2023 and 2024 (github.com/Azure/AzurePublicDataset).
namespace cleave {
namespace {

const TraceFormats::Entry kEntry{
    "azure", "Azure LLM inference traces, 2023 and 2024 (CSV)", [] {
      return std::make_unique<CsvFormat>(
          CsvColumns{"TIMESTAMP", "ContextTokens", "GeneratedTokens", TimeUnit::kClock, true, ""});
    }};

}  // namespace
}  // namespace cleave
