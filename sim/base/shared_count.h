#pragma once

#include <sys/mman.h>

#include <atomic>
#include <cstddef>
#include <new>

namespace cleave {

/// A number that this process and all forked from it count up together.
class SharedCount {
 public:
  SharedCount() {
    void* place =
        mmap(nullptr, sizeof *count_, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (place == MAP_FAILED) throw std::bad_alloc();
    count_ = new (place) std::atomic<std::size_t>(0);
  }
  ~SharedCount() { munmap(count_, sizeof *count_); }
  SharedCount(const SharedCount&) = delete;
  SharedCount& operator=(const SharedCount&) = delete;

  std::size_t up() { return ++*count_; }

 private:
  std::atomic<std::size_t>* count_ = nullptr;
};

}  // namespace cleave
