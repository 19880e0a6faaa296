#include "sim/cli/output_file.h"

#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <iostream>
#include <utility>

#include "sim/base/error.h"
#include "sim/base/files.h"

namespace cleave {

namespace fs = std::filesystem;

namespace {

std::string cannot_write(int error) {
  return std::string("cannot be written: ") + std::strerror(error);
}

}  // namespace

OutputFile::OutputFile(std::string name, std::string place)
    : name_(std::move(name)), place_(std::move(place)), target_(behind_links(name_)) {
  if (is_stdout()) return;
  std::error_code error;
  const fs::file_status status = fs::status(target_, error);
  if (name_.empty() || fs::is_directory(status)) fail("expected the name of a file");
  if (status.type() == fs::file_type::none) fail(cannot_write(error.value()));
  if (fs::exists(status) && !fs::is_regular_file(status)) {
    file_.open(target_, std::ios::binary);
  } else {
    partial_.emplace(target_.string() + ".partial-" + std::to_string(getpid()));
    file_.open(partial_->path(), std::ios::binary | std::ios::trunc);
  }
  if (!file_) fail(cannot_write(errno));
}

std::ostream& OutputFile::stream() { return is_stdout() ? std::cout : file_; }

std::string OutputFile::path() const {
  if (!partial_) fail("expected the name of a file");
  return partial_->path();
}

void OutputFile::commit() {
  errno = 0;
  stream().flush();
  if (!is_stdout()) file_.close();
  // Where an earlier write failed, its reason is no longer known.
  if (!stream()) fail(errno == 0 ? "cannot be written" : cannot_write(errno));
  if (!partial_) return;
  std::error_code error;
  fs::rename(partial_->path(), target_, error);
  if (error) fail(cannot_write(error.value()));
  partial_->keep();
}

void OutputFile::fail(const std::string& why) const {
  throw InputError((is_stdout() ? "standard output" : place_ + " " + name_) + ": " + why);
}

}  // namespace cleave
