#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "models/catalogue/hardware.h"
#include "models/latency/engine_profile.h"
#include "sim/base/json_reader.h"

namespace cleave {

/// The kinds of kernels that the time of an iteration goes into.
enum class Operator : std::uint8_t {
  kGemm,              ///< matrix products with weights that every token needs
  kPrefillAttention,  ///< of prompts
  kDecodeAttention,   ///< of sequences, one token each
  kPrefillMla,        ///< the same, where keys and values are one latent
  kDecodeMla,
  kMoe,        ///< matrix products with the experts that tokens are routed to
  kAllReduce,  ///< over the GPUs of a tensor-parallel group
};

/// "gemm", "prefill_attention", ...
const std::string& operator_name(Operator op);

/// How near a kernel comes to the data sheet, and what each call costs besides:
///     call_s + [(bytes / (memory * bandwidth))^4 + (flops / (compute * peak))^4]^(1/4)
/// For all-reduces bytes are what each GPU sends, 2 (g - 1)/g of the message, and bandwidth is the
/// link's. Experts cost kRoutedBytes on top.
struct OperatorFit {
  double call_s = 0;
  double memory = 1;
  double compute = 1;
  double error = 0;  ///< median absolute, as a fraction
};

/// Of the hidden state of a token, moved for each expert that it is routed to: gathered, converted,
/// weighted and summed; from the tables of experts of H100, H200 and B200 (7 to 50).
inline constexpr double kRoutedBytes = 20;

/// One fit of a table.
struct MeasuredOperator {
  Operator op = Operator::kGemm;
  Format format = Format::kFp16;  ///< of weights, or of the KV cache
  std::uint32_t gpus = 1;         ///< all-reduces
  std::string engine;             ///< whose kernels: "vllm", "sglang", "trtllm"
  std::string version;
  std::uint64_t rows = 0;
  OperatorFit fit;
};

/// What was measured of single kernels on one GPU; profiles/operators/<gpu>.json.
struct OperatorTable {
  std::string gpu;
  std::string source;
  std::string licence;
  std::vector<MeasuredOperator> measured;
  std::vector<std::string> left_out;  ///< tables that were not used, and why
};

Json operator_table_json(const OperatorTable& table);
/// Throws InputError naming `place`.
OperatorTable read_operator_table(const Json& json, const std::string& place);

/// Where a fit comes from, the surest first.
enum class OperatorOrigin : std::uint8_t {
  kEngine,    ///< these kernels on this GPU
  kGpu,       ///< other engines' kernels on this GPU
  kRelative,  ///< the GPU with tensor cores of the same formats and the nearest bandwidth
};

struct FoundOperator {
  OperatorFit fit;
  OperatorOrigin origin = OperatorOrigin::kEngine;
};

/// What is known of the kernels of one engine on one GPU, from the built-in tables.
class Operators {
 public:
  Operators(const Gpu& gpu, std::string engine);
  /// As if kernels were as near to the data sheet as those of the measured GPU `like`.
  Operators(const Gpu& gpu, std::string engine, const std::string& like);
  /// All efficiencies times these.
  Operators& scale(const KernelFactors& factors) {
    factors_ = factors;
    return *this;
  }
  /// Whether this very GPU was measured.
  bool own() const { return own_; }
  /// Those that were.
  static std::vector<std::string> measured_gpus();

  /// Where this format was not measured, the one nearest in size, of those whose products are
  /// computed in the same if there are any; always finds something.
  FoundOperator find(Operator op, Format format) const;
  FoundOperator all_reduce(std::uint32_t gpus) const;

 private:
  FoundOperator scaled(FoundOperator found) const;
  FoundOperator best(Operator op, Format format, std::uint32_t gpus) const;

  Gpu gpu_;
  std::string engine_;
  OperatorTable table_;  ///< this GPU's, or its relative's
  OperatorTable links_;  ///< the same for all-reduces, by the links' bandwidth
  bool own_ = false;
  KernelFactors factors_;
};

}  // namespace cleave
