#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace cleave::fuzz {

/// Changes at most `most` bytes in place and gives their new number.
using MutateBytes = std::size_t (*)(std::uint8_t* data, std::size_t size, std::size_t most);

/// `text` with one value of it replaced, removed, repeated, renamed or changed by `mutate`, still
/// JSON; "" where it is none.
std::string mutate_json(const std::string& text, unsigned seed, MutateBytes mutate);

}  // namespace cleave::fuzz
