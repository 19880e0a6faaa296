#include "traces/write.h"

#include <algorithm>

#include "sim/base/error.h"
#include "traces/trace_reader.h"

namespace cleave {

std::vector<std::string> writable_formats() {
  std::vector<std::string> names;
  for (const std::string& name : TraceFormats::names()) {
    if (TraceFormats::make("", "", name)->writer() != nullptr) names.push_back(name);
  }
  return names;
}

std::uint64_t write_trace(RequestSource& source, const std::string& format, std::ostream& out,
                          const std::string& place) {
  const std::vector<std::string> known = writable_formats();
  if (std::find(known.begin(), known.end(), format) == known.end()) {
    throw_unknown_name(place, "trace format", format, known);
  }
  const auto chosen = TraceFormats::make(place, "trace format", format);
  const TraceWriter& writer = *chosen->writer();
  out << writer.header();
  std::uint64_t count = 0;
  std::string row;
  Request request;
  while (source.next(request)) {
    row.clear();
    writer.append(row, request, count++);
    row += '\n';
    out.write(row.data(), static_cast<std::streamsize>(row.size()));
  }
  return count;
}

}  // namespace cleave
