#include "traces/arrivals.h"

namespace cleave {
namespace {

/// Every request is there from the beginning.
class AtOnce final : public ArrivalProcess {
 public:
  bool next(double& arrival_s) override {
    arrival_s = 0;
    return true;
  }
};

std::unique_ptr<ArrivalProcess> make(const ArrivalSettings&) { return std::make_unique<AtOnce>(); }

const ArrivalProcesses::Entry kClosed{
    "closed", "concurrency clients: each sends its next request when its last is completed", make};
const ArrivalProcesses::Entry kInfinite{"infinite", "all requests at once", make};

}  // namespace
}  // namespace cleave
