// How fast a trace file is read: the best of three passes.
//     bench_reading FILE
#include <algorithm>
#include <chrono>
#include <filesystem>
#include <iostream>

#include "traces/trace_reader.h"

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  constexpr double kMb = 1e6;
  double best_s = 1e9;
  std::uint64_t tokens = 0;
  std::uint64_t rows = 0;
  for (int pass = 0; pass < 3; ++pass) {
    const auto start = std::chrono::steady_clock::now();
    const auto source = cleave::open_trace(argv[1]);
    cleave::Request request;
    for (rows = 0; source->next(request); ++rows) tokens += request.prompt_tokens;
    best_s = std::min(
        best_s, std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
  }
  std::cout << "trace_rows " << rows << '\n'
            << "trace_mb_per_s "
            << static_cast<double>(std::filesystem::file_size(argv[1])) / kMb / best_s << '\n';
  return tokens > 0 ? 0 : 1;
}
