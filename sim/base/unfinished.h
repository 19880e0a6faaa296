#pragma once

#include <atomic>
#include <string>

namespace cleave {

/// A file, or a folder with nothing else in it, that must not stay unless it is finished: it is
/// removed when this goes, and where a signal ends the process.
class Unfinished {
 public:
  explicit Unfinished(std::string path);
  ~Unfinished();
  Unfinished(const Unfinished&) = delete;
  Unfinished& operator=(const Unfinished&) = delete;

  const std::string& path() const { return path_; }
  /// It is finished, or no longer there under this name: it stays.
  void keep();

  /// Makes Ctrl-C, SIGTERM, SIGHUP and a closed pipe remove what this process (not its children)
  /// has unfinished before they end it; whichever of them the caller ignores stays ignored.
  static void remove_on_signals();

 private:
  static void end_process(int signal);

  static std::atomic<Unfinished*> latest_;
  std::string path_;
  std::atomic<Unfinished*> before_;
  bool kept_ = false;
};

}  // namespace cleave
