#include "sim/cli/standard_output.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <iostream>

#include "sim/base/error.h"

namespace cleave {

StandardOutput::StandardOutput() {
  setp(buffer_.data(), buffer_.data() + buffer_.size());
  std::cout.rdbuf(this);
  // What this throws goes through std::cout as it is.
  std::cout.exceptions(std::ios::badbit);
}

StandardOutput::int_type StandardOutput::overflow(int_type character) {
  write_out();
  if (traits_type::eq_int_type(character, traits_type::eof()))
    return traits_type::not_eof(character);
  return sputc(traits_type::to_char_type(character));
}

int StandardOutput::sync() {
  write_out();
  return 0;
}

void StandardOutput::write_out() {
  const char* at = pbase();
  const char* const end = pptr();
  // Empty from here on: what could not be written is not tried again.
  setp(buffer_.data(), buffer_.data() + buffer_.size());
  while (at != end) {
    const ssize_t written = write(STDOUT_FILENO, at, static_cast<std::size_t>(end - at));
    if (written < 0 && errno != EINTR) {
      throw InputError(std::string("standard output: cannot be written: ") + std::strerror(errno));
    }
    if (written > 0) at += written;
  }
}

void fill_closed_streams() {
  for (const int stream : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
    if (fcntl(stream, F_GETFD) >= 0) continue;
    // The lowest free descriptor is this one.
    if (open("/dev/null", stream == STDIN_FILENO ? O_WRONLY : O_RDONLY) < 0) return;
  }
}

}  // namespace cleave
