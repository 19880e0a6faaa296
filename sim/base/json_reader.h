#pragma once

#include <cstdint>
#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

namespace cleave {

using Json = nlohmann::ordered_json;

/// The numbers a field accepts; NaN and infinities never are.
struct Range {
  double least = 0;
  double most = 1e15;
  bool above_least = false;  ///< `least` itself is excluded
};
inline constexpr Range kPositive{0, 1e15, true};
inline constexpr Range kNonNegative{0, 1e15, false};
inline constexpr Range kFraction{0, 1, false};
inline constexpr Range kAnyNumber{-1e15, 1e15, false};

/// "from 0 to 1", "above 0", "at least 1".
std::string describe(const Range& range);

/// Reads one JSON object field by field. Every error names the path of the field; a key that nobody
/// asked for is reported by finish(), with a suggestion.
class JsonReader {
 public:
  /// `path` is where `object` stands: "" for a whole document, "pools[1]", or "profiles/x.json:
  /// gpu".
  JsonReader(const Json& object, std::string path);

  bool has(std::string_view key);
  double number(std::string_view key, Range range = kAnyNumber);
  double number(std::string_view key, Range range, double otherwise);
  std::int64_t integer(std::string_view key, std::int64_t least, std::int64_t most);
  std::int64_t integer(std::string_view key, std::int64_t least, std::int64_t most,
                       std::int64_t otherwise);
  bool boolean(std::string_view key);
  bool boolean(std::string_view key, bool otherwise);
  std::string text(std::string_view key);
  std::string text(std::string_view key, std::string otherwise);
  /// Text that must be one of `known`; `kind` names it in the error ("machine").
  std::string name(std::string_view key, std::string_view kind,
                   const std::vector<std::string>& known);
  std::vector<double> numbers(std::string_view key, Range range = kAnyNumber);
  std::vector<std::string> texts(std::string_view key);
  /// The value itself, whatever its type.
  const Json& value(std::string_view key);
  JsonReader object(std::string_view key);
  std::vector<JsonReader> objects(std::string_view key);

  /// "pools[1].machine" for key "machine" of this object.
  std::string path_of(std::string_view key) const;
  const std::string& path() const { return path_; }
  [[noreturn]] void fail(std::string_view key, const std::string& what) const;
  /// Throws if the object has a key that was never asked for.
  void finish() const;

  /// Where it is set, hears path and key of all that is asked for: tests hold the reference, which
  /// says what readers look at, against what they do look at.
  static std::function<void(const std::string&, std::string_view)>& heard();

 private:
  const Json* find(std::string_view key);

  const Json* object_;
  std::string path_;
  std::vector<std::string> asked_;
};

/// Parses `text`; the error names `place`, line and column.
Json parse_json(std::string_view text, const std::string& place);

bool is_utf8(const std::string& text);
/// Throws where `text`, which `place` gave, is not UTF-8 and so could not stand in JSON.
void require_utf8(const std::string& text, const std::string& place);

/// JSON for people and programs to read, with something else in the place of what is not UTF-8:
/// texts such as names of files need not be.
std::string readable_json(const Json& json, int indent = -1);

/// Reads and parses a file; errors name it.
Json load_json(const std::string& file);

/// The profile `name` of `folder` ("profiles/llms"): a built-in name, or the path of a JSON file
/// when it ends with ".json". Unknown names are reported at `place` as an unknown `kind`.
Json load_profile(const std::string& folder, std::string_view kind, const std::string& name,
                  const std::string& place);

/// What a value is, for messages: "a number", "an object", ...
std::string json_kind(const Json& value);

}  // namespace cleave
