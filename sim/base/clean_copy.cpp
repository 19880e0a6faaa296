#include "sim/base/clean_copy.h"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <string>

#include "sim/base/error.h"

namespace cleave {

namespace {

[[noreturn]] void cannot_start(int error) {
  throw InputError(std::string("cannot start a process: ") + std::strerror(error));
}

std::array<int, 2> socket_pair(int type) {
  std::array<int, 2> ends{};
  if (socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, ends.data()) != 0) cannot_start(errno);
  return ends;
}

/// A message of one byte that carries a descriptor.
class Parcel {
 public:
  Parcel() {
    header_.msg_iov = &content_;
    header_.msg_iovlen = 1;
    header_.msg_control = space_.data();
    header_.msg_controllen = space_.size();
  }
  Parcel(const Parcel&) = delete;
  Parcel& operator=(const Parcel&) = delete;

  bool send(int socket, int descriptor) {
    cmsghdr* part = CMSG_FIRSTHDR(&header_);
    part->cmsg_level = SOL_SOCKET;
    part->cmsg_type = SCM_RIGHTS;
    part->cmsg_len = CMSG_LEN(sizeof descriptor);
    std::memcpy(CMSG_DATA(part), &descriptor, sizeof descriptor);
    ssize_t sent = -1;
    do {
      sent = sendmsg(socket, &header_, MSG_NOSIGNAL);
    } while (sent < 0 && errno == EINTR);
    return sent == 1;
  }
  /// The descriptor, or -1 once nobody is left who could send one.
  int receive(int socket) {
    ssize_t got = -1;
    do {
      got = recvmsg(socket, &header_, MSG_CMSG_CLOEXEC);
    } while (got < 0 && errno == EINTR);
    const cmsghdr* part = got == 1 ? CMSG_FIRSTHDR(&header_) : nullptr;
    if (part == nullptr || part->cmsg_type != SCM_RIGHTS) return -1;
    int descriptor = -1;
    std::memcpy(&descriptor, CMSG_DATA(part), sizeof descriptor);
    return descriptor;
  }

 private:
  char byte_ = 0;
  iovec content_{&byte_, 1};
  alignas(cmsghdr) std::array<char, CMSG_SPACE(sizeof(int))> space_{};
  msghdr header_{};
};

/// Whatever else the process had open, ends of pipes above all, others may wait to see closed.
void keep_open_only(int socket) {
  const int nothing = open("/dev/null", O_RDWR | O_CLOEXEC);
  if (nothing >= 0) {
    dup2(nothing, STDIN_FILENO);
    dup2(nothing, STDOUT_FILENO);
  }
  if (socket > STDERR_FILENO + 1) close_range(STDERR_FILENO + 1, socket - 1, 0);
  close_range(socket + 1, ~0U, 0);
}

[[noreturn]] void serve(int socket, CleanCopy::Work work) {
  // Ctrl-C at a terminal is for the process itself, which may go on.
  setsid();
  for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGPIPE}) std::signal(signal, SIG_DFL);
  std::signal(SIGCHLD, SIG_IGN);  // nobody asks how they ended, and so none stays a zombie
  keep_open_only(socket);
  for (;;) {
    const int descriptor = Parcel().receive(socket);
    if (descriptor < 0) _exit(0);
    if (fork() == 0) {
      prctl(PR_SET_PDEATHSIG, SIGKILL);
      std::signal(SIGCHLD, SIG_DFL);
      close(socket);
      work(descriptor);
      _exit(0);
    }
    close(descriptor);
  }
}

}  // namespace

CleanCopy::CleanCopy(Work work) {
  const std::array<int, 2> ends = socket_pair(SOCK_SEQPACKET);
  const pid_t between = fork();
  if (between == 0) {
    const pid_t copy = fork();
    if (copy == 0) serve(ends[1], work);
    _exit(copy < 0 ? errno : 0);
  }
  const int error = errno;
  close(ends[1]);
  socket_ = ends[0];
  int status = 0;
  while (between > 0 && waitpid(between, &status, 0) < 0 && errno == EINTR) {
  }
  if (between > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0) return;
  close(socket_);
  cannot_start(between < 0 ? error : WEXITSTATUS(status));
}

CleanCopy::~CleanCopy() { close(socket_); }

int CleanCopy::start() const {
  const std::array<int, 2> ends = socket_pair(SOCK_STREAM);
  const bool sent = Parcel().send(socket_, ends[1]);
  const int error = errno;
  close(ends[1]);
  if (sent) return ends[0];
  close(ends[0]);
  cannot_start(error);
}

}  // namespace cleave
