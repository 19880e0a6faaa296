#include "sim/core/content.h"

namespace cleave {

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
