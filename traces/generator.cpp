#include "traces/generator.h"

#include <utility>

namespace cleave {

namespace {

class Generated final : public RequestSource {
 public:
  Generated(std::unique_ptr<ArrivalProcess> arrivals, std::unique_ptr<Lengths> lengths)
      : arrivals_(std::move(arrivals)), lengths_(std::move(lengths)) {}
  bool next(Request& request) override {
    if (!arrivals_->next(request.arrival_s)) return false;
    lengths_->draw(request);
    request.line = ++count_;
    return true;
  }

 private:
  std::unique_ptr<ArrivalProcess> arrivals_;
  std::unique_ptr<Lengths> lengths_;
  std::uint64_t count_ = 0;
};

}  // namespace

std::unique_ptr<RequestSource> generate(std::unique_ptr<ArrivalProcess> arrivals,
                                        std::unique_ptr<Lengths> lengths) {
  return std::make_unique<Generated>(std::move(arrivals), std::move(lengths));
}

}  // namespace cleave
