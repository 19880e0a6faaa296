#include "models/catalogue/llm_config.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <optional>
#include <string_view>
#include <vector>

#include "models/catalogue/llm.h"
#include "sim/base/error.h"

namespace cleave {

namespace {

/// A config has about a hundred fields, of which few matter, under names that differ.
class Config {
 public:
  Config(const Json& json, std::string place) : json_(json), place_(std::move(place)) {
    if (!json_.is_object()) throw InputError(place_ + ": expected an object");
  }

  /// The first of `names` that is there.
  std::optional<double> find(const std::vector<std::string>& names) const {
    constexpr double kMost = 1e9;
    for (const std::string& name : names) {
      if (!has(name)) continue;
      const Json& found = json_.at(name);
      const bool whole =
          found.is_number_integer() && found.get<double>() >= 0 && found.get<double>() <= kMost;
      if (!whole) fail(name, "expected a whole number");
      return found.get<double>();
    }
    return {};
  }
  double count(const std::vector<std::string>& names) const {
    const auto found = find(names);
    if (!found || *found == 0) {
      fail(names.front(),
           "is missing; expected the config.json of a decoder, as Hugging Face keeps it");
    }
    return *found;
  }
  bool has(const std::string& name) const {
    const auto found = json_.find(name);
    return found != json_.end() && !found->is_null();
  }
  std::string text(const std::string& name) const {
    return has(name) && json_.at(name).is_string() ? json_.at(name).get<std::string>() : "";
  }
  bool flag(const std::string& name, bool otherwise) const {
    return has(name) && json_.at(name).is_boolean() ? json_.at(name).get<bool>() : otherwise;
  }
  /// Nothing where there is no such list.
  std::vector<Json> list(const std::string& name) const {
    if (!has(name)) return {};
    if (!json_.at(name).is_array()) fail(name, "expected a list");
    return {json_.at(name).begin(), json_.at(name).end()};
  }
  [[noreturn]] void fail(const std::string& name, const std::string& why) const {
    throw InputError(place_ + ": " + name + ": " + why);
  }
  const Json& json() const { return json_; }
  const std::string& place() const { return place_; }

 private:
  const Json& json_;
  std::string place_;
};

double times(const std::vector<Json>& list, const Json& value) {
  return static_cast<double>(std::count(list.begin(), list.end(), value));
}

/// Fields with such a word may change what an LLM costs.
constexpr std::array kTelling{
    "attention", "attn", "window", "sparse",   "expert", "moe",    "state",       "mamba",
    "ssm",       "conv", "linear", "compress", "index_", "hybrid", "multi_query", "kv_shared"};

/// Those of them that are read below.
constexpr std::string_view kRead =
    " num_attention_heads attention_chunk_size attn_output_gate attn_type_list "
    "full_attention_interval sliding_window use_sliding_window max_window_layers "
    "sliding_window_pattern _sliding_window_pattern linear_num_key_heads linear_num_value_heads "
    "linear_key_head_dim linear_value_head_dim linear_conv_kernel_dim mamba_ssm_dtype "
    "index_topk index_topk_freq index_head_dim "
    "index_n_heads n_routed_experts num_local_experts num_experts num_experts_per_tok "
    "experts_per_token n_shared_experts num_shared_experts shared_expert_intermediate_size "
    "moe_intermediate_size moe_layer_freq moe_layers interleave_moe_layer_step "
    "decoder_sparse_step ";

/// Those that cost nothing, or next to nothing.
constexpr std::string_view kHarmless =
    " attention_bias attention_dropout attention_probs_dropout_prob attention_softmax_in_fp32 "
    "attention_multiplier attn_pdrop attn_scale attn_temperature_tuning attn_logit_softcapping "
    "query_pre_attn_scalar scale_attn_weights scale_attn_by_inverse_layer_idx "
    "reorder_and_upcast_attn _attn_implementation _attn_implementation_autoset "
    "_attn_implementation_internal _experts_implementation layernorm_full_attention_beta "
    "layernorm_linear_attention_beta output_attentions output_hidden_states shared_moe_mode "
    "index_share_for_mtp_iteration "
    "index_skip_topk_offset ";

bool is_off(const Json& value) {
  if (value.is_number()) return value.get<double>() == 0;
  return value.empty() || value == Json(false) || value == Json("");
}

void refuse_unknown(const Config& config) {
  for (const auto& [name, value] : config.json().items()) {
    const auto is_in = [&](std::string_view word) { return name.find(word) != std::string::npos; };
    if (std::none_of(kTelling.begin(), kTelling.end(), is_in) || is_off(value)) continue;
    const std::string listed = " " + name + " ";
    if (kRead.find(listed) != kRead.npos || kHarmless.find(listed) != kHarmless.npos) continue;
    config.fail(name,
                "may change what the LLM costs, and Cleave does not know it; known are full, "
                "sliding-window, chunked, linear (gated DeltaNet) and DeepSeek sparse attention, "
                "and routed and shared experts");
  }
}

/// Families whose MLP has no gate, and whose embeddings double as the output matrix.
bool is_plain(const std::string& family) {
  return family == "bloom" || family == "opt" || family == "gpt2";
}

/// What the config.json of Gemma 3 leaves out.
bool is_gemma3(const std::string& family) { return family.starts_with("gemma3"); }

/// Parameters are of one layer.
struct Attention {
  double hidden = 0;
  double heads = 0;
  double kv_heads = 0;
  double head = 0;
  double value_head = 0;
  double latent = 0;
  double parameters = 0;
};

/// Keys and values compressed together, as DeepSeek's are.
void read_latent(const Config& config, Attention& attention) {
  const double latent = config.count({"kv_lora_rank"});
  const double rotary = config.count({"qk_rope_head_dim"});
  const double plain = config.count({"qk_nope_head_dim"});
  const double query_rank = config.find({"q_lora_rank"}).value_or(0);
  attention.head = plain + rotary;
  attention.value_head = config.count({"v_head_dim"});
  attention.latent = latent + rotary;
  const double queries = attention.heads * attention.head;
  attention.parameters =
      (query_rank > 0 ? (attention.hidden + queries) * query_rank : attention.hidden * queries) +
      attention.hidden * attention.latent +
      latent * attention.heads * (plain + attention.value_head) +
      attention.heads * attention.value_head * attention.hidden;
}

Attention read_attention(const Config& config, const std::string& family) {
  Attention attention;
  attention.hidden = config.count({"hidden_size", "n_embd", "n_embed"});
  attention.heads = config.count({"num_attention_heads", "n_head"});
  attention.kv_heads = config.find({"num_key_value_heads"}).value_or(attention.heads);
  if (config.has("kv_lora_rank")) {
    read_latent(config, attention);
    return attention;
  }
  const double usual =
      is_gemma3(family) ? 256 : std::max(1.0, std::floor(attention.hidden / attention.heads));
  attention.head = config.find({"head_dim"}).value_or(usual);
  attention.value_head = attention.head;
  const bool gate = config.flag("attn_output_gate", config.has("linear_num_value_heads"));
  attention.parameters = attention.hidden * attention.head *
                         (2 * (attention.heads + attention.kv_heads) + gate * attention.heads);
  return attention;
}

/// How many layers attend to a window, or through a state of fixed size; the others see all.
struct Layers {
  double window = 0;
  double window_tokens = 0;
  double linear = 0;
};

Layers read_layer_types(const Config& config, double layers) {
  const std::vector<Json> types = config.list("layer_types");
  const double full = times(types, "full_attention");
  const double sliding = times(types, "sliding_attention");
  const double chunked = times(types, "chunked_attention");
  const double linear = times(types, "linear_attention");
  if (full + sliding + chunked + linear != layers || static_cast<double>(types.size()) != layers) {
    config.fail("layer_types",
                "expected full_attention or sliding_attention, chunked_attention or "
                "linear_attention for each of the " +
                    std::to_string(static_cast<std::int64_t>(layers)) +
                    " layers; Cleave knows no other kind of attention");
  }
  if (sliding > 0 && chunked > 0) {
    config.fail("layer_types", "expected windows of one size, not sliding and chunked ones");
  }
  if (chunked > 0) return {chunked, config.count({"attention_chunk_size"}), linear};
  if (sliding == 0 || !config.flag("use_sliding_window", true)) return {0, 0, linear};
  return {sliding, config.count({"sliding_window"}), linear};
}

/// Of Llama 4: layers that encode positions see their chunk only; every fourth layer does not.
Layers read_chunks(const Config& config, double layers) {
  const std::vector<Json> encoded = config.list("no_rope_layers");
  const double every = config.find({"no_rope_layer_interval"}).value_or(4);
  const double chunked =
      !encoded.empty() ? times(encoded, 1) : layers - std::floor(layers / std::max(1.0, every));
  return {chunked, config.count({"attention_chunk_size"}), 0};
}

/// Every so many layers but one have a window (Gemma, gpt-oss), the last ones (Qwen2), or all
/// (Mistral).
Layers read_windows(const Config& config, const std::string& family, double layers) {
  if (!config.find({"sliding_window"}) || !config.flag("use_sliding_window", true)) return {};
  const double usual = is_gemma3(family) ? 6 : family == "gemma2" || family == "gpt_oss" ? 2 : 0;
  const double every =
      config.find({"sliding_window_pattern", "_sliding_window_pattern"}).value_or(usual);
  const double full = every > 0 ? std::floor(layers / every)
                                : std::min(layers, config.find({"max_window_layers"}).value_or(0));
  return {layers - full, config.count({"sliding_window"}), 0};
}

Layers read_layers(const Config& config, const std::string& family, double layers) {
  const std::vector<Json> kinds = config.list("attn_type_list");
  if (times(kinds, 1) != static_cast<double>(kinds.size())) {
    config.fail("attn_type_list",
                "expected 1 (full attention) for each layer; Cleave does not "
                "know the linear attention of MiniMax-Text");
  }
  if (config.has("layer_types")) return read_layer_types(config, layers);
  if (config.has("full_attention_interval")) {
    return {0, 0, layers - std::floor(layers / config.count({"full_attention_interval"}))};
  }
  if (config.has("attention_chunk_size")) return read_chunks(config, layers);
  return read_windows(config, family, layers);
}

struct Mlp {
  double size = 0;  ///< of one expert
  double matrices = 3;
  double experts = 1;
  double per_token = 1;
  double shared_size = 0;
  double dense_layers = 0;
  double dense_size = 0;
};

/// Layers without experts: the first ones (DeepSeek), named ones (Qwen), all but every so many
/// (Llama 4, Qwen), or all but named ones.
double read_dense_layers(const Config& config, double layers) {
  if (config.find({"moe_layer_freq"}).value_or(1) != 1) {
    config.fail("moe_layer_freq", "expected 1: experts in every layer after the dense ones");
  }
  if (config.has("mlp_layer_types")) {
    const std::vector<Json> types = config.list("mlp_layer_types");
    const double dense = times(types, "dense");
    if (dense + times(types, "sparse") != layers) {
      config.fail("mlp_layer_types", "expected dense or sparse for each layer");
    }
    return dense;
  }
  if (const auto first = config.find({"first_k_dense_replace"})) return *first;
  if (const auto named = config.list("moe_layers"); !named.empty()) {
    return layers - static_cast<double>(named.size());
  }
  const double named = static_cast<double>(config.list("mlp_only_layers").size());
  const double every =
      config.find({"interleave_moe_layer_step", "decoder_sparse_step"}).value_or(1);
  if (every > 1 && named > 0) {
    config.fail("mlp_only_layers", "expected none where only every so many layers have experts");
  }
  return every > 1 ? layers - std::floor(layers / every) : named;
}

double read_shared_size(const Config& config, const std::string& family, double expert) {
  if (family.starts_with("llama4")) return expert;
  if (const auto number = config.find({"n_shared_experts", "num_shared_experts"})) {
    return *number * expert;
  }
  return config.find({"shared_expert_intermediate_size", "shared_intermediate_size"}).value_or(0);
}

Mlp read_mlp(const Config& config, const std::string& family, double hidden, double layers) {
  Mlp mlp;
  mlp.matrices = is_plain(family) ? 2 : 3;
  const double usual = config.find({"intermediate_size", "ffn_dim", "n_inner"})
                           .value_or(is_plain(family) ? 4 * hidden : 0);
  mlp.size = usual;
  mlp.experts = std::max(
      1.0, config.find({"n_routed_experts", "num_local_experts", "num_experts"}).value_or(1));
  if (mlp.experts > 1) {
    mlp.size = config.find({"moe_intermediate_size"}).value_or(usual);
    mlp.per_token = config.count({"num_experts_per_tok", "experts_per_token"});
    mlp.shared_size = read_shared_size(config, family, mlp.size);
    mlp.dense_layers = read_dense_layers(config, layers);
    if (mlp.dense_layers > 0) {
      mlp.dense_size = family.starts_with("llama4") ? config.count({"intermediate_size_mlp"})
                                                    : config.count({"intermediate_size"});
    }
  }
  if (mlp.size == 0) config.count({"intermediate_size"});
  return mlp;
}

double mlp_parameters(const Mlp& mlp, double hidden, double layers) {
  const double router = mlp.experts > 1 ? hidden * mlp.experts : 0;
  const double routed = mlp.matrices * hidden * (mlp.size * mlp.experts + mlp.shared_size) + router;
  return mlp.dense_layers * mlp.matrices * hidden * mlp.dense_size +
         (layers - mlp.dense_layers) * routed;
}

/// A gated DeltaNet has a state of key by value numbers for each value head, in FP32, and the last
/// tokens that its convolution of queries, keys and values sees. Returns the parameters of a layer.
double read_linear(const Config& config, double hidden, Json& llm) {
  const double value_heads = config.count({"linear_num_value_heads"});
  const double key_size = config.count({"linear_key_head_dim"});
  const double value_size = config.count({"linear_value_head_dim"});
  const double keys = config.count({"linear_num_key_heads"}) * key_size;
  const std::string format = config.text("mamba_ssm_dtype");
  if (!format.empty() && format != "float32") {
    config.fail("mamba_ssm_dtype", "expected float32, in which Cleave counts states");
  }
  llm["linear_state_size"] = value_heads * key_size * value_size;
  const double seen = std::max(1.0, config.find({"linear_conv_kernel_dim"}).value_or(1)) - 1;
  llm["linear_conv_size"] = seen * (2 * keys + value_heads * value_size);
  return hidden * (2 * keys + 3 * value_heads * value_size + 2 * value_heads);
}

/// The index of DeepSeek sparse attention keeps a key in FP8 for each token, with a scale of 4
/// bytes. Returns the parameters of a layer.
double read_sparse(const Config& config, double hidden, Json& llm) {
  constexpr double kScaleBytes = 4;
  if (config.find({"index_topk_freq"}).value_or(1) != 1) {
    config.fail("index_topk_freq", "expected 1: every layer has an index of its own");
  }
  const double heads = config.count({"index_n_heads"});
  const double size = config.count({"index_head_dim"});
  llm["sparse_tokens"] = config.count({"index_topk"});
  llm["index_size"] = size + kScaleBytes;
  llm["index_heads"] = heads;
  return config.count({"q_lora_rank"}) * heads * size + hidden * (size + heads);
}

/// The decoder's own config, where one of images or sounds has it inside.
Config decoder(const Config& document) {
  for (const char* name : {"text_config", "llm_config", "language_config"}) {
    if (document.has(name)) return {document.json().at(name), document.place() + ": " + name};
  }
  return document;
}

void add_mlp(const Mlp& mlp, Json& llm) {
  llm["mlp_size"] = mlp.size;
  llm["mlp_matrices"] = mlp.matrices;
  if (mlp.experts == 1) return;
  llm["experts"] = mlp.experts;
  llm["experts_per_token"] = mlp.per_token;
  llm["dense_layers"] = mlp.dense_layers;
  if (mlp.dense_layers > 0) llm["dense_mlp_size"] = mlp.dense_size;
  if (mlp.shared_size > 0) llm["shared_mlp_size"] = mlp.shared_size;
}

}  // namespace

Json llm_from_config(const Json& document, const std::string& place) {
  const Config whole(document, place);
  const Config config = decoder(whole);
  const std::string family =
      config.text("model_type").empty() ? whole.text("model_type") : config.text("model_type");
  refuse_unknown(config);
  const double layers = config.count({"num_hidden_layers", "n_layer", "num_layers"});
  const Attention attention = read_attention(config, family);
  const double hidden = attention.hidden;
  const double vocabulary = is_gemma3(family) ? config.find({"vocab_size"}).value_or(262208)
                                              : config.count({"vocab_size"});
  const Layers kinds = read_layers(config, family, layers);
  const Mlp mlp = read_mlp(config, family, hidden, layers);
  const bool tied_by_default = is_plain(family) || family.starts_with("gemma");
  const bool tied =
      config.flag("tie_word_embeddings", whole.flag("tie_word_embeddings", tied_by_default));
  Json llm{{"summary", "imported from a config.json, model_type " + family},
           {"source", place},
           {"layers", layers},
           {"hidden_size", hidden},
           {"attention_heads", attention.heads},
           {"kv_heads", attention.kv_heads},
           {"head_size", attention.head},
           {"value_head_size", attention.value_head}};
  if (attention.latent > 0) llm["kv_latent_size"] = attention.latent;
  double parameters = (tied ? 1 : 2) * vocabulary * hidden +
                      (layers - kinds.linear) * attention.parameters +
                      mlp_parameters(mlp, hidden, layers);
  if (kinds.window > 0) {
    llm["window_layers"] = kinds.window;
    llm["window_tokens"] = kinds.window_tokens;
  }
  if (kinds.linear > 0) {
    llm["linear_layers"] = kinds.linear;
    parameters += kinds.linear * read_linear(config, hidden, llm);
  }
  if (config.has("index_topk")) parameters += layers * read_sparse(config, hidden, llm);
  add_mlp(mlp, llm);
  llm["vocabulary"] = vocabulary;
  if (tied) llm["tied_embeddings"] = true;
  llm["parameters"] = parameters;
  read_llm(llm, place);
  for (auto& value : llm) {
    if (value.is_number_float()) value = static_cast<std::int64_t>(value.get<double>());
  }
  return llm;
}

}  // namespace cleave
