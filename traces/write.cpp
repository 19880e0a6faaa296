#include "traces/write.h"

#include <charconv>
#include <chrono>
#include <cmath>
#include <map>

#include "sim/base/error.h"

namespace cleave {

namespace {

void append(std::string& row, double value) {
  char digits[32];
  row.append(digits, std::to_chars(digits, digits + sizeof digits, value).ptr);
}

void append_padded(std::string& row, std::int64_t value, std::size_t width) {
  const std::string digits = std::to_string(value);
  row.append(width - std::min(width, digits.size()), '0');
  row += digits;
}

void azure_row(std::string& row, const Request& request, std::uint64_t) {
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
  row += ',' + std::to_string(request.prompt_tokens) + ',' + std::to_string(request.output_tokens);
}

void splitwise_sim_row(std::string& row, const Request& request, std::uint64_t number) {
  row += std::to_string(number) + ",2,0,";
  append(row, request.arrival_s);
  row +=
      ",1," + std::to_string(request.prompt_tokens) + ',' + std::to_string(request.output_tokens);
}

void json_row(std::string& row, const Request& request, std::uint64_t) {
  row += "{\"timestamp\": ";
  append(row, request.arrival_s * 1000);
  row += ", \"input_length\": " + std::to_string(request.prompt_tokens) +
         ", \"output_length\": " + std::to_string(request.output_tokens) + "}";
}

struct Format {
  const char* header;
  void (*row)(std::string& row, const Request& request, std::uint64_t number);
};

const std::map<std::string, Format>& formats() {
  static const std::map<std::string, Format> all = {
      {"azure", {"TIMESTAMP,ContextTokens,GeneratedTokens\n", azure_row}},
      {"json-lines", {"", json_row}},
      {"splitwise-sim",
       {"request_id,request_type,application_id,arrival_timestamp,batch_size,prompt_size,"
        "token_size\n",
        splitwise_sim_row}}};
  return all;
}

}  // namespace

std::vector<std::string> writable_formats() {
  std::vector<std::string> names;
  for (const auto& [name, format] : formats()) names.push_back(name);
  return names;
}

std::uint64_t write_trace(RequestSource& source, const std::string& format, std::ostream& out,
                          const std::string& place) {
  const auto found = formats().find(format);
  if (found == formats().end()) {
    throw_unknown_name(place, "trace format", format, writable_formats());
  }
  out << found->second.header;
  std::uint64_t count = 0;
  std::string row;
  Request request;
  while (source.next(request)) {
    row.clear();
    found->second.row(row, request, count++);
    row += '\n';
    out.write(row.data(), static_cast<std::streamsize>(row.size()));
  }
  return count;
}

}  // namespace cleave
