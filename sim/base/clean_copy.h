#pragma once

namespace cleave {

/// A copy of this process as it was when this was made: it sleeps, and others are forked from it,
/// for work that needs what this process has used up since. None of them is a child of this
/// process; all end with it, and have only its standard error open.
class CleanCopy {
 public:
  /// What each of them does, with its end of a socket.
  using Work = void (*)(int socket) noexcept;

  /// Throws InputError where no process can be started.
  explicit CleanCopy(Work work);
  ~CleanCopy();
  CleanCopy(const CleanCopy&) = delete;
  CleanCopy& operator=(const CleanCopy&) = delete;

  /// Starts the work in a process of its own and gives our end of its socket, which is the
  /// caller's. The process ends when that is closed and it reads or writes.
  int start() const;

 private:
  int socket_ = -1;
};

}  // namespace cleave
