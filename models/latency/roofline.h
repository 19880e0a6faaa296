#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "models/catalogue/hardware.h"
#include "models/catalogue/llm.h"
#include "sim/base/json_reader.h"

namespace cleave {

/// The parts that the time of an iteration is the sum of: seconds where hardware did what its data
/// sheet says, or counts of things that cost a fixed time. Each is multiplied by a factor of its
/// own.
inline constexpr std::size_t kRooflineTerms = 8;
using RooflineTerms = std::array<double, kRooflineTerms>;

/// What an instance is to the roofline.
struct RooflineInstance {
  const Llm& llm;
  const Gpu& gpu;
  std::uint32_t tensor_parallel;
  std::uint32_t pipeline_parallel;
};

/// Of a prefill of `tokens` prompt tokens whose squares add up to `squared`:
///   matrix products, 2 FLOPs a parameter and token; attention scores, causal; all-reduces, two a
///   layer; the part of them that comes in messages above 48 MiB, which took longer where measured;
///   weights read; layers, all-reduces and steps as such, a fixed time over the GPU's clock in GHz.
/// Pipeline stages work on as many chunks of the prompts as there are stages, so that s stages take
/// (2s - 1)/s^2 of the time of one.
RooflineTerms prefill_terms(const RooflineInstance& instance, double tokens, double squared);

/// Of a decode iteration: weights and KV cache read, matrix products, all-reduces; layers,
/// all-reduces, the hops in them and sequences as such. Pipeline stages decode a share of the
/// sequences each, so that an iteration of all reads the weights once and KV per stage.
RooflineTerms decode_terms(const RooflineInstance& instance, double sequences, double kv_tokens);

/// The factors, and what is known of their errors; profiles/roofline/*.json.
struct Roofline {
  /// Mean absolute percentage errors as fractions: of the fit, or on rows that it did not see.
  struct Error {
    std::string what;  ///< "all", "llm bloom-176b", "gpu h100-80gb from the others"
    std::uint64_t rows = 0;
    double prefill = 0;
    double decode = 0;
  };
  std::string source;
  std::string licence;
  RooflineTerms prefill{};
  RooflineTerms decode{};
  /// A cap of c slows prompts by (1/c)^exponent, and decodes by (flat/c)^exponent once c is below
  /// flat.
  double cap_exponent = 0;
  double cap_decode_flat = 1;
  std::vector<Error> errors;

  double prompt_cap_slowdown(double cap) const;
  double decode_cap_slowdown(double cap) const;
};

/// Names of the factors, in order.
const std::array<const char*, kRooflineTerms>& prefill_term_names();
const std::array<const char*, kRooflineTerms>& decode_term_names();

Json roofline_json(const Roofline& roofline);
/// Throws InputError naming `place`.
Roofline read_roofline(const Json& json, const std::string& place);
/// The built-in one.
Roofline load_roofline();

}  // namespace cleave
