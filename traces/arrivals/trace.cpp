#include <cmath>

#include "sim/base/error.h"
#include "traces/arrivals.h"
#include "traces/generator.h"
#include "traces/portable_math.h"

namespace cleave {
namespace {

/// A distribution's rate over time, scaled to the mean rate asked for, from its start again when it
/// ends: a Poisson process in the time in which the rate is 1.
class RateOverTime final : public ArrivalProcess {
 public:
  explicit RateOverTime(const ArrivalSettings& settings)
      : rates_(settings.distribution->rates_rps),
        bin_s_(settings.distribution->rate_bin_s),
        random_(settings.seed, kArrivalStream) {
    if (settings.rate_rps == 0) return;
    double mean = 0;
    for (const double rate : rates_) mean += rate / static_cast<double>(rates_.size());
    for (double& rate : rates_) rate *= settings.rate_rps / mean;
  }

  bool next(double& arrival_s) override {
    left_ -= portable_log(random_.uniform());
    while (left_ >= rate() * (bin_s_ - within_s_)) {
      left_ -= rate() * (bin_s_ - within_s_);
      within_s_ = 0;
      if (++bin_ == rates_.size()) begin_again();
    }
    within_s_ += left_ / rate();
    left_ = 0;
    const double bins = rounds_ * static_cast<double>(rates_.size()) + static_cast<double>(bin_);
    arrival_s = bins * bin_s_ + within_s_;
    return true;
  }

 private:
  double rate() const { return rates_[bin_]; }

  /// Passes at once over all rounds that end before the next arrival: there may be very many.
  void begin_again() {
    bin_ = 0;
    ++rounds_;
    double expected = 0;  // arrivals in a round
    for (const double rate : rates_) expected += rate * bin_s_;
    if (left_ < expected) return;
    rounds_ += std::floor(left_ / expected);
    left_ = std::fmod(left_, expected);
  }

  std::vector<double> rates_;
  double bin_s_;
  double rounds_ = 0;  // over all rates, before this one
  std::size_t bin_ = 0;
  double within_s_ = 0;  // of the bin
  double left_ = 0;      // expected arrivals until the next one
  Random random_;
};

/// A trace file's own arrivals, scaled in time to the mean rate asked for; ends with the file.
class OwnTimes final : public ArrivalProcess {
 public:
  explicit OwnTimes(const ArrivalSettings& settings) : source_(settings.trace()) {
    if (settings.rate_rps > 0) speed_ = settings.rate_rps / mean_rate(*settings.trace());
  }
  bool next(double& arrival_s) override {
    Request request;
    if (!source_->next(request)) return false;
    arrival_s = request.arrival_s / speed_;
    return true;
  }

 private:
  static double mean_rate(RequestSource& source) {
    Request request;
    std::uint64_t count = 0;
    double first_s = 0;
    double last_s = 0;
    for (; source.next(request); ++count) {
      if (count == 0) first_s = request.arrival_s;
      last_s = request.arrival_s;
    }
    const double span_s = last_s - first_s;
    if (span_s <= 0) {
      throw InputError(
          "workload.rate_rps: all requests of the trace arrive at once, so their rate "
          "cannot be scaled; leave out rate_rps");
    }
    return static_cast<double>(count - 1) / span_s;
  }

  SourcePtr source_;
  double speed_ = 1;
};

std::unique_ptr<ArrivalProcess> make(const ArrivalSettings& settings) {
  if (settings.trace) return std::make_unique<OwnTimes>(settings);
  if (settings.distribution == nullptr || settings.distribution->rates_rps.empty()) {
    throw InputError(
        "workload.arrivals: \"trace\" needs a trace with arrival rates over time; use "
        "\"poisson\" with rate_rps");
  }
  return std::make_unique<RateOverTime>(settings);
}

const ArrivalProcesses::Entry kEntry{
    "trace", "the trace's own rate over time (a file's own times), scaled to rate_rps if given",
    make};

}  // namespace
}  // namespace cleave
