#include "sim/core/content.h"

#include <algorithm>

namespace cleave {

std::uint32_t common_tokens(const Content& a, const Content& b) {
  std::uint32_t common = 0;
  for (std::size_t i = 0; i < std::min(a.size(), b.size()) && a[i].id == b[i].id; ++i) {
    common = std::min(a[i].end, b[i].end);
    if (a[i].end != b[i].end) break;
  }
  return common;
}

void cut(Content& content, std::uint32_t tokens) {
  while (!content.empty() && content.back().end > tokens) {
    const std::uint32_t begin = content.size() > 1 ? content[content.size() - 2].end : 0;
    if (begin < tokens) {
      content.back().end = tokens;
    } else {
      content.pop_back();
    }
  }
}

}  // namespace cleave
