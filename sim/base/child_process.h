#pragma once

#include <sys/types.h>

#include <functional>
#include <string>

#include "sim/base/error.h"

namespace cleave {

/// A signal has ended the child: what it worked on is not to blame for that.
class ChildDied : public InputError {
 public:
  using InputError::InputError;
};

/// Work done in a forked copy of this process: the network engine's clock starts once per process.
/// The child's result comes back as text. It ends with its parent, however that ends, and with
/// this object.
class ChildProcess {
 public:
  /// Starts `work` in a child; its standard output is left unflushed and unused.
  explicit ChildProcess(const std::function<std::string()>& work);
  ~ChildProcess();
  ChildProcess(ChildProcess&& other) noexcept;
  ChildProcess& operator=(ChildProcess&&) = delete;

  /// Readable when the child has something to say or has ended; for poll().
  int descriptor() const { return pipe_; }
  /// Takes what the child has said; true once it has ended.
  bool read();
  /// What the child returned; waits for it. Throws what the child threw, or how it died.
  std::string result();

 private:
  pid_t pid_ = -1;
  int pipe_ = -1;
  std::string said_;
};

/// `work` in a child, waited for.
std::string in_child(const std::function<std::string()>& work);

}  // namespace cleave
