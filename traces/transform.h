#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "traces/request.h"

namespace cleave {

using SourcePtr = std::unique_ptr<RequestSource>;
/// Opens the same source anew, from its beginning.
using OpenSource = std::function<SourcePtr()>;

/// What changes requests on their way passes on what it has no business with.
class Transform : public RequestSource {
 public:
  explicit Transform(SourcePtr source) : source_(std::move(source)) {}
  bool follow_up(std::uint64_t session, bool served, Request& request) override {
    return source_->follow_up(session, served, request);
  }

 protected:
  RequestSource& source() { return *source_; }

 private:
  SourcePtr source_;
};

/// The same requests `factor` times as fast: all times divided by it.
SourcePtr scale_rate(SourcePtr source, double factor);

/// The requests that arrive in [from_s, to_s); from_s becomes time 0.
SourcePtr cut_window(SourcePtr source, double from_s, double to_s);

/// The source played `times` times. Each round starts `period_s` after the one before; without it,
/// one mean gap after the last arrival of the round before. What requests of one round share with
/// one another stays so; with the rounds before they share it too (kSame), or nothing (kFresh).
enum class Rounds : std::uint8_t { kFresh, kSame };
SourcePtr repeat(OpenSource open, std::uint64_t times, std::optional<double> period_s = {},
                 Rounds rounds = Rounds::kFresh);

/// A share of a length, from `low` to `high`.
struct LengthRange {
  double low = 1;
  double high = 1;
};
/// Every prompt and output drawn anew: a whole number, each as likely as the others, from its
/// length times `low` rounded down, at least 1, to its length times `high` rounded up. Throws
/// InputError where that is more than kMaxTokens.
SourcePtr spread_lengths(SourcePtr source, const LengthRange& range, std::uint64_t seed);

/// Each request with priority 0, 1, ... as often as `shares` say, whatever their sum.
SourcePtr draw_priorities(SourcePtr source, std::vector<double> shares, std::uint64_t seed);

/// The first `count` requests.
SourcePtr limit_requests(SourcePtr source, std::uint64_t count);

/// The requests that arrive before `duration_s`.
SourcePtr limit_duration(SourcePtr source, double duration_s);

}  // namespace cleave
