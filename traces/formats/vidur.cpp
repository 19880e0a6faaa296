#include "traces/csv_reader.h"

// Traces of the Vidur simulator (github.com/microsoft/vidur), times in seconds.
namespace cleave {
namespace {

const TraceFormats::Entry kEntry{"vidur", "traces of the Vidur simulator (CSV)", [] {
                                   return std::make_unique<CsvFormat>(CsvColumns{
                                       "arrived_at", "num_prefill_tokens", "num_decode_tokens",
                                       TimeUnit::kSeconds, TimeOrigin::kKept, ""});
                                 }};

}  // namespace
}  // namespace cleave
