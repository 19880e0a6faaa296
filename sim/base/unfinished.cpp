#include "sim/base/unfinished.h"

#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <utility>

namespace cleave {

namespace {

pid_t g_owner = 0;  // whose files they are; set before any handler is

}  // namespace

std::atomic<Unfinished*> Unfinished::latest_ = nullptr;

// Every change of the list is one store: a signal between two finds it whole.
Unfinished::Unfinished(std::string path) : path_(std::move(path)), before_(latest_.load()) {
  latest_ = this;
}

Unfinished::~Unfinished() {
  if (!kept_) std::remove(path_.c_str());
  keep();
}

void Unfinished::keep() {
  if (std::exchange(kept_, true)) return;
  std::atomic<Unfinished*>* link = &latest_;
  while (*link != this) link = &link->load()->before_;
  *link = before_.load();
}

void Unfinished::end_process(int signal) {
  if (getpid() == g_owner) {
    for (const Unfinished* file = latest_; file != nullptr; file = file->before_) {
      if (unlink(file->path_.c_str()) != 0) rmdir(file->path_.c_str());
    }
  }
  std::signal(signal, SIG_DFL);
  std::raise(signal);
}

void Unfinished::remove_on_signals() {
  g_owner = getpid();
  for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGPIPE}) {
    struct sigaction now {};
    sigaction(signal, nullptr, &now);
    if (now.sa_handler != SIG_IGN) std::signal(signal, end_process);
  }
}

}  // namespace cleave
