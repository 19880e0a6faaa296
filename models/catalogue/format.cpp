#include "models/catalogue/format.h"

#include <algorithm>
#include <array>

namespace cleave {

const std::vector<std::string>& format_names() {
  static const std::vector<std::string> all{"fp16", "fp8", "int8", "int4", "nvfp4", "mxfp4"};
  return all;
}

const std::string& format_name(Format format) {
  return format_names()[static_cast<std::size_t>(format)];
}

Format format_of(const std::string& name) {
  const auto& names = format_names();
  return static_cast<Format>(std::find(names.begin(), names.end(), name) - names.begin());
}

double bytes_each(Format format) {
  constexpr std::array kBytes{2.0, 1.0, 1.0, 4.25 / 8, 4.5 / 8, 4.25 / 8};
  return kBytes[static_cast<std::size_t>(format)];
}

}  // namespace cleave
