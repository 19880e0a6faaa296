#include "traces/arrivals.h"

namespace cleave {
namespace {

/// Equal gaps; the first request arrives at 0.
class Constant final : public ArrivalProcess {
 public:
  explicit Constant(const ArrivalSettings& settings) : rate_rps_(settings.rate_rps) {}
  bool next(double& arrival_s) override {
    arrival_s = static_cast<double>(count_++) / rate_rps_;
    return true;
  }

 private:
  double rate_rps_;
  std::uint64_t count_ = 0;
};

const ArrivalProcesses::Entry kEntry{
    "constant", "one arrival every 1/rate_rps seconds",
    [](const ArrivalSettings& settings) { return std::make_unique<Constant>(settings); }};

}  // namespace
}  // namespace cleave
