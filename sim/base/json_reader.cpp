#include "sim/base/json_reader.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <fstream>
#include <map>
#include <sstream>

#include "sim/base/builtin.h"
#include "sim/base/error.h"
#include "sim/base/reference.h"

namespace cleave {

namespace {

std::string plain(double value) {
  std::ostringstream out;
  out.precision(12);
  out << value;
  return out.str();
}

bool within(const Range& range, double number) {
  return std::isfinite(number) && number <= range.most &&
         (range.above_least ? number > range.least : number >= range.least);
}

/// The section of the reference that a path of a scenario leads to; "" where there is none.
std::string scenario_section(const std::string& path) {
  std::string plain = path;
  while (plain.find('[') != std::string::npos) {
    const std::size_t begin = plain.find('[');
    plain.erase(begin, plain.find(']', begin) - begin + 1);
  }
  for (const Section& section : Reference::sections("scenario")) {
    std::string other = section.path;
    while (other.find("[]") != std::string::npos) other.erase(other.find("[]"), 2);
    if (!plain.empty() && other == plain) return plain;
  }
  return "";
}

}  // namespace

std::string describe(const Range& range) {
  std::string text = range.above_least ? "above " : "from ";
  text += plain(range.least);
  if (range.most < 1e15) text += " to " + plain(range.most);
  return range.most < 1e15 || range.above_least ? text : "at least " + plain(range.least);
}

std::string json_kind(const Json& value) {
  if (value.is_null()) return "null";
  if (value.is_boolean()) return "true or false";
  if (value.is_number()) return "a number";
  if (value.is_string()) return "a text";
  return value.is_array() ? "a list" : "an object";
}

JsonReader::JsonReader(const Json& object, std::string path)
    : object_(&object), path_(std::move(path)) {
  if (!object.is_object()) {
    throw InputError((path_.empty() ? "the document" : path_) + ": expected an object, found " +
                     json_kind(object));
  }
}

std::string JsonReader::path_of(std::string_view key) const {
  if (path_.empty()) return std::string(key);
  const bool file = path_.ends_with(".json") || path_.ends_with(":");
  return path_ + (file ? ": " : ".") + std::string(key);
}

std::function<void(const std::string&, std::string_view)>& JsonReader::heard() {
  static std::function<void(const std::string&, std::string_view)> listener;
  return listener;
}

void JsonReader::fail(std::string_view key, const std::string& what) const {
  throw InputError(path_of(key) + ": " + what);
}

const Json* JsonReader::find(std::string_view key) {
  if (heard()) heard()(path_, key);
  asked_.emplace_back(key);
  const auto found = object_->find(std::string(key));
  return found == object_->end() || found->is_null() ? nullptr : &*found;
}

bool JsonReader::has(std::string_view key) { return find(key) != nullptr; }

const Json& JsonReader::value(std::string_view key) {
  const Json* found = find(key);
  if (found == nullptr) fail(key, "is missing");
  return *found;
}

double JsonReader::number(std::string_view key, Range range) {
  const Json& found = value(key);
  if (!found.is_number()) fail(key, "expected a number, found " + json_kind(found));
  const double number = found.get<double>();
  if (!within(range, number))
    fail(key, "expected a number " + describe(range) + ", found " + plain(number));
  return number;
}

double JsonReader::number(std::string_view key, Range range, double otherwise) {
  return has(key) ? number(key, range) : otherwise;
}

std::int64_t JsonReader::integer(std::string_view key, std::int64_t least, std::int64_t most) {
  const double found =
      number(key, Range{static_cast<double>(least), static_cast<double>(most), false});
  if (found != std::floor(found)) fail(key, "expected a whole number, found " + plain(found));
  return static_cast<std::int64_t>(found);
}

std::int64_t JsonReader::integer(std::string_view key, std::int64_t least, std::int64_t most,
                                 std::int64_t otherwise) {
  return has(key) ? integer(key, least, most) : otherwise;
}

bool JsonReader::boolean(std::string_view key) {
  const Json& found = value(key);
  if (!found.is_boolean()) fail(key, "expected true or false, found " + json_kind(found));
  return found.get<bool>();
}

bool JsonReader::boolean(std::string_view key, bool otherwise) {
  return has(key) ? boolean(key) : otherwise;
}

std::string JsonReader::text(std::string_view key) {
  const Json& found = value(key);
  if (!found.is_string()) fail(key, "expected a text, found " + json_kind(found));
  return found.get<std::string>();
}

std::string JsonReader::text(std::string_view key, std::string otherwise) {
  return has(key) ? text(key) : std::move(otherwise);
}

std::string JsonReader::name(std::string_view key, std::string_view kind,
                             const std::vector<std::string>& known) {
  const std::string found = text(key);
  if (std::find(known.begin(), known.end(), found) == known.end()) {
    throw_unknown_name(path_of(key), kind, found, known);
  }
  return found;
}

std::vector<double> JsonReader::numbers(std::string_view key, Range range) {
  const Json& found = value(key);
  if (!found.is_array()) fail(key, "expected a list of numbers, found " + json_kind(found));
  std::vector<double> numbers;
  numbers.reserve(found.size());
  for (std::size_t i = 0; i < found.size(); ++i) {
    const auto place = [&] { return std::string(key) + "[" + std::to_string(i) + "]"; };
    if (!found[i].is_number()) fail(place(), "expected a number, found " + json_kind(found[i]));
    const auto number = found[i].get<double>();
    if (!within(range, number)) {
      fail(place(), "expected a number " + describe(range) + ", found " + plain(number));
    }
    numbers.push_back(number);
  }
  return numbers;
}

std::vector<std::string> JsonReader::texts(std::string_view key) {
  const Json& found = value(key);
  if (!found.is_array()) fail(key, "expected a list of texts, found " + json_kind(found));
  std::vector<std::string> texts;
  for (std::size_t i = 0; i < found.size(); ++i) {
    if (!found[i].is_string()) {
      fail(std::string(key) + "[" + std::to_string(i) + "]",
           "expected a text, found " + json_kind(found[i]));
    }
    texts.push_back(found[i].get<std::string>());
  }
  return texts;
}

JsonReader JsonReader::object(std::string_view key) { return {value(key), path_of(key)}; }

std::vector<JsonReader> JsonReader::objects(std::string_view key) {
  const Json& found = value(key);
  if (!found.is_array()) fail(key, "expected a list of objects, found " + json_kind(found));
  std::vector<JsonReader> readers;
  for (std::size_t i = 0; i < found.size(); ++i) {
    readers.emplace_back(found[i], path_of(key) + "[" + std::to_string(i) + "]");
  }
  return readers;
}

void JsonReader::finish() const {
  for (const auto& [key, unused] : object_->items()) {
    if (std::find(asked_.begin(), asked_.end(), key) == asked_.end()) {
      std::vector<std::string> known = asked_;
      std::sort(known.begin(), known.end());
      known.erase(std::unique(known.begin(), known.end()), known.end());
      const std::string place = path_.empty() ? "the document" : path_;
      const std::string section = scenario_section(path_);
      if (!section.empty() && nearest_name(key, known).empty()) {
        throw InputError(place + ": unknown key \"" + key + "\"; cleave show scenario " + section +
                         " lists those that it may have");
      }
      throw_unknown_name(place, "key", key, known);
    }
  }
}

Json parse_json(std::string_view text, const std::string& place) {
  // What reads a value calls itself for each value inside it, and a key is looked for among all.
  constexpr int kDeepest = 256;
  constexpr std::size_t kMostKeys = 10'000;
  std::array<std::size_t, kDeepest + 2> keys{};  // of the object open at each depth
  const auto check = [&](int depth, Json::parse_event_t event, const Json&) {
    if (depth > kDeepest) {
      throw InputError(place + ": lists or objects within each other, more than " +
                       std::to_string(kDeepest) + " deep; expected fewer");
    }
    const auto level = static_cast<std::size_t>(depth);
    if (event == Json::parse_event_t::object_start) keys[level + 1] = 0;
    if (event == Json::parse_event_t::key && ++keys[level] > kMostKeys) {
      throw InputError(place + ": an object with more than " + std::to_string(kMostKeys) +
                       " keys; expected fewer");
    }
    return true;
  };
  try {
    return Json::parse(text.begin(), text.end(), check, true, true);
  } catch (const Json::parse_error& error) {
    const std::size_t at = std::min(text.size(), error.byte == 0 ? 0 : error.byte - 1);
    const auto line =
        std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(at), '\n') + 1;
    throw InputError(place + ": line " + std::to_string(line) +
                     ": not valid JSON; expected a value, a comma or a closing bracket there");
  } catch (const Json::out_of_range& error) {
    // "... number overflow parsing '1e400'"
    const std::string what = error.what();
    const std::size_t quote = what.find('\'');
    throw InputError(place + ": the number " + what.substr(std::min(quote, what.size())) +
                     " is too large; expected numbers below 1e308");
  }
}

std::string readable_json(const Json& json, int indent) {
  return json.dump(indent, ' ', false, Json::error_handler_t::replace);
}

bool is_utf8(const std::string& text) {
  try {
    Json(text).dump();
    return true;
  } catch (const Json::type_error&) {
    return false;
  }
}

void require_utf8(const std::string& text, const std::string& place) {
  if (!is_utf8(text)) throw InputError(place + " " + text + ": expected text in UTF-8");
}

Json load_json(const std::string& file) {
  std::ifstream in(file, std::ios::binary);
  // A folder can be opened, but not read.
  if (in) in.peek();
  if (!in.is_open() || in.bad()) {
    throw InputError(file + ": cannot be read; expected a JSON file");
  }
  std::ostringstream bytes;
  bytes << in.rdbuf();
  return parse_json(bytes.str(), file);
}

Json load_profile(const std::string& folder, std::string_view kind, const std::string& name,
                  const std::string& place) {
  if (name.ends_with(".json")) return load_json(name);
  const std::string path = folder + "/" + name + ".json";
  // What is built in is parsed once, for processes forked from this one as well.
  static std::map<std::string, Json> parsed;
  if (const auto known = parsed.find(path); known != parsed.end()) return known->second;
  const auto bytes = builtin_file(path);
  if (!bytes) throw_unknown_name(place, kind, name, builtin_names(folder));
  return parsed.emplace(path, parse_json(*bytes, path)).first->second;
}

}  // namespace cleave
