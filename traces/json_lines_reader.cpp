#include "traces/json_lines_reader.h"

#include <algorithm>
#include <cstring>

#include "sim/base/random.h"
#include "sim/base/reference.h"
#include "traces/parse.h"

namespace cleave {

struct JsonLinesReader::Fields {
  double timestamp = -1;
  double delay = -1;
  std::uint64_t prompt = 0;
  std::uint64_t output = 0;
  std::uint64_t session = 0;  ///< or chat; of its text, 0 where there is none
  std::uint64_t parent = 0;
};

namespace {

const Accepts kTime = words("a number, from 0");
const Accepts kName = words("a number or a text");
const Accepts kLength = whole(1, kMaxTokens);
const Reference::Entry kTrace{
    {"trace",
     "",
     "A trace file, CSV with a header line or JSON lines, known by its first line (cleave trace "
     "info says as what), its lines in the order of their arrival. These are the fields of JSON "
     "lines; of CSV files and lines of one's own, columns names them.",
     {{"timestamp", nullptr, "ms", "of the arrival; seconds in Mooncake's traces", kTime},
      {"delay", nullptr, "ms", "since the line before, where there is no timestamp", kTime},
      {"input_length", nullptr, "tokens", "of the prompt", kLength},
      {"output_length", nullptr, "tokens", "of the output", kLength},
      {"session_id", nullptr, "", "the conversation that a request belongs to", kName},
      {"chat_id", nullptr, "", "of a request, which later ones go on from", kName},
      {"parent_chat_id", nullptr, "", "the request that it goes on from", kName},
      {"hash_ids", nullptr, "", "of the blocks of its prompt, equal where prompts begin alike",
       words("a list of whole numbers")}}}};

const char* skip_blank(const char* at, const char* end) {
  while (at != end && (*at == ' ' || *at == '\t')) ++at;
  return at;
}

/// Behind the closing quote of the text that starts at `at`; null if it does not close.
const char* skip_text(const char* at, const char* end) {
  for (++at; at != end; ++at) {
    if (*at == '"') return at + 1;
    if (*at == '\\' && ++at == end) return nullptr;
  }
  return nullptr;
}

/// A number for the text of a value; 0 for none: null and numbers below 0.
std::uint64_t id_of(std::string_view text) {
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  if (text == "null" || text.starts_with('-') || text.empty()) return 0;
  std::uint64_t id = 0;
  for (const char letter : text) id = hash_of(id, static_cast<unsigned char>(letter));
  return id | 1;
}

/// Behind any value: up to the comma or bracket that ends it on its own level.
const char* skip_value(const char* at, const char* end) {
  int depth = 0;
  while (at != end) {
    if (*at == '"') {
      at = skip_text(at, end);
      if (at == nullptr) return nullptr;
      continue;
    }
    if (depth == 0 && (*at == ',' || *at == '}')) return at;
    if (*at == '[' || *at == '{') ++depth;
    if (*at == ']' || *at == '}') --depth;
    ++at;
  }
  return nullptr;
}

}  // namespace

JsonLinesReader::JsonLinesReader(const std::string& path, JsonLinesLayout layout)
    : lines_(path), layout_(layout) {}

bool JsonLinesReader::next(Request& request) {
  if (!lines_.next_line()) {
    lines_.require_requests();
    return false;
  }
  const char* const end = lines_.end();
  const char* at = skip_blank(lines_.begin(), end);
  if (at == end || *at != '{')
    lines_.fail("expected a JSON object, found " + quoted(lines_.text()));
  Fields fields;
  blocks_.clear();
  do {
    at = skip_blank(at + 1, end);
    const char* const key = at;
    at = at == end || *at != '"' ? nullptr : skip_text(at, end);
    if (at == nullptr) lines_.fail("expected a JSON field name; is the line cut off?");
    const std::string_view name(key + 1, static_cast<std::size_t>(at - key - 2));
    at = skip_blank(at, end);
    if (at == end || *at != ':') lines_.fail("expected \":\" after " + quoted(name));
    at = read_field(name, skip_blank(at + 1, end), fields);
    at = skip_blank(at, end);
    if (at == end || (*at != ',' && *at != '}')) {
      lines_.fail("expected \",\" or \"}\" after " + quoted(name) + "; is the line cut off?");
    }
  } while (*at == ',');
  if (skip_blank(at + 1, end) != end) lines_.fail("expected one JSON object a line");
  if (fields.prompt == 0) lines_.fail("\"input_length\" is missing");
  if (fields.output == 0) lines_.fail("\"output_length\" is missing");
  request.arrival_s = lines_.admit(arrival_of(fields));
  last_arrival_s_ = request.arrival_s;
  request.prompt_tokens = static_cast<std::uint32_t>(fields.prompt);
  request.output_tokens = static_cast<std::uint32_t>(fields.output);
  request.line = lines_.line();
  request.session = session_of(fields);
  request.after_s = request.session > 0 && layout_.delays ? after_s(fields.delay) : -1;
  request.content.clear();
  for (std::size_t i = 0; i < blocks_.size(); ++i) {
    const std::uint64_t block_end = (i + 1) * std::uint64_t{layout_.block_tokens};
    const auto end_there = static_cast<std::uint32_t>(std::min(block_end, fields.prompt));
    request.content.push_back({end_there, blocks_[i]});
    if (block_end >= fields.prompt) break;
  }
  return true;
}

double JsonLinesReader::after_s(double delay) const {
  return delay < 0 ? -1 : delay / layout_.units_per_s;
}

// A conversation is named by its first chat.
std::uint64_t JsonLinesReader::session_of(const Fields& fields) {
  if (!layout_.chats || fields.session == 0) return fields.session;
  const auto parent = first_chat_.find(fields.parent);
  const std::uint64_t first = parent == first_chat_.end() ? fields.session : parent->second;
  first_chat_.emplace(fields.session, first);
  return first;
}

double JsonLinesReader::arrival_of(const Fields& fields) {
  if (fields.timestamp >= 0) {
    if (first_time_ < 0) first_time_ = layout_.clock ? fields.timestamp : 0;
    return (fields.timestamp - first_time_) / layout_.units_per_s;
  }
  if (layout_.delays && fields.delay >= 0) {
    return last_arrival_s_ + fields.delay / layout_.units_per_s;
  }
  lines_.fail(layout_.delays ? "\"timestamp\" and \"delay\" are missing; expected one of them"
                             : "\"timestamp\" is missing");
}

const char* JsonLinesReader::read_field(std::string_view key, const char* at, Fields& fields) {
  const char* const end = lines_.end();
  const char* const value = at;
  const auto found = [&] {
    const char* stop = skip_value(value, end);
    return quoted({value, static_cast<std::size_t>((stop == nullptr ? end : stop) - value)});
  };
  if (key == layout_.time || (key == "delay" && layout_.delays)) {
    double& time = key == "delay" ? fields.delay : fields.timestamp;
    const bool none = end - at >= 4 && std::memcmp(at, "null", 4) == 0;
    at = none ? at + 4 : parse_decimal(at, end, time);
    if (at == nullptr) {
      lines_.fail(std::string(key) + ": expected a time as a number, at least 0, found " + found());
    }
  } else if (key == layout_.prompt || key == layout_.output) {
    std::uint64_t& tokens = key == layout_.prompt ? fields.prompt : fields.output;
    at = parse_whole(at, end, tokens);
    if (at == nullptr || tokens == 0 || tokens > kMaxTokens) {
      lines_.fail(std::string(key) + ": expected a whole number of tokens from 1 to " +
                  std::to_string(kMaxTokens) + ", found " + found());
    }
  } else if ((layout_.sessions && key == "session_id") ||
             (layout_.chats && (key == "chat_id" || key == "parent_chat_id"))) {
    at = skip_value(at, end);
    if (at == nullptr) lines_.fail("the line is cut off in " + quoted(key));
    const std::string_view text(value, static_cast<std::size_t>(at - value));
    (key == "parent_chat_id" ? fields.parent : fields.session) = id_of(text);
  } else if (key == "hash_ids" && layout_.block_tokens != 0) {
    at = read_blocks(at);
    if (at == nullptr) {
      lines_.fail("hash_ids: expected a list of whole numbers, found " + found());
    }
  } else {
    at = skip_value(at, end);
    if (at == nullptr) lines_.fail("the line is cut off in " + quoted(key));
  }
  return at;
}

const char* JsonLinesReader::read_blocks(const char* at) {
  const char* const end = lines_.end();
  if (at == end || *at != '[') return nullptr;
  at = skip_blank(at + 1, end);
  while (at != end && *at != ']') {
    std::uint64_t id = 0;
    at = parse_whole(at, end, id);
    if (at == nullptr) return nullptr;
    blocks_.push_back(id);
    at = skip_blank(at, end);
    if (at != end && *at == ',') at = skip_blank(at + 1, end);
  }
  return at == end ? nullptr : at + 1;
}

bool has_json_field(std::string_view line, std::string_view name) {
  return line.starts_with('{') &&
         line.find('"' + std::string(name) + '"') != std::string_view::npos;
}

}  // namespace cleave
