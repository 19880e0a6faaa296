#include "sim/base/child_process.h"

#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <new>
#include <utility>

#include "sim/base/error.h"

namespace cleave {

namespace {

constexpr char kGood = '+';
constexpr char kBad = '-';
constexpr char kBroken = '!';
constexpr char kOther = '?';

void write_all(int descriptor, const std::string& text) {
  for (std::size_t done = 0; done < text.size();) {
    const ssize_t n = write(descriptor, text.data() + done, text.size() - done);
    if (n < 0 && errno != EINTR) return;
    if (n > 0) done += static_cast<std::size_t>(n);
  }
}

[[noreturn]] void cannot_start() {
  throw InputError(std::string("cannot start a process: ") + std::strerror(errno));
}

[[noreturn]] void be_child(pid_t parent, int descriptor, const std::function<std::string()>& work) {
  // However the parent ends, nobody would read what comes of the work.
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) _exit(1);
  try {
    write_all(descriptor, kGood + work());
  } catch (const InputError& error) {
    write_all(descriptor, kBad + std::string(error.what()));
  } catch (const std::bad_alloc& error) {
    write_all(descriptor, kBad + sentence_of(error));
  } catch (const BrokenInvariant& error) {
    write_all(descriptor, kBroken + std::string(error.what()));
  } catch (const std::exception& error) {
    write_all(descriptor, kOther + std::string(error.what()));
  }
  // Not exit(): what the parent has open and buffered is the parent's to flush.
  _exit(0);
}

}  // namespace

ChildProcess::ChildProcess(const std::function<std::string()>& work) {
  std::array<int, 2> ends{};
  if (pipe(ends.data()) != 0) cannot_start();
  const pid_t parent = getpid();
  pid_ = fork();
  if (pid_ < 0) cannot_start();
  if (pid_ == 0) {
    close(ends[0]);
    be_child(parent, ends[1], work);
  }
  close(ends[1]);
  pipe_ = ends[0];
}

ChildProcess::ChildProcess(ChildProcess&& other) noexcept
    : pid_(std::exchange(other.pid_, -1)),
      pipe_(std::exchange(other.pipe_, -1)),
      said_(std::move(other.said_)) {}

ChildProcess::~ChildProcess() {
  if (pipe_ >= 0) close(pipe_);
  if (pid_ <= 0) return;
  kill(pid_, SIGKILL);
  waitpid(pid_, nullptr, 0);
}

bool ChildProcess::read() {
  std::array<char, 1 << 16> block{};
  const ssize_t n = ::read(pipe_, block.data(), block.size());
  if (n < 0) return errno != EINTR;
  said_.append(block.data(), static_cast<std::size_t>(n));
  return n == 0;
}

std::string ChildProcess::result() {
  while (!read()) {
  }
  int status = 0;
  waitpid(std::exchange(pid_, -1), &status, 0);
  if (WIFSIGNALED(status)) {
    throw ChildDied(std::string("the run died: ") + strsignal(WTERMSIG(status)));
  }
  if (said_.empty()) {
    throw InputError("the run ended with exit code " + std::to_string(WEXITSTATUS(status)));
  }
  if (said_.front() == kBad) throw InputError(said_.substr(1));
  if (said_.front() == kBroken) throw BrokenInvariant(said_.substr(1));
  if (said_.front() == kOther) throw std::runtime_error(said_.substr(1));
  return said_.substr(1);
}

std::string in_child(const std::function<std::string()>& work) {
  return ChildProcess(work).result();
}

}  // namespace cleave
