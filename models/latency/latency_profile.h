#pragma once

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "models/catalogue/format.h"
#include "models/catalogue/hardware.h"
#include "models/latency/phase_latency.h"
#include "models/latency/piecewise_linear.h"
#include "sim/base/setting.h"

namespace cleave {

/// A prefill of `tokens` prompt tokens whose squares add up to `squared`:
///     by_tokens(tokens) + per_squared_token_s * squared
///                       + per_shared_token_s * shared_tokens(tokens, squared).
/// Never decreasing when a prompt grows or joins, as no slope is negative.
struct PrefillFit {
  PiecewiseLinear by_tokens;
  double per_squared_token_s = 0;
  double per_shared_token_s = 0;
  double seconds(double tokens, double squared) const { return cost(tokens, squared, 0).seconds; }
  /// With the pairs of chunks in the place of squares, and beside `decodes` tokens without prompts.
  PrefillCost cost(double tokens, double pairs, double decodes) const;
  /// 0 for a single prompt or a chunk of one, nearly all tokens for many short ones: what it costs
  /// to batch prompts.
  static double shared_tokens(double tokens, double squared) {
    return std::max(0.0, tokens - squared / tokens);
  }
};

/// A decode iteration of n sequences that read kv tokens:
/// by_sequences(n) + per_kv_token_s * kv.
struct DecodeFit {
  PiecewiseLinear by_sequences;
  double per_kv_token_s = 0;
  DecodeCost cost(double sequences) const;
};

/// Mean absolute percentage errors of a fit, as fractions.
struct FitError {
  double all = 0;            ///< on the rows it was made from
  double split = 0;          ///< on a fifth of the rows, fitted to the others
  double leave_one_out = 0;  ///< on each batch configuration, fitted to the others
};

/// Fractions of the GPUs' TDP drawn while they work.
struct PhasePower {
  PiecewiseLinear prompt;  ///< by prompt tokens of the batch
  double decode = 0;
};

/// The latency of one LLM, in some formats, on one GPU type at one tensor-parallel degree, as
/// measured and fitted; profiles/latency/<llm>_<gpu>[_cap70][_fp8][_kv-fp8]_tp<degree>.json.
struct LatencyProfile {
  std::string llm;
  std::string gpu;
  double power_cap = 1;
  std::uint32_t tensor_parallel = 0;
  Formats formats;
  std::string source;
  std::string licence;
  std::string software;  ///< that was measured, and of when: "vLLM 0.19, 2026"; "" for unknown
  std::uint64_t rows = 0;
  std::vector<std::string> left_out;  ///< batches that were not one batch, and why
  PrefillFit prefill;
  DecodeFit decode;
  FitError prefill_error;
  FitError decode_error;
  /// Medians of the rows by prompt size x batch size, as the published simulator looks them up.
  PiecewiseLinear median_prompt_s;
  PiecewiseLinear median_token_s;
  std::optional<PhasePower> power;  ///< where measured

  std::string name() const;
  /// Whether a larger batch can take less time, as no fit of ours says.
  bool shrinks() const { return !prefill.by_tokens.ascends() || !decode.by_sequences.ascends(); }
};

/// FP16 goes without saying.
std::string latency_profile_name(const std::string& llm, const std::string& gpu, double power_cap,
                                 std::uint32_t tensor_parallel, Formats formats = {});
/// Names of formats, also those that PyTorch gives them.
Accepts any_format();
/// "fp16", "fp8", ...; "fp16" where `key` is not there.
Format read_format(JsonReader& reader, std::string_view key);
Json latency_profile_json(const LatencyProfile& profile);
/// Throws InputError naming `place`.
LatencyProfile read_latency_profile(const Json& json, const std::string& place);
/// The profile of this name, the first of `own` or else a built-in one; none where it was not
/// measured.
std::optional<LatencyProfile> find_latency_profile(const std::string& name,
                                                   const std::vector<LatencyProfile>& own = {});

}  // namespace cleave
