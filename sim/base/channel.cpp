#include "sim/base/channel.h"

#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

namespace cleave {

Channel::~Channel() { close(socket_); }

void Channel::append(const void* bytes, std::size_t count) {
  out_.append(static_cast<const char*>(bytes), count);
  if (out_.size() >= kBlock) flush();
}

void Channel::flush() {
  for (std::size_t done = 0; done < out_.size();) {
    const ssize_t n = send(socket_, out_.data() + done, out_.size() - done, MSG_NOSIGNAL);
    if (n < 0 && errno != EINTR) throw ChannelClosed();
    if (n > 0) done += static_cast<std::size_t>(n);
  }
  out_.clear();
}

void Channel::read(void* bytes, std::size_t count) {
  auto* to = static_cast<char*>(bytes);
  while (count > 0) {
    if (in_begin_ == in_end_) {
      const ssize_t n = recv(socket_, in_.data(), in_.size(), 0);
      if (n < 0 && errno == EINTR) continue;
      if (n <= 0) throw ChannelClosed();
      in_begin_ = 0;
      in_end_ = static_cast<std::size_t>(n);
    }
    const std::size_t here = std::min(count, in_end_ - in_begin_);
    std::memcpy(to, in_.data() + in_begin_, here);
    in_begin_ += here;
    to += here;
    count -= here;
  }
}

}  // namespace cleave
