#pragma once

#include <cstddef>
#include <string>

namespace cleave {

/// The bytes of a regular file, mapped for one pass from front to back.
class MappedFile {
 public:
  /// Throws InputError naming the file if it is missing, not a regular file, unreadable or empty.
  explicit MappedFile(std::string path);
  ~MappedFile();
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;

  const std::string& path() const { return path_; }
  const char* begin() const { return bytes_; }
  const char* end() const { return bytes_ + size_; }

  /// Gives back the memory of what lies before `at`, so that a pass over many gigabytes stays
  /// small.
  void drop_before(const char* at);

 private:
  std::string path_;
  const char* bytes_ = nullptr;
  std::size_t size_ = 0;
  std::size_t dropped_ = 0;
};

}  // namespace cleave
