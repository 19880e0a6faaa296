#include "traces/transform.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <string>
#include <utility>

#include "sim/base/error.h"
#include "sim/base/random.h"
#include "traces/generator.h"
#include "traces/trace_reader.h"

namespace cleave {

namespace {

class ScaledRate final : public Transform {
 public:
  ScaledRate(SourcePtr source, double factor) : Transform(std::move(source)), factor_(factor) {}
  bool next(Request& request) override {
    if (!source().next(request)) return false;
    request.arrival_s /= factor_;
    return true;
  }

 private:
  double factor_;
};

class Window final : public Transform {
 public:
  Window(SourcePtr source, double from_s, double to_s)
      : Transform(std::move(source)), from_s_(from_s), to_s_(to_s) {}
  bool next(Request& request) override {
    do {
      if (!source().next(request) || request.arrival_s >= to_s_) return false;
    } while (request.arrival_s < from_s_);
    request.arrival_s -= from_s_;
    return true;
  }

 private:
  double from_s_;
  double to_s_;
};

class Repeated final : public RequestSource {
 public:
  Repeated(OpenSource open, std::uint64_t times, std::optional<double> period_s, Rounds rounds)
      : open_(std::move(open)),
        source_(open_()),
        rounds_left_(times),
        period_s_(period_s),
        rounds_(rounds) {}

  bool next(Request& request) override {
    while (!source_->next(request)) {
      if (--rounds_left_ == 0 || count_ == 0) {
        rounds_left_ = 1;
        return false;
      }
      if (!period_s_) period_s_ = mean_period();
      if (*period_s_ <= 0) {
        throw InputError(
            "workload.repeat: all requests of the trace arrive at once; expected a trace that "
            "takes "
            "some time, or to_s for the length of a round");
      }
      shift_s_ += *period_s_;
      ++round_;
      source_ = open_();
    }
    if (count_ == 0) first_s_ = request.arrival_s;
    last_s_ = request.arrival_s;
    ++count_;
    request.arrival_s += shift_s_;
    if (round_ > 0 && request.session > 0) request.session = hash_of(request.session, round_);
    if (rounds_ == Rounds::kFresh && round_ > 0) {
      for (Extent& extent : request.content) extent.id = hash_of(extent.id, round_);
    }
    return true;
  }

 private:
  double mean_period() const {
    const double span_s = last_s_ - first_s_;
    return count_ < 2 ? span_s : span_s + span_s / static_cast<double>(count_ - 1);
  }

  OpenSource open_;
  SourcePtr source_;
  std::uint64_t rounds_left_;
  std::optional<double> period_s_;
  Rounds rounds_;
  std::uint64_t round_ = 0;
  double shift_s_ = 0;
  double first_s_ = 0;
  double last_s_ = 0;
  std::uint64_t count_ = 0;
};

class Priorities final : public Transform {
 public:
  Priorities(SourcePtr source, std::vector<double> shares, std::uint64_t seed)
      : Transform(std::move(source)),
        shares_(std::move(shares)),
        sum_(std::accumulate(shares_.begin(), shares_.end(), 0.0)),
        random_(seed, kPriorityStream) {}

  bool next(Request& request) override {
    if (!source().next(request)) return false;
    double left = random_.uniform() * sum_;
    request.priority = 0;
    while (request.priority + 1 < shares_.size() && left >= shares_[request.priority]) {
      left -= shares_[request.priority++];
    }
    return true;
  }

 private:
  std::vector<double> shares_;
  double sum_;
  Random random_;
};

class SpreadLengths final : public Transform {
 public:
  SpreadLengths(SourcePtr source, const LengthRange& range, std::uint64_t seed)
      : Transform(std::move(source)), range_(range), random_(seed, kRangeStream) {}
  bool next(Request& request) override {
    if (!source().next(request)) return false;
    request.prompt_tokens = draw(request.prompt_tokens);
    request.output_tokens = draw(request.output_tokens);
    cut(request.content, request.prompt_tokens);
    return true;
  }

 private:
  std::uint32_t draw(std::uint32_t tokens) {
    const double low = std::max(1.0, std::floor(range_.low * tokens));
    const double high = std::ceil(range_.high * tokens);
    if (high > kMaxTokens) {
      throw InputError("workload.length_range: a length of " + std::to_string(tokens) +
                       " could become more than " + std::to_string(kMaxTokens) +
                       " tokens; expected a smaller share");
    }
    const auto count = static_cast<std::uint64_t>(high - low) + 1;
    return static_cast<std::uint32_t>(low) + static_cast<std::uint32_t>(random_.below(count));
  }

  LengthRange range_;
  Random random_;
};

class Counted final : public Transform {
 public:
  Counted(SourcePtr source, std::uint64_t count) : Transform(std::move(source)), left_(count) {}
  bool next(Request& request) override {
    if (left_ == 0 || !source().next(request)) return false;
    --left_;
    return true;
  }

 private:
  std::uint64_t left_;
};

}  // namespace

SourcePtr scale_rate(SourcePtr source, double factor) {
  return std::make_unique<ScaledRate>(std::move(source), factor);
}

SourcePtr cut_window(SourcePtr source, double from_s, double to_s) {
  return std::make_unique<Window>(std::move(source), from_s, to_s);
}

SourcePtr repeat(OpenSource open, std::uint64_t times, std::optional<double> period_s,
                 Rounds rounds) {
  return std::make_unique<Repeated>(std::move(open), times, period_s, rounds);
}

SourcePtr spread_lengths(SourcePtr source, const LengthRange& range, std::uint64_t seed) {
  return std::make_unique<SpreadLengths>(std::move(source), range, seed);
}

SourcePtr draw_priorities(SourcePtr source, std::vector<double> shares, std::uint64_t seed) {
  return std::make_unique<Priorities>(std::move(source), std::move(shares), seed);
}

SourcePtr limit_requests(SourcePtr source, std::uint64_t count) {
  return std::make_unique<Counted>(std::move(source), count);
}

SourcePtr limit_duration(SourcePtr source, double duration_s) {
  return std::make_unique<Window>(std::move(source), 0, duration_s);
}

}  // namespace cleave
