#include "sim/explore/process_pool.h"

#include <chrono>
#include <stdexcept>
#include <thread>

#include "tests/catch.h"

namespace cleave {

TEST_CASE("process pool: what a result makes its hearer throw ends the jobs that still run") {
  const auto start = std::chrono::steady_clock::now();
  std::size_t jobs = 0;
  const auto run = [&] {
    run_jobs(
        2,
        [&](std::size_t& job) {
          job = jobs++;
          return job < 2;
        },
        [](std::size_t job) {
          if (job == 1) std::this_thread::sleep_for(std::chrono::minutes(1));
          return std::to_string(job);
        },
        [](std::size_t job, const JobResult& result) {
          CHECK(job == 0);
          CHECK(result.text == "0");
          throw std::runtime_error("enough");
        });
  };
  CHECK_THROWS_WITH(run(), "enough");
  CHECK(std::chrono::steady_clock::now() - start < std::chrono::seconds(30));
}

}  // namespace cleave
