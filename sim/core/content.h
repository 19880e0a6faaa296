#pragma once

#include <cstdint>
#include <vector>

namespace cleave {

/// Tokens of a request, from the end of the extent before (or from the first) up to `end`, counted
/// from 1. In two requests equal ids behind equal extents are equal tokens.
struct Extent {
  std::uint32_t end = 0;
  std::uint64_t id = 0;
};
/// What the first tokens of a request are. Behind the last extent, and where there is none, they
/// are like nobody else's.
using Content = std::vector<Extent>;

/// How many tokens both begin with.
std::uint32_t common_tokens(const Content& a, const Content& b);

/// Drops what lies behind `tokens`.
void cut(Content& content, std::uint32_t tokens);

}  // namespace cleave
