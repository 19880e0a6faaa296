#include "models/latency/roofline.h"

#include <algorithm>
#include <cmath>

namespace cleave {

namespace {

constexpr double kActivationBytes = 2;  // FP16, whatever the weights

/// Bytes of a ring all-reduce that each GPU sends, for `bytes` to add up.
double all_reduced(double bytes, double gpus) { return 2 * bytes * (gpus - 1) / gpus; }

double matrix_flops(const Llm& llm, double tokens) {
  const double looked_up = 1.0 * llm.vocabulary * llm.hidden_size;
  return 2 * (llm.parameters_used(1) - looked_up) * tokens;
}

double weights_read(const Llm& llm, double tokens) {
  return llm.parameters_used(tokens) / llm.parameters * llm.weight_bytes;
}

}  // namespace

RooflineTerms prefill_terms(const RooflineInstance& instance, double tokens, double squared) {
  constexpr double kLargeMessage = 48.0 * 1024 * 1024;
  const auto& [llm, gpu, tensor_parallel, pipeline_parallel] = instance;
  const double gpus = tensor_parallel;
  const double stages = pipeline_parallel;
  const double flops = gpus * gpu.tensor_flops(llm.formats.weights);
  const double attention_flops =
      squared * llm.attention_heads * (llm.head_size + llm.value_head_size) * llm.layers;
  const double message = tokens * llm.hidden_size * kActivationBytes;
  const double large = std::max(0.0, message - kLargeMessage);
  const double all_reduces = gpus > 1 ? 2.0 * llm.layers : 0.0;
  const double chunked = (2 * stages - 1) / (stages * stages);
  return {chunked * matrix_flops(llm, tokens) / flops,
          chunked * attention_flops / (gpus * gpu.fp16_flops),
          (chunked * all_reduces * all_reduced(message, gpus) + (stages - 1) * message) /
              gpu.link_bytes_per_s,
          chunked * all_reduces * all_reduced(large, gpus) / gpu.link_bytes_per_s,
          weights_read(llm, tokens) / (gpus * gpu.memory_bandwidth_bytes_per_s),
          llm.layers / gpu.clock_ghz,
          (all_reduces + stages - 1) / gpu.clock_ghz,
          1 / gpu.clock_ghz};
}

RooflineTerms decode_terms(const RooflineInstance& instance, double sequences, double kv_tokens) {
  const auto& [llm, gpu, tensor_parallel, pipeline_parallel] = instance;
  const double gpus = tensor_parallel;
  const double stages = pipeline_parallel;
  const double bandwidth = gpus * gpu.memory_bandwidth_bytes_per_s;
  const double message = sequences * llm.hidden_size * kActivationBytes;
  const double all_reduces = gpus > 1 ? 2.0 * llm.layers : 0.0;
  return {
      weights_read(llm, sequences) / bandwidth,
      kv_tokens * llm.kv_bytes_per_token * llm.kv_copies(tensor_parallel) / (bandwidth * stages),
      matrix_flops(llm, sequences) / (gpus * stages * gpu.tensor_flops(llm.formats.weights)),
      (all_reduces * all_reduced(message, gpus) / stages + (stages - 1) * message / stages) /
          gpu.link_bytes_per_s,
      llm.layers / gpu.clock_ghz,
      (all_reduces + stages - 1) / gpu.clock_ghz,
      all_reduces * (gpus - 1) / gpu.clock_ghz,
      sequences / (stages * gpu.clock_ghz)};
}

double Roofline::prompt_cap_slowdown(double cap) const { return std::pow(1 / cap, cap_exponent); }

double Roofline::decode_cap_slowdown(double cap) const {
  return std::pow(std::max(1.0, cap_decode_flat / cap), cap_exponent);
}

}  // namespace cleave
