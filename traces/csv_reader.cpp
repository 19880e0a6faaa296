#include "traces/csv_reader.h"

#include <algorithm>
#include <cstring>

namespace cleave {

namespace {

std::vector<std::string> split_header(std::string_view line, char separator) {
  std::vector<std::string> names;
  while (true) {
    const std::size_t comma = line.find(separator);
    std::string_view name = line.substr(0, comma);
    while (!name.empty() && (name.front() == ' ' || name.front() == '"')) name.remove_prefix(1);
    while (!name.empty() && (name.back() == ' ' || name.back() == '"')) name.remove_suffix(1);
    names.emplace_back(name);
    if (comma == std::string_view::npos) return names;
    line.remove_prefix(comma + 1);
  }
}

/// The one that parts the header so that it has the column; a comma where none does.
char separator_of(std::string_view header, const std::string& column) {
  for (const char separator : {';', '\t', '|'}) {
    const std::vector<std::string> names = split_header(header, separator);
    if (std::find(names.begin(), names.end(), column) != names.end() && names.size() > 1) {
      return separator;
    }
  }
  return ',';
}

const char* skip_field(const char* at, const char* end, char separator) {
  if (at != end && *at == '"') {
    for (++at; at != end; ++at) {
      if (*at != '"') continue;
      if (at + 1 == end || at[1] != '"') return at + 1;
      ++at;
    }
    return nullptr;
  }
  const void* comma = std::memchr(at, separator, static_cast<std::size_t>(end - at));
  return comma == nullptr ? end : static_cast<const char*>(comma);
}

const char* read_tokens(const char* at, const char* end, std::uint32_t& tokens) {
  std::uint64_t value = 0;
  at = parse_whole(at, end, value);
  tokens = static_cast<std::uint32_t>(value);
  return value == 0 || value > kMaxTokens ? nullptr : at;
}

}  // namespace

CsvReader::CsvReader(const std::string& path, CsvColumns columns)
    : lines_(path), columns_(std::move(columns)), units_per_s_(units_per_second(columns_.unit)) {
  if (!lines_.next_line()) lines_.require_requests();
  separator_ = separator_of(lines_.text(), columns_.arrival);
  header_ = split_header(lines_.text(), separator_);
  roles_.assign(header_.size(), Role::kIgnored);
  give_role(columns_.arrival, Role::kArrival);
  give_role(columns_.prompt, Role::kPrompt);
  give_role(columns_.output, Role::kOutput);
  if (!columns_.traffic_class.empty()) give_role(columns_.traffic_class, Role::kClass);
  if (!columns_.client.empty()) give_role(columns_.client, Role::kClient);
}

void CsvReader::give_role(const std::string& name, Role role) {
  Role& there = roles_[find_column(name)];
  if (there != Role::kIgnored) {
    lines_.fail("column \"" + name +
                "\" is asked for twice; expected a column for each of arrival, "
                "prompt, output, class and client");
  }
  there = role;
}

std::size_t CsvReader::find_column(const std::string& name) const {
  const auto found = std::find(header_.begin(), header_.end(), name);
  if (found == header_.end()) {
    lines_.fail("no column \"" + name + "\"; expected it in the header line, found " +
                quoted(lines_.text()));
  }
  return static_cast<std::size_t>(found - header_.begin());
}

bool CsvReader::next(Request& request) {
  if (!lines_.next_line()) {
    lines_.require_requests();
    return false;
  }
  const char* at = lines_.begin();
  const char* const end = lines_.end();
  double arrival_s = 0;
  for (std::size_t column = 0; column < roles_.size(); ++column) {
    if (column > 0) {
      if (at == end) fail_columns(column);
      ++at;
    }
    const char* const field = at;
    switch (roles_[column]) {
      case Role::kIgnored:
        at = skip_field(at, end, separator_);
        break;
      case Role::kArrival:
        at = read_arrival(at, arrival_s);
        break;
      case Role::kPrompt:
        at = read_tokens(at, end, request.prompt_tokens);
        break;
      case Role::kOutput:
        at = read_tokens(at, end, request.output_tokens);
        break;
      case Role::kClass:
        at = read_class(at, request.traffic_class);
        break;
      case Role::kClient:
        at = read_text(at, client_);
        break;
    }
    if (at == nullptr || (at != end && *at != separator_)) fail_field(column, field);
  }
  if (at != end) {
    fail_columns(header_.size() + static_cast<std::size_t>(std::count(at, end, separator_)));
  }
  request.arrival_s = lines_.admit(arrival_s);
  request.line = lines_.line();
  return true;
}

const char* CsvReader::read_arrival(const char* at, double& arrival_s) {
  const char* const end = lines_.end();
  if (columns_.unit == TimeUnit::kClock) {
    std::int64_t now_ns = 0;
    at = clock_.parse(at, end, now_ns);
    if (at == nullptr) return nullptr;
    if (!started_) first_ns_ = now_ns;
    arrival_s = static_cast<double>(now_ns - first_ns_) / units_per_s_;
  } else {
    double now = 0;
    at = parse_decimal(at, end, now);
    if (at == nullptr) return nullptr;
    if (!started_ && columns_.origin == TimeOrigin::kFirstArrival) first_ = now;
    arrival_s = (now - first_) / units_per_s_;
  }
  started_ = true;
  return at;
}

const char* CsvReader::read_text(const char* at, std::string_view& text) const {
  const char* const end = skip_field(at, lines_.end(), separator_);
  if (end == nullptr) return nullptr;
  text = {at, static_cast<std::size_t>(end - at)};
  if (text.size() >= 2 && text.front() == '"') text = text.substr(1, text.size() - 2);
  return end;
}

const char* CsvReader::read_class(const char* at, std::uint32_t& number) const {
  std::string_view name;
  const char* const end = read_text(at, name);
  const auto known = end == nullptr ? std::nullopt : columns_.number_of(name);
  if (!known) return nullptr;
  number = *known;
  return end;
}

void CsvReader::fail_field(std::size_t column, const char* at) const {
  const char* const end = lines_.end();
  const std::string found(at, std::find(at, end, separator_));
  std::string expected;
  switch (roles_[column]) {
    case Role::kIgnored:
    case Role::kClient:
      expected = "a value with closing quotes";
      break;
    case Role::kArrival:
      expected = columns_.unit == TimeUnit::kClock ? "a time such as 2023-11-16 18:15:46.6805900"
                                                   : "a time as a number, at least 0";
      break;
    case Role::kPrompt:
    case Role::kOutput:
      expected = "a whole number of tokens from 1 to " + std::to_string(kMaxTokens);
      break;
    case Role::kClass:
      expected = "the name of a class of the scenario, " + columns_.class_names();
      break;
  }
  std::string message =
      header_[column] + ": expected " + expected + ", found " + cleave::quoted(found);
  if (roles_[column] == Role::kOutput && found == "0" && !columns_.zero_hint.empty()) {
    message += "; " + columns_.zero_hint;
  }
  lines_.fail(message);
}

void CsvReader::fail_columns(std::size_t found) const {
  lines_.fail("expected " + std::to_string(header_.size()) + " columns as in the header, found " +
              std::to_string(found) + (found < header_.size() ? "; is the line cut off?" : ""));
}

bool CsvFormat::recognises(std::string_view first_line) const {
  const std::vector<std::string> header = split_header(first_line, ',');
  const auto has = [&](const std::string& name) {
    return std::find(header.begin(), header.end(), name) != header.end();
  };
  return has(columns_.arrival) && has(columns_.prompt) && has(columns_.output);
}

std::unique_ptr<TraceReader> CsvFormat::open(const std::string& path) const {
  return std::make_unique<CsvReader>(path, columns_);
}

}  // namespace cleave
