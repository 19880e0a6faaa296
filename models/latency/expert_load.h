#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace cleave {

/// How unlike the experts of a layer are asked for: the one at rank r (from 1) by a share of the
/// tokens that goes as r^-skew, never by more than all of them. 0: all alike.
struct ExpertSkew {
  double skew = 0;
  /// Where experts are on parts of the GPUs: spread so that all parts have about as much to do, as
  /// a load balancer does, instead of at random.
  bool balanced = false;
};

/// What the busiest of the parts that a layer's experts are on has to do for some tokens.
class ExpertLoad {
 public:
  /// `experts` on `parts`, as many on each; each token is routed to `asked` of them.
  ExpertLoad(std::uint32_t experts, std::uint32_t asked, std::uint32_t parts,
             const ExpertSkew& skew);

  struct Busiest {
    double touched = 0;  ///< of its experts, those that any token asks for
    double routed = 0;   ///< tokens, each as often as it asks for one of them
  };
  /// Expected; of several parts as far above the mean as the largest of so many sums of independent
  /// choices is, and at most what all tokens and all its experts make.
  Busiest of(double tokens) const;

 private:
  /// Experts that are asked for alike.
  struct Alike {
    double share = 0;  ///< of the tokens, that asks for each of them
    double count = 0;
  };
  std::vector<Alike> busiest_;
  double parts_;
  double here_;         ///< experts of a part
  double most_asked_;   ///< by one token, of a part
  double routed_each_;  ///< by one token, of the busiest part, on average
};

/// By rank, the share of the tokens that asks for each expert; they add up to `asked`.
std::vector<double> expert_shares(std::uint32_t experts, std::uint32_t asked, double skew);

}  // namespace cleave
