#include "traces/named_fields_reader.h"

#include <algorithm>
#include <cmath>

#include "sim/base/error.h"

namespace cleave {

NamedFieldsReader::NamedFieldsReader(const std::string& path, CsvColumns columns)
    : lines_(path), columns_(std::move(columns)) {}

bool NamedFieldsReader::next(Request& request) {
  if (!lines_.next_line()) {
    lines_.require_requests();
    return false;
  }
  const Json line = object();
  request.prompt_tokens = tokens_of(line, columns_.prompt);
  request.output_tokens = tokens_of(line, columns_.output);
  if (!columns_.traffic_class.empty()) request.traffic_class = class_of(line);
  if (!columns_.client.empty()) client_ = text_of(line, columns_.client);
  request.arrival_s = lines_.admit(arrival_of(line));
  request.line = lines_.line();
  return true;
}

Json NamedFieldsReader::object() const {
  Json line;
  try {
    line = parse_json(lines_.text(), "");
  } catch (const InputError&) {  // which would count lines within this one
  }
  if (!line.is_object())
    lines_.fail("expected a JSON object, found " + cleave::quoted(lines_.text()));
  return line;
}

const Json& NamedFieldsReader::field(const Json& line, const std::string& name) const {
  const Json* at = &line;
  for (std::size_t begin = 0; begin <= name.size();) {
    const std::size_t end = std::min(name.find('.', begin), name.size());
    const auto found = at->is_object() ? at->find(name.substr(begin, end - begin)) : at->end();
    if (!at->is_object() || found == at->end()) lines_.fail("\"" + name + "\" is missing");
    at = &*found;
    begin = end + 1;
  }
  return *at;
}

double NamedFieldsReader::arrival_of(const Json& line) {
  const Json& value = field(line, columns_.arrival);
  double now_s = 0;
  if (columns_.unit == TimeUnit::kClock) {
    const std::string text = value.is_string() ? value.get<std::string>() : "";
    std::int64_t now_ns = 0;
    const char* const end = text.data() + text.size();
    if (clock_.parse(text.data(), end, now_ns) != end) {
      lines_.fail(columns_.arrival +
                  ": expected a time such as 2023-11-16 18:15:46.6805900, found " +
                  cleave::quoted(value.dump()));
    }
    if (!started_) first_ns_ = now_ns;
    now_s = static_cast<double>(now_ns - first_ns_) / units_per_second(columns_.unit);
  } else {
    if (!value.is_number() || value.get<double>() < 0) {
      lines_.fail(columns_.arrival + ": expected a time as a number, at least 0, found " +
                  cleave::quoted(value.dump()));
    }
    now_s = value.get<double>() / units_per_second(columns_.unit);
  }
  if (!started_) first_s_ = now_s;
  started_ = true;
  return now_s - first_s_;
}

std::string NamedFieldsReader::text_of(const Json& line, const std::string& name) const {
  const Json& value = field(line, name);
  return value.is_string() ? value.get<std::string>() : value.dump();
}

std::uint32_t NamedFieldsReader::class_of(const Json& line) const {
  const auto known = columns_.number_of(text_of(line, columns_.traffic_class));
  if (!known) {
    lines_.fail(columns_.traffic_class + ": expected the name of a class of the scenario, " +
                columns_.class_names() + ", found " +
                cleave::quoted(field(line, columns_.traffic_class).dump()));
  }
  return *known;
}

std::uint32_t NamedFieldsReader::tokens_of(const Json& line, const std::string& name) const {
  const Json& value = field(line, name);
  const double tokens = value.is_number() ? value.get<double>() : 0;
  if (tokens < 1 || tokens > kMaxTokens || tokens != std::floor(tokens)) {
    lines_.fail(name + ": expected a whole number of tokens from 1 to " +
                std::to_string(kMaxTokens) + ", found " + cleave::quoted(value.dump()));
  }
  return static_cast<std::uint32_t>(tokens);
}

}  // namespace cleave
