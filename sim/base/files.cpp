#include "sim/base/files.h"

#include <system_error>

namespace cleave {

namespace fs = std::filesystem;

bool file_exists(const fs::path& path) {
  std::error_code none;
  return fs::exists(path, none);
}

fs::path behind_links(fs::path path) {
  constexpr int kMostLinks = 40;  // as the kernel
  std::error_code error;
  for (int i = 0; i < kMostLinks && fs::is_symlink(path, error); ++i) {
    path = path.parent_path() / fs::read_symlink(path, error);
  }
  return path;
}

}  // namespace cleave
