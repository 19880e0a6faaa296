#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace cleave {

/// FNV-1a, 64 bits: tells contents apart; no protection against anybody.
class Fnv1a {
 public:
  void add(std::string_view bytes) {
    for (const char c : bytes) hash_ = (hash_ ^ static_cast<unsigned char>(c)) * 0x100000001b3ULL;
  }
  /// 16 hexadecimal digits.
  std::string text() const {
    std::string text(16, '0');
    std::uint64_t rest = hash_;
    for (auto digit = text.rbegin(); digit != text.rend(); ++digit, rest >>= 4) {
      *digit = "0123456789abcdef"[rest & 15];
    }
    return text;
  }

 private:
  std::uint64_t hash_ = 0xcbf29ce484222325ULL;
};

}  // namespace cleave
