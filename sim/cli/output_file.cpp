#include "sim/cli/output_file.h"

#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <iostream>
#include <utility>

#include "sim/base/error.h"

namespace cleave {

namespace fs = std::filesystem;

namespace {

std::string cannot_write(int error) {
  return std::string("cannot be written: ") + std::strerror(error);
}

}  // namespace

OutputFile::OutputFile(std::string name, std::string place)
    : name_(std::move(name)), place_(std::move(place)), target_(name_) {
  if (is_stdout()) return;
  std::error_code error;
  const fs::file_status status = fs::status(target_, error);
  if (name_.empty() || fs::is_directory(status)) fail("expected the name of a file");
  if (fs::exists(status) && !fs::is_regular_file(status)) {
    file_.open(target_, std::ios::binary);
  } else {
    // A link keeps pointing to where the text goes.
    if (fs::is_symlink(target_, error)) target_ = fs::weakly_canonical(target_, error);
    partial_ = target_;
    partial_ += ".partial-" + std::to_string(getpid());
    file_.open(partial_, std::ios::binary | std::ios::trunc);
  }
  if (!file_) {
    const int why = errno;
    partial_.clear();
    fail(cannot_write(why));
  }
}

OutputFile::~OutputFile() {
  if (partial_.empty()) return;
  file_.close();
  std::error_code ignored;
  fs::remove(partial_, ignored);
}

std::ostream& OutputFile::stream() { return is_stdout() ? std::cout : file_; }

void OutputFile::commit() {
  errno = 0;
  stream().flush();
  if (!is_stdout()) file_.close();
  // Where an earlier write failed, its reason is no longer known.
  if (!stream()) fail(errno == 0 ? "cannot be written" : cannot_write(errno));
  if (partial_.empty()) return;
  std::error_code error;
  fs::rename(partial_, target_, error);
  if (error) fail("cannot be written: " + error.message());
  partial_.clear();
}

void OutputFile::fail(const std::string& why) const {
  throw InputError((is_stdout() ? "standard output" : place_ + " " + name_) + ": " + why);
}

}  // namespace cleave
