#pragma once

#include <array>
#include <charconv>
#include <concepts>
#include <cstdint>
#include <optional>
#include <string>

namespace cleave {

/// How numbers are written in a CSV file; either way reading one gives the same binary number.
enum class Digits : std::uint8_t { kFewest, kSeventeen };

template <class Number>
requires(std::integral<Number> && !std::same_as<Number, bool>) ||
    std::floating_point<Number> void put_cell(std::string& text, Number value, Digits digits) {
  std::array<char, 32> characters;
  char* const end = characters.data() + characters.size();
  const auto written = [&] {
    if constexpr (std::floating_point<Number>) {
      constexpr int kDigits = 17;
      if (digits == Digits::kSeventeen) {
        return std::to_chars(characters.data(), end, value, std::chars_format::general, kDigits);
      }
    }
    return std::to_chars(characters.data(), end, value);
  }();
  text.append(characters.data(), written.ptr);
}
template <class Text>
requires std::same_as<Text, std::string> || std::same_as<Text, const char*>
void put_cell(std::string& text, const Text& value, Digits /*digits*/) { text += value; }

/// What can stand in a cell.
template <class Value>
concept CsvCell = requires(std::string& text, const Value& value, Digits digits) {
  put_cell(text, value, digits);
};
/// Empty where there is nothing.
template <CsvCell Value>
void put_cell(std::string& text, const std::optional<Value>& value, Digits digits) {
  if (value) put_cell(text, *value, digits);
}

}  // namespace cleave
