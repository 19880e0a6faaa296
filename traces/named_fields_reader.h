#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "sim/base/json_reader.h"
#include "traces/line_reader.h"
#include "traces/parse.h"
#include "traces/trace_reader.h"

namespace cleave {

/// Reads requests from JSON lines of no known format: one object a line, whose fields are named, a
/// field within another by a dot ("usage.prompt_tokens"). Times count from the first arrival.
class NamedFieldsReader final : public TraceReader {
 public:
  NamedFieldsReader(const std::string& path, CsvColumns columns);
  bool next(Request& request) override;
  std::string_view client() const override { return client_; }

 private:
  Json object() const;
  const Json& field(const Json& line, const std::string& name) const;
  double arrival_of(const Json& line);
  std::string text_of(const Json& line, const std::string& name) const;
  std::uint32_t class_of(const Json& line) const;
  std::uint32_t tokens_of(const Json& line, const std::string& name) const;

  LineReader lines_;
  CsvColumns columns_;
  ClockParser clock_;
  std::int64_t first_ns_ = 0;  ///< of a clock
  double first_s_ = 0;
  bool started_ = false;
  std::string client_;
};

}  // namespace cleave
