#pragma once

#include "sim/explore/sweep.h"

namespace cleave {

/// Whether this process is one of several that Open MPI's mpirun has started.
bool is_mpi_run();

/// The processes of one mpirun: the first owns the results and hands out points, the others run
/// them. All of them leave together, when this goes.
class MpiRanks {
 public:
  /// Throws InputError where this program was built without MPI.
  MpiRanks();
  ~MpiRanks();
  MpiRanks(const MpiRanks&) = delete;
  MpiRanks& operator=(const MpiRanks&) = delete;

  bool is_first() const { return rank_ == 0; }
  /// The first: until every point of `queue` is recorded.
  void serve(PointQueue& queue);
  /// The others: until there are no more points, `parallel` at a time.
  void work(std::size_t parallel);
  /// Ends all processes at once.
  void abort(int exit_code);

 private:
  void answer(PointQueue* queue);

  int rank_ = 0;
  int size_ = 1;
  int leaving_ = 0;                ///< ranks that were told that there are no more points
  std::uint64_t outstanding_ = 0;  ///< points handed out whose results are to come
};

}  // namespace cleave
