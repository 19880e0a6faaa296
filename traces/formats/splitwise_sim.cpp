#include "traces/csv_reader.h"

// The traces of the published Splitwise simulator (github.com/Mutinifni/splitwise-sim).
namespace cleave {
namespace {

class SplitwiseSim final : public CsvFormat, public TraceWriter {
 public:
  SplitwiseSim()
      : CsvFormat({"arrival_timestamp", "prompt_size", "token_size", TimeUnit::kSeconds,
                   TimeOrigin::kKept, ""}) {}
  const TraceWriter* writer() const override { return this; }
  std::string_view header() const override {
    return "request_id,request_type,application_id,arrival_timestamp,batch_size,prompt_size,"
           "token_size\n";
  }
  void append(std::string& row, const Request& request, std::uint64_t number) const override {
    row += std::to_string(number) + ",2,0,";
    append_number(row, request.arrival_s);
    row +=
        ",1," + std::to_string(request.prompt_tokens) + ',' + std::to_string(request.output_tokens);
  }
};

const TraceFormats::Entry kEntry{"splitwise-sim", "traces of the SplitwiseSim simulator (CSV)",
                                 [] { return std::make_unique<SplitwiseSim>(); }};

}  // namespace
}  // namespace cleave
