#include "traces/line_reader.h"

#include <cstring>
#include <sstream>

#include "sim/base/error.h"
#include "traces/trace_reader.h"

namespace cleave {

LineReader::LineReader(const std::string& path)
    : file_(path), rest_(file_.begin()), line_begin_(rest_), line_end_(rest_) {
  constexpr std::string_view kByteOrderMark = "\xEF\xBB\xBF";
  const std::string_view bytes(rest_, static_cast<std::size_t>(file_.end() - rest_));
  if (bytes.starts_with(kByteOrderMark)) rest_ += kByteOrderMark.size();
}

bool LineReader::next_line() {
  const char* const end = file_.end();
  while (rest_ != end) {
    line_begin_ = rest_;
    const void* found = std::memchr(rest_, '\n', static_cast<std::size_t>(end - rest_));
    line_end_ = found == nullptr ? end : static_cast<const char*>(found);
    rest_ = line_end_ == end ? end : line_end_ + 1;
    ++line_;
    if (line_end_ != line_begin_ && line_end_[-1] == '\r') --line_end_;
    if (line_end_ != line_begin_) {
      file_.drop_before(line_begin_);
      return true;
    }
  }
  return false;
}

double LineReader::admit(double arrival_s) {
  if (arrival_s < last_arrival_s_) {
    std::ostringstream by;
    by << last_arrival_s_ - arrival_s;
    fail("the time goes back by " + by.str() + " s; expected arrivals in order (sort the file)");
  }
  if (!(arrival_s <= kMaxArrivalS)) {
    fail("the time is more than 1e9 s from the start; expected seconds from the trace's start");
  }
  last_arrival_s_ = arrival_s;
  any_ = true;
  return arrival_s;
}

void LineReader::require_requests() const {
  if (!any_) throw InputError(file_.path() + ": empty trace; expected at least one request");
}

void LineReader::fail(const std::string& what) const {
  throw InputError(file_.path() + ":" + std::to_string(line_) + ": " + what);
}

std::string quoted(std::string_view text) {
  constexpr std::size_t kLongest = 40;
  std::string shown = "\"";
  for (const char c : text.substr(0, kLongest)) shown += c < ' ' || c > '~' ? '?' : c;
  return shown + (text.size() > kLongest ? "...\"" : "\"");
}

}  // namespace cleave
