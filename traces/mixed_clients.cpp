#include "traces/mixed_clients.h"

#include <utility>
#include <vector>

#include "sim/base/indexed_heap.h"
#include "sim/base/random.h"
#include "traces/gamma_gaps.h"
#include "traces/generator.h"
#include "traces/rate_curve.h"

namespace cleave {

namespace {

/// A client as it sends: a gamma process in the time in which its rate is 1.
class Sender {
 public:
  Sender(const Distribution& traffic, double rate_factor, bool paired, std::uint64_t seed)
      : rate_(RateCurve::of_steps(traffic.rates_rps, traffic.rate_bin_s, rate_factor)),
        gaps_(traffic.gap_cv, Random(seed, kArrivalStream)),
        lengths_(quantile_lengths(traffic, paired, seed)),
        elapsed_(gaps_.first()) {}

  double next_s() const { return rate_.time_of(elapsed_); }
  void send(Request& request) {
    lengths_->draw(request);
    elapsed_ += gaps_.next();
  }

 private:
  RateCurve rate_;
  GammaGaps gaps_;
  std::unique_ptr<Lengths> lengths_;
  double elapsed_;  ///< in mean gaps, of its next request
};

class MixedClients final : public RequestSource {
 public:
  MixedClients(const ClientMix& mix, const MixedClientsSettings& settings) {
    const double factor = settings.rate_rps ? *settings.rate_rps / mix.mean_rate_rps() : 1;
    const std::uint64_t seed = hash_of(settings.seed, kClientStream);
    positions_.resize(mix.clients.size());
    for (std::size_t number = 0; number < mix.clients.size(); ++number) {
      const Distribution& traffic = mix.clients[number].traffic;
      if (!(traffic.mean_rate_rps > 0)) continue;
      const auto id = static_cast<std::uint32_t>(senders_.size());
      senders_.emplace_back(traffic, factor, settings.paired, hash_of(seed, number));
      next_.push({senders_.back().next_s(), id}, id);
    }
  }

  bool next(Request& request) override {
    const std::uint32_t id = next_.top().id;
    request.arrival_s = next_.top().key.first;
    request.line = ++count_;
    senders_[id].send(request);
    next_.update({senders_[id].next_s(), id}, id);
    return true;
  }

 private:
  using Next = IndexedHeap<std::pair<double, std::uint32_t>>;  ///< by time, then by number

  std::vector<Sender> senders_;
  Next::Positions positions_;
  Next next_{positions_};
  std::uint64_t count_ = 0;
};

}  // namespace

SourcePtr mixed_clients(const ClientMix& mix, const MixedClientsSettings& settings) {
  return std::make_unique<MixedClients>(mix, settings);
}

}  // namespace cleave
