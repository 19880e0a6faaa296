#include "sim/cli/heap.h"

#include <malloc.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include <cstdint>
#include <cstdlib>
#include <fstream>

namespace cleave {

#ifdef __GLIBC__

namespace {

bool is_limited(decltype(RLIMIT_AS) what) {
  rlimit limit{};
  return getrlimit(what, &limit) != 0 || limit.rlim_cur != RLIM_INFINITY;
}

/// Whether the system counts addresses as if all were used, of each process that a sweep forks too.
bool addresses_are_counted() {
  char mode = '0';
  std::ifstream("/proc/sys/vm/overcommit_memory") >> mode;
  return mode == '2' || is_limited(RLIMIT_AS) || is_limited(RLIMIT_DATA);
}

}  // namespace

void prepare_heap() {
  constexpr std::size_t kPage = std::size_t{1} << 21;
  constexpr int kReserved = 1 << 29;  // addresses, not memory: what is never used is never there
  constexpr int kOwnPages = 1 << 25;  // from here on an allocation has pages of its own
  constexpr int kMostOwn = 1 << 16;
  if (addresses_are_counted()) return;
  mallopt(M_TRIM_THRESHOLD, 2 * kReserved - 1);
  mallopt(M_MMAP_MAX, 0);
  void* reserved = std::malloc(kReserved);
  if (reserved != nullptr) {
    const auto from = (reinterpret_cast<std::uintptr_t>(reserved) + kPage - 1) / kPage * kPage;
    madvise(reinterpret_cast<void*>(from), kReserved - kPage, MADV_HUGEPAGE);
    std::free(reserved);
  }
  mallopt(M_MMAP_MAX, kMostOwn);
  mallopt(M_MMAP_THRESHOLD, kOwnPages);
}

#else

void prepare_heap() {}

#endif

}  // namespace cleave
