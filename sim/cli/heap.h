#pragma once

namespace cleave {

/// For who simulates: memory that was freed stays for the next who wants some, and what is taken
/// first comes in pages of 2 MiB where the system gives these to whoever asks. In a large cluster
/// each event looks at memory far from that of the last, and a page's address takes as long to find
/// as what is there; and each run of a sweep begins with no memory of its own. Before anything
/// else. Nothing where addresses are limited (ulimit -v) or promised to all (vm.overcommit_memory
/// is 2), or the C library is not GNU's.
void prepare_heap();

}  // namespace cleave
