#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "sim/base/json_reader.h"

namespace cleave {

/// What a setting takes: numbers of a range, whole ones or not, one of some names, or what words
/// say. Readers check with it, and the reference prints it.
struct Accepts {
  Range range = kAnyNumber;
  bool whole = false;
  bool list = false;  ///< of such, each
  std::vector<std::string> names = {};
  std::string words = {};
  /// Other words for some of the names, and those that they mean.
  std::vector<std::pair<std::string, std::string>> synonyms = {};

  /// "from 0 to 1", "whole, from 1 to 64", "drawn, mean", "true, false", or its words.
  std::string text() const;
  /// Names and synonyms.
  std::vector<std::string> all_names() const;
  /// The name that a synonym means; `said` where it is none.
  const std::string& meant(const std::string& said) const;
  Accepts each() const {
    Accepts all = *this;
    all.list = true;
    return all;
  }
};

inline Accepts in(Range range) { return {.range = range}; }
inline Accepts whole(std::int64_t least, std::int64_t most) {
  return {.range = {static_cast<double>(least), static_cast<double>(most), false}, .whole = true};
}
inline Accepts one_of(std::vector<std::string> names) { return {.names = std::move(names)}; }
inline Accepts true_or_false() { return {.names = {"true", "false"}}; }
/// A number, or what it is over time: read_timed_values().
inline Accepts over_time(Range range) {
  return {.range = range, .words = "or a list of [seconds, value], or a CSV file"};
}
inline Accepts words(std::string text) { return {.words = std::move(text)}; }

/// A key of a document, in the section that describes it or, for a policy's own, in the section
/// that names the policy. Who reads the section reads the key with it; this is also what others may
/// know of it.
struct Setting {
  std::string name;
  Json otherwise;       ///< what it is where the document does not say; null: see its meaning
  std::string unit;     ///< "" where it has none
  std::string meaning;  ///< one line, for lists
  Accepts accepts = {};

  bool given(JsonReader& section) const { return section.has(name); }

  /// Where the document does not say, what it is otherwise; an error where that is nothing.
  double number(JsonReader& section) const { return number(section, accepts.range); }
  double number(JsonReader& section, Range range) const {
    return otherwise.is_null() ? section.number(name, range)
                               : section.number(name, range, otherwise.get<double>());
  }
  std::int64_t integer(JsonReader& section) const {
    return integer(section, least(accepts), most(accepts));
  }
  std::int64_t integer(JsonReader& section, std::int64_t least, std::int64_t most) const {
    return otherwise.is_null() ? section.integer(name, least, most)
                               : section.integer(name, least, most, otherwise.get<std::int64_t>());
  }
  std::uint32_t count(JsonReader& section) const {
    return static_cast<std::uint32_t>(integer(section));
  }
  std::uint32_t count(JsonReader& section, std::int64_t least, std::int64_t most) const {
    return static_cast<std::uint32_t>(integer(section, least, most));
  }
  bool boolean(JsonReader& section) const {
    return otherwise.is_null() ? section.boolean(name)
                               : section.boolean(name, otherwise.get<bool>());
  }
  std::string text(JsonReader& section) const {
    return otherwise.is_null() ? section.text(name)
                               : section.text(name, otherwise.get<std::string>());
  }
  /// One of its names; `kind` is what the error calls them.
  std::string choice(JsonReader& section, std::string_view kind = "choice") const {
    if (!otherwise.is_null() && !given(section)) return otherwise.get<std::string>();
    return accepts.meant(section.name(name, kind, accepts.all_names()));
  }

  std::vector<double> numbers(JsonReader& section) const {
    return section.numbers(name, accepts.range);
  }

  /// Nothing where the document does not say.
  std::optional<double> optional_number(JsonReader& section) const {
    if (!given(section)) return {};
    return section.number(name, accepts.range);
  }
  template <class Whole = std::uint32_t>
  std::optional<Whole> optional_count(JsonReader& section) const {
    if (!given(section)) return {};
    return static_cast<Whole>(section.integer(name, least(accepts), most(accepts)));
  }

 private:
  static std::int64_t least(const Accepts& accepts) {
    return static_cast<std::int64_t>(accepts.range.least);
  }
  static std::int64_t most(const Accepts& accepts) {
    return static_cast<std::int64_t>(accepts.range.most);
  }
};

}  // namespace cleave
