#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "models/catalogue/format.h"
#include "sim/base/json_reader.h"

namespace cleave {

/// An LLM as far as its cost is concerned; profiles/llms/*.json.
struct Llm {
  std::string name;
  std::uint32_t layers = 0;
  std::uint32_t hidden_size = 0;
  std::uint32_t attention_heads = 0;
  std::uint32_t kv_heads = 0;
  std::uint32_t head_size = 0;        ///< default: hidden_size / attention_heads
  std::uint32_t value_head_size = 0;  ///< default: head_size
  std::uint32_t kv_latent_size = 0;   ///< numbers a token and layer where keys and values are
                                      ///< compressed together; 0: they are not
  std::uint32_t mlp_size = 0;         ///< of one expert where there are several
  std::uint32_t mlp_matrices = 3;     ///< 2, or 3 where a gate goes with them
  std::uint32_t experts = 1;          ///< among which each token is routed
  std::uint32_t experts_per_token = 1;
  std::uint32_t dense_layers = 0;     ///< layers without experts, where the others have them
  std::uint32_t dense_mlp_size = 0;   ///< of these; default: mlp_size
  std::uint32_t shared_mlp_size = 0;  ///< of the experts that every token goes through; 0: none
  /// Layers whose attention sees the last `window_tokens` tokens only, and keeps no others.
  std::uint32_t window_layers = 0;
  std::uint32_t window_tokens = 0;
  /// Layers whose attention keeps a state of so many numbers (FP32) a sequence, beside it as many
  /// (of 2 bytes) for its convolution, and no KV cache.
  std::uint32_t linear_layers = 0;
  double linear_state_size = 0;
  double linear_conv_size = 0;
  /// Attention reads so many tokens at most, chosen by an index that reads index_size bytes of each
  /// token with index_heads heads; 0: it reads all.
  std::uint32_t sparse_tokens = 0;
  std::uint32_t index_size = 0;
  std::uint32_t index_heads = 0;
  std::uint32_t vocabulary = 0;
  bool tied_embeddings = false;      ///< one matrix looks tokens up and rates them
  std::vector<std::string> aliases;  ///< names by which measurements know it
  double parameters = 0;
  Formats formats;
  double weight_bytes = 0;            ///< all weights, as stored
  double published_weight_bytes = 0;  ///< as the published simulator counts them; 0: it does not
  double kv_bytes_per_token = 0;      ///< over all layers
  double kv_state_bytes = 0;          ///< of a sequence, whatever its length; over all layers

  /// Sets the formats and the sizes that follow.
  void store(const Formats& stored);
  /// KV bytes per token if every attention head kept its own keys and values (no grouping):
  /// 2 x hidden size x layers x 2 bytes.
  double ungrouped_kv_bytes_per_token() const { return 2.0 * hidden_size * layers * 2; }
  double window_share() const { return 1.0 * window_layers / (layers - linear_layers); }
  /// Places in memory that a block of the KV cache is in: the keys and the values of each layer, or
  /// what they are compressed to.
  std::uint32_t kv_parts() const { return (kv_latent_size > 0 ? 1 : 2) * (layers - linear_layers); }
  /// How many copies of the KV cache the GPUs of a tensor-parallel group keep: more than one where
  /// there are fewer KV heads than GPUs.
  double kv_copies(std::uint32_t tensor_parallel) const;
  /// What the state of a sequence takes of the memory of such a group, in tokens; the heads of a
  /// state are shared out, never copied.
  double state_tokens(std::uint32_t tensor_parallel) const {
    return kv_state_bytes / (kv_bytes_per_token * kv_copies(tensor_parallel));
  }
  /// The parameters that `tokens` tokens need at once: all but those of experts that none of them
  /// is routed to. Tokens choose among E experts independently, so that a share (1 - k/E)^tokens of
  /// the experts is left out.
  double parameters_used(double tokens) const;
  /// Of the weights where so many groups of GPUs keep all but the experts each, bytes.
  double stored_bytes(std::uint32_t groups) const;
  /// Of all experts of all layers.
  double expert_parameters() const;
};

/// The LLM of this name; see models/catalogue/hardware.h for errors.
Llm load_llm(const std::string& name, const std::string& place);
/// The same from the profile itself; `name` stands for it in errors.
Llm read_llm(const Json& json, const std::string& name);

}  // namespace cleave
