#include "traces/mapped_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <system_error>
#include <utility>

#include "sim/base/error.h"

namespace cleave {

namespace {

std::string reason() { return std::generic_category().message(errno); }

}  // namespace

MappedFile::MappedFile(std::string path) : path_(std::move(path)) {
  struct stat status {};
  if (::stat(path_.c_str(), &status) != 0) {
    throw InputError(path_ + ": cannot be opened (" + reason() + "); expected a trace file");
  }
  if (S_ISDIR(status.st_mode)) {
    throw InputError(path_ + ": is a directory; expected a trace file");
  }
  if (!S_ISREG(status.st_mode)) {
    throw InputError(path_ + ": is not a regular file; save the trace to a file first");
  }
  if (status.st_size == 0) {
    throw InputError(path_ + ": is empty; expected a trace with at least one request");
  }
  const int file = ::open(path_.c_str(), O_RDONLY | O_CLOEXEC);
  if (file < 0) {
    throw InputError(path_ + ": cannot be opened (" + reason() + "); expected a trace file");
  }
  size_ = static_cast<std::size_t>(status.st_size);
  void* mapped = ::mmap(nullptr, size_, PROT_READ, MAP_PRIVATE, file, 0);
  ::close(file);
  if (mapped == MAP_FAILED) throw InputError(path_ + ": cannot be read (" + reason() + ")");
  ::madvise(mapped, size_, MADV_SEQUENTIAL);
  bytes_ = static_cast<const char*>(mapped);
}

MappedFile::~MappedFile() { ::munmap(const_cast<char*>(bytes_), size_); }

void MappedFile::drop_before(const char* at) {
  constexpr std::size_t kStep = std::size_t{16} << 20;
  const auto passed = static_cast<std::size_t>(at - bytes_) / kStep * kStep;
  if (passed <= dropped_) return;
  ::madvise(const_cast<char*>(bytes_) + dropped_, passed - dropped_, MADV_DONTNEED);
  dropped_ = passed;
}

}  // namespace cleave
