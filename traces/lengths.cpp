#include "traces/lengths.h"

#include <cmath>
#include <vector>

#include "sim/base/random.h"
#include "traces/generator.h"
#include "traces/portable_math.h"

namespace cleave {

namespace {

class FixedLengths final : public Lengths {
 public:
  FixedLengths(std::uint32_t prompt, std::uint32_t output) : prompt_(prompt), output_(output) {}
  void draw(Request& request) override {
    request.prompt_tokens = prompt_;
    request.output_tokens = output_;
  }

 private:
  std::uint32_t prompt_;
  std::uint32_t output_;
};

std::uint32_t tokens_at(const std::vector<std::uint32_t>& quantiles, double share) {
  return static_cast<std::uint32_t>(std::llround(quantile_at(quantiles, share)));
}

/// 2 sin(pi rho / 6): Taylor's series, exact to 1e-16 for angles up to pi/6.
double copula_parameter(double rho) {
  const double angle = rho * 0.52359877559829887;
  double term = angle;
  double sum = angle;
  for (int i = 2; i <= 14; i += 2) {
    term *= -angle * angle / (i * (i + 1));
    sum += term;
  }
  return 2 * sum;
}

class QuantileLengths final : public Lengths {
 public:
  QuantileLengths(const Distribution& distribution, bool paired, std::uint64_t seed)
      : prompts_(distribution.prompt_quantiles),
        outputs_(distribution.output_quantiles),
        paired_(paired),
        along_(copula_parameter(distribution.rank_correlation)),
        across_(std::sqrt(1 - along_ * along_)),
        random_(seed, kLengthStream) {}

  void draw(Request& request) override {
    const double p = random_.uniform();
    double q = random_.uniform();
    if (paired_) q = normal_cdf(along_ * normal_quantile(p) + across_ * normal_quantile(q));
    request.prompt_tokens = tokens_at(prompts_, p);
    request.output_tokens = tokens_at(outputs_, q);
  }

 private:
  std::vector<std::uint32_t> prompts_;
  std::vector<std::uint32_t> outputs_;
  bool paired_;
  double along_;
  double across_;
  Random random_;
};

class ResampledLengths final : public Lengths {
 public:
  ResampledLengths(RequestSource& trace, bool paired, std::uint64_t seed)
      : paired_(paired), random_(seed, kLengthStream) {
    Request request;
    while (trace.next(request)) rows_.push_back({request.prompt_tokens, request.output_tokens});
  }
  void draw(Request& request) override {
    const std::uint64_t prompt_row = random_.below(rows_.size());
    const std::uint64_t output_row = random_.below(rows_.size());
    request.prompt_tokens = rows_[prompt_row].prompt;
    request.output_tokens = rows_[paired_ ? prompt_row : output_row].output;
  }

 private:
  struct Row {
    std::uint32_t prompt;
    std::uint32_t output;
  };
  std::vector<Row> rows_;
  bool paired_;
  Random random_;
};

}  // namespace

std::unique_ptr<Lengths> fixed_lengths(std::uint32_t prompt_tokens, std::uint32_t output_tokens) {
  return std::make_unique<FixedLengths>(prompt_tokens, output_tokens);
}

std::unique_ptr<Lengths> quantile_lengths(const Distribution& distribution, bool paired,
                                          std::uint64_t seed) {
  return std::make_unique<QuantileLengths>(distribution, paired, seed);
}

std::unique_ptr<Lengths> resampled_lengths(RequestSource& trace, bool paired, std::uint64_t seed) {
  return std::make_unique<ResampledLengths>(trace, paired, seed);
}

}  // namespace cleave
