#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "traces/line_reader.h"
#include "traces/parse.h"
#include "traces/trace_reader.h"

namespace cleave {

/// Reads requests from a CSV file whose header line names the columns, parted by commas,
/// semicolons, tabs or bars. Lines must have as many columns as the header; columns that are not
/// needed may be quoted.
class CsvReader final : public TraceReader {
 public:
  CsvReader(const std::string& path, CsvColumns columns);
  bool next(Request& request) override;
  std::string_view client() const override { return client_; }

 private:
  enum class Role { kIgnored, kArrival, kPrompt, kOutput, kClass, kClient };

  const char* read_arrival(const char* at, double& arrival_s);
  /// A field of text, without its quotes.
  const char* read_text(const char* at, std::string_view& text) const;
  const char* read_class(const char* at, std::uint32_t& number) const;
  std::size_t find_column(const std::string& name) const;
  void give_role(const std::string& name, Role role);
  [[noreturn]] void fail_field(std::size_t column, const char* at) const;
  [[noreturn]] void fail_columns(std::size_t found) const;

  LineReader lines_;
  CsvColumns columns_;
  std::vector<std::string> header_;
  std::vector<Role> roles_;  ///< one a column
  char separator_ = ',';
  double units_per_s_;
  ClockParser clock_;
  double first_ = 0;
  std::int64_t first_ns_ = 0;
  bool started_ = false;
  std::string_view client_;  ///< of the line that was read last
};

/// A CSV format that is known by three column names, in any order and among others.
class CsvFormat : public TraceFormat {
 public:
  explicit CsvFormat(CsvColumns columns) : columns_(std::move(columns)) {}
  bool recognises(std::string_view first_line) const override;
  std::unique_ptr<TraceReader> open(const std::string& path) const override;

 private:
  CsvColumns columns_;
};

}  // namespace cleave
