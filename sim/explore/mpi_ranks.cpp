#include "sim/explore/mpi_ranks.h"

#include <cstdlib>

#include "sim/base/error.h"

#ifdef CLEAVE_MPI
#define OMPI_SKIP_MPICXX 1
#include <mpi.h>

#include <chrono>
#include <thread>
#endif

namespace cleave {

bool is_mpi_run() {
  const char* size = std::getenv("OMPI_COMM_WORLD_SIZE");
  return size != nullptr && std::atoi(size) > 1;
}

#ifdef CLEAVE_MPI

namespace {

// What a message is. Its text begins with the number of the point and a line feed; a result goes on
// with + and the summary, - and the error, or ! and the signal that ended it.
constexpr int kAsk = 1;
constexpr int kResult = 2;
constexpr int kPoint = 3;
constexpr int kNoMore = 4;

/// MPI's own waiting keeps a core busy that could run points.
template <class Ready>
void wait_for(const Ready& ready) {
  while (!ready()) std::this_thread::sleep_for(std::chrono::milliseconds(1));
}

struct Message {
  int from = 0;
  int kind = 0;
  std::size_t point = 0;
  std::string text;
};

void send(int to, int kind, std::size_t point, const std::string& text) {
  const std::string bytes = std::to_string(point) + "\n" + text;
  MPI_Send(bytes.data(), static_cast<int>(bytes.size()), MPI_CHAR, to, kind, MPI_COMM_WORLD);
}

Message receive(int from) {
  MPI_Status status;
  wait_for([&] {
    int here = 0;
    MPI_Iprobe(from, MPI_ANY_TAG, MPI_COMM_WORLD, &here, &status);
    return here != 0;
  });
  int size = 0;
  MPI_Get_count(&status, MPI_CHAR, &size);
  std::string bytes(static_cast<std::size_t>(size), '\0');
  MPI_Recv(bytes.data(), size, MPI_CHAR, status.MPI_SOURCE, status.MPI_TAG, MPI_COMM_WORLD,
           MPI_STATUS_IGNORE);
  return {status.MPI_SOURCE, status.MPI_TAG, std::stoull(bytes),
          bytes.substr(bytes.find('\n') + 1)};
}

}  // namespace

MpiRanks::MpiRanks() {
  // Messages are small, and the other way between processes is forbidden in many containers.
  setenv("OMPI_MCA_btl_vader_single_copy_mechanism", "none", 0);
  MPI_Init(nullptr, nullptr);
  MPI_Comm_rank(MPI_COMM_WORLD, &rank_);
  MPI_Comm_size(MPI_COMM_WORLD, &size_);
}

MpiRanks::~MpiRanks() {
  // Where the first rank gives up early, the others learn it from its answers.
  while (rank_ == 0 && (leaving_ < size_ - 1 || outstanding_ > 0)) answer(nullptr);
  MPI_Request all_here;
  MPI_Ibarrier(MPI_COMM_WORLD, &all_here);
  wait_for([&] {
    int here = 0;
    MPI_Test(&all_here, &here, MPI_STATUS_IGNORE);
    return here != 0;
  });
  MPI_Finalize();
}

void MpiRanks::serve(PointQueue& queue) {
  while (leaving_ < size_ - 1 || outstanding_ > 0) answer(&queue);
}

/// Takes one message; without a queue there are no more points, and results are dropped.
void MpiRanks::answer(PointQueue* queue) {
  const Message message = receive(MPI_ANY_SOURCE);
  if (message.kind == kResult) {
    --outstanding_;
    const std::string text = message.text.substr(1);
    const char how = message.text.front();
    if (queue != nullptr) {
      queue->record(message.point, {how == '+' ? text : "", how == '+' ? "" : text, how == '!'});
    }
    return;
  }
  std::size_t point = 0;
  std::string scenario;
  bool more = false;
  try {
    more = queue != nullptr && queue->next(point, scenario);
  } catch (const InputError&) {
    ++leaving_;
    send(message.from, kNoMore, 0, "");
    throw;
  }
  if (more) {
    ++outstanding_;
    send(message.from, kPoint, point, scenario);
  } else {
    ++leaving_;
    send(message.from, kNoMore, 0, "");
  }
}

void MpiRanks::work(std::size_t parallel) {
  run_point_jobs(
      parallel,
      [](std::size_t& point, std::string& scenario) {
        send(0, kAsk, 0, "");
        Message message = receive(0);
        point = message.point;
        scenario = std::move(message.text);
        return message.kind == kPoint;
      },
      [](std::size_t point, const JobResult& result) {
        send(0, kResult, point,
             result.error.empty() ? "+" + result.text : (result.died ? "!" : "-") + result.error);
      });
}

void MpiRanks::abort(int exit_code) { MPI_Abort(MPI_COMM_WORLD, exit_code); }

#else

MpiRanks::MpiRanks() {
  throw InputError(
      "mpirun has started several processes, but this cleave was built without MPI; "
      "expected a build with Open MPI (libopenmpi-dev), or shards");
}
MpiRanks::~MpiRanks() = default;
void MpiRanks::serve(PointQueue& queue) { run_points(queue, 1); }
void MpiRanks::work(std::size_t) {}
void MpiRanks::abort(int) {}

#endif

}  // namespace cleave
