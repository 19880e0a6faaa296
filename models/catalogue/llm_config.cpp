#include "models/catalogue/llm_config.h"

#include <algorithm>
#include <cmath>
#include <optional>
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
      const auto found = json_.find(name);
      if (found == json_.end() || found->is_null()) continue;
      const bool whole =
          found->is_number_integer() && found->get<double>() >= 0 && found->get<double>() <= kMost;
      if (!whole) throw InputError(place_ + ": " + name + ": expected a whole number");
      return found->get<double>();
    }
    return {};
  }
  double count(const std::vector<std::string>& names) const {
    const auto found = find(names);
    if (!found || *found == 0) {
      throw InputError(place_ + ": " + names.front() +
                       ": is missing; expected the config.json of a decoder, as Hugging Face "
                       "keeps it");
    }
    return *found;
  }
  std::string text(const std::string& name) const {
    const auto found = json_.find(name);
    return found != json_.end() && found->is_string() ? found->get<std::string>() : "";
  }
  /// How often a list of texts has `text`; nothing where there is no such list.
  std::optional<double> times(const std::string& name, const std::string& text) const {
    const auto found = json_.find(name);
    if (found == json_.end() || !found->is_array()) return {};
    return static_cast<double>(std::count(found->begin(), found->end(), Json(text)));
  }
  [[noreturn]] void fail(const std::string& name, const std::string& why) const {
    throw InputError(place_ + ": " + name + ": " + why);
  }
  bool flag(const std::string& name, bool otherwise) const {
    const auto found = json_.find(name);
    return found != json_.end() && found->is_boolean() ? found->get<bool>() : otherwise;
  }

 private:
  const Json& json_;
  std::string place_;
};

/// Families whose MLP has no gate, and whose embeddings double as the output matrix.
bool is_plain(const std::string& family) {
  return family == "bloom" || family == "opt" || family == "gpt2";
}

struct Sizes {
  double layers;
  double hidden;
  double heads;
  double kv_heads;
  double head;
  double value_head;
  double latent = 0;
  double attention_parameters;  ///< of a layer
};

Sizes read_attention(const Config& config) {
  Sizes sizes{};
  sizes.layers = config.count({"num_hidden_layers", "n_layer", "num_layers"});
  sizes.hidden = config.count({"hidden_size", "n_embd", "n_embed"});
  sizes.heads = config.count({"num_attention_heads", "n_head"});
  sizes.kv_heads = config.find({"num_key_value_heads"}).value_or(sizes.heads);
  sizes.head =
      config.find({"head_dim"}).value_or(std::max(1.0, std::floor(sizes.hidden / sizes.heads)));
  sizes.value_head = sizes.head;
  const auto latent = config.find({"kv_lora_rank"});
  if (!latent) {
    sizes.attention_parameters = sizes.hidden * sizes.head * 2 * (sizes.heads + sizes.kv_heads);
    return sizes;
  }
  const double rotary = config.count({"qk_rope_head_dim"});
  const double plain = config.count({"qk_nope_head_dim"});
  const double query_rank = config.find({"q_lora_rank"}).value_or(0);
  sizes.head = plain + rotary;
  sizes.value_head = config.count({"v_head_dim"});
  sizes.latent = *latent + rotary;
  const double queries = sizes.heads * sizes.head;
  sizes.attention_parameters =
      (query_rank > 0 ? (sizes.hidden + queries) * query_rank : sizes.hidden * queries) +
      sizes.hidden * sizes.latent + *latent * sizes.heads * (plain + sizes.value_head) +
      sizes.heads * sizes.value_head * sizes.hidden;
  return sizes;
}

/// Layers with a sliding window: named one by one (gpt-oss, Gemma 3, Qwen), every so many but one
/// (Gemma 2 and 3), or all (Mistral).
double window_layers(const Config& config, double layers) {
  if (!config.find({"sliding_window"}) || !config.flag("use_sliding_window", true)) return 0;
  if (const auto named = config.times("layer_types", "sliding_attention")) {
    const double full = config.times("layer_types", "full_attention").value_or(0);
    if (*named + full != layers) {
      config.fail("layer_types", "expected full_attention or sliding_attention for each of the " +
                                     std::to_string(static_cast<int>(layers)) +
                                     " layers; Cleave knows no other kind of attention");
    }
    return *named;
  }
  const auto every = config.find({"sliding_window_pattern"});
  return every && *every > 0 ? layers - std::floor(layers / *every) : layers;
}

}  // namespace

Json llm_from_config(const Json& document, const std::string& place) {
  const Config config(document, place);
  const std::string family = config.text("model_type");
  const bool plain = is_plain(family);
  const Sizes sizes = read_attention(config);
  const double vocabulary = config.count({"vocab_size"});
  const double matrices = plain ? 2 : 3;
  const double experts =
      config.find({"n_routed_experts", "num_local_experts", "num_experts"}).value_or(1);
  const double per_token = config.find({"num_experts_per_tok"}).value_or(1);
  const double shared = config.find({"n_shared_experts"}).value_or(0);
  const double dense_layers = config.find({"first_k_dense_replace"}).value_or(0);
  const double dense_mlp = config.find({"intermediate_size", "ffn_dim", "n_inner"})
                               .value_or(plain ? 4 * sizes.hidden : 0);
  const double mlp = config.find({"moe_intermediate_size"}).value_or(dense_mlp);
  if (mlp == 0) config.count({"intermediate_size"});
  const double embeddings = config.flag("tie_word_embeddings", plain) ? 1 : 2;
  const double router = experts > 1 ? sizes.hidden * experts : 0;
  const double parameters =
      embeddings * vocabulary * sizes.hidden + sizes.layers * sizes.attention_parameters +
      dense_layers * matrices * sizes.hidden * dense_mlp +
      (sizes.layers - dense_layers) * (matrices * sizes.hidden * mlp * (experts + shared) + router);
  Json llm{{"summary", "imported from a config.json, model_type " + family},
           {"source", place},
           {"layers", sizes.layers},
           {"hidden_size", sizes.hidden},
           {"attention_heads", sizes.heads},
           {"kv_heads", sizes.kv_heads},
           {"head_size", sizes.head},
           {"value_head_size", sizes.value_head},
           {"mlp_size", mlp},
           {"mlp_matrices", matrices},
           {"vocabulary", vocabulary},
           {"parameters", parameters}};
  if (sizes.latent > 0) llm["kv_latent_size"] = sizes.latent;
  if (const double windows = window_layers(config, sizes.layers); windows > 0) {
    llm["window_layers"] = windows;
    llm["window_tokens"] = config.count({"sliding_window"});
  }
  if (experts > 1) {
    llm["experts"] = experts;
    llm["experts_per_token"] = per_token;
    llm["dense_layers"] = dense_layers;
  }
  read_llm(llm, place);
  for (auto& value : llm) {
    if (value.is_number_float()) value = static_cast<std::int64_t>(value.get<double>());
  }
  return llm;
}

}  // namespace cleave
