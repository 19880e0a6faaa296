#include "models/catalogue/llm.h"

#include <algorithm>
#include <cmath>

#include "models/catalogue/names.h"
#include "models/catalogue/profile_fields.h"
#include "sim/base/builtin.h"

namespace cleave {

namespace {

const Accepts kSize = whole(1, 1'000'000);
const Setting kAliases{"aliases", nullptr, "", "names by which measurements know it",
                       words("a list of texts")};
const Setting kLayers{"layers", nullptr, "layers", "in all", whole(1, 10'000)};
const Setting kHidden{"hidden_size", nullptr, "", "numbers of a token between layers", kSize};
const Setting kHeads{"attention_heads", nullptr, "heads", "of queries", whole(1, 100'000)};
const Setting kKvHeads{"kv_heads", nullptr, "heads", "of keys and values",
                       words("a whole number from 1 to attention_heads")};
const Setting kHeadSize{"head_size", nullptr, "",
                        "of queries and keys; hidden_size / attention_heads", whole(1, 100'000)};
const Setting kValueSize{"value_head_size", nullptr, "", "of values; head_size", whole(1, 100'000)};
const Setting kLatent{"kv_latent_size", nullptr, "",
                      "numbers a token and layer where keys and values are one latent (MLA)",
                      kSize};
const Setting kMlp{"mlp_size", nullptr, "", "of the feed-forward part, or of one expert",
                   whole(1, 10'000'000)};
const Setting kMatrices{"mlp_matrices", nullptr, "matrices", "of it; 3 with a gate", whole(2, 3)};
const Setting kExperts{"experts", 1, "experts", "of a layer, among which tokens are routed",
                       whole(1, 100'000)};
const Setting kUsed{"experts_per_token", 1, "experts", "that a token is routed to",
                    words("a whole number from 1 to experts")};
const Setting kDense{"dense_layers", 0, "layers", "without experts where others have them",
                     words("a whole number from 0 to layers")};
const Setting kDenseMlp{"dense_mlp_size", nullptr, "", "of these; mlp_size", whole(1, 10'000'000)};
const Setting kShared{"shared_mlp_size", nullptr, "", "of experts that every token goes through",
                      whole(1, 10'000'000)};
const Setting kLinear{"linear_layers", nullptr, "layers", "whose attention keeps no KV cache",
                      words("a whole number from 1 to layers - 1")};
const Setting kState{"linear_state_size", nullptr, "",
                     "numbers of a sequence that each of these keeps, of 4 bytes", in(kPositive)};
const Setting kConvolution{"linear_conv_size", 0, "", "the same of its convolution, of 2 bytes",
                           in(kNonNegative)};
const Setting kSparse{"sparse_tokens", nullptr, "tokens",
                      "that attention reads at most, chosen by an index", whole(1, 1'000'000'000)};
const Setting kIndex{"index_size", nullptr, "bytes", "of a token in that index, each layer", kSize};
const Setting kIndexHeads{"index_heads", nullptr, "heads", "of the index", whole(1, 100'000)};
const Setting kWindowLayers{"window_layers", 0, "layers", "whose attention sees a window only",
                            words("a whole number from 0 to layers")};
const Setting kWindow{"window_tokens", nullptr, "tokens", "that they see", whole(1, 1'000'000'000)};
const Setting kVocabulary{"vocabulary", nullptr, "tokens", "that there are", whole(1, 100'000'000)};
const Setting kTied{"tied_embeddings", false, "", "one matrix looks tokens up and rates them",
                    true_or_false()};
const Setting kParameters{"parameters", nullptr, "", "in all, those of experts too", in(kPositive)};
const Setting kPublished{"published_weight_bytes", 0, "bytes",
                         "as the published simulator has it, for weights.size published",
                         in(kPositive)};
const Reference::Entry kEntry{profile_section(
    "llm", "An LLM, as far as its cost is concerned; cleave profile import makes one.",
    {kAliases,      kLayers, kHidden,     kHeads,       kKvHeads,    kHeadSize, kValueSize,
     kLatent,       kMlp,    kMatrices,   kExperts,     kUsed,       kDense,    kDenseMlp,
     kShared,       kLinear, kState,      kConvolution, kSparse,     kIndex,    kIndexHeads,
     kWindowLayers, kWindow, kVocabulary, kTied,        kParameters, kPublished})};

}  // namespace

void Llm::store(const Formats& stored) {
  formats = stored;
  weight_bytes = (parameters - expert_parameters()) * bytes_each(formats.weights) +
                 expert_parameters() * bytes_each(formats.experts);
  const double numbers =
      kv_latent_size > 0 ? kv_latent_size : 1.0 * kv_heads * (head_size + value_head_size);
  kv_bytes_per_token =
      (layers - linear_layers) * (numbers * bytes_each(formats.kv_cache) + index_size);
  constexpr double kStateBytes = 4;
  constexpr double kConvolutionBytes = 2;
  kv_state_bytes =
      linear_layers * (kStateBytes * linear_state_size + kConvolutionBytes * linear_conv_size);
}

double Llm::kv_copies(std::uint32_t tensor_parallel) const {
  const double heads = kv_latent_size > 0 ? 1 : kv_heads;
  return std::max(1.0, tensor_parallel / heads);
}

double Llm::expert_parameters() const {
  if (experts == 1) return 0;
  return 1.0 * (layers - dense_layers) * experts * mlp_matrices * hidden_size * mlp_size;
}

double Llm::stored_bytes(std::uint32_t groups) const {
  const double in_experts = expert_parameters() * bytes_each(formats.experts);
  return in_experts + (weight_bytes - in_experts) * groups;
}

double Llm::parameters_used(double tokens) const {
  if (experts == 1) return parameters;
  const double unused = std::pow(1 - 1.0 * experts_per_token / experts, tokens);
  return parameters - expert_parameters() * unused;
}

Llm load_llm(const std::string& name, const std::string& place) {
  // Most people know an LLM by its name at Hugging Face.
  const bool ours = name.ends_with(".json") || builtin_file("profiles/llms/" + name + ".json");
  const std::string known = ours ? name : known_llm(name);
  const std::string& profile = known.empty() ? name : known;
  return read_llm(load_profile("profiles/llms", "LLM", profile, place), profile);
}

Llm read_llm(const Json& json, const std::string& name) {
  JsonReader reader(json, name);
  Llm llm;
  llm.name = short_name(name);
  read_origin(reader);
  if (kAliases.given(reader)) llm.aliases = reader.texts(kAliases.name);
  llm.layers = kLayers.count(reader);
  llm.hidden_size = kHidden.count(reader);
  llm.attention_heads = kHeads.count(reader);
  llm.kv_heads = read_count(reader, kKvHeads, llm.attention_heads);
  llm.head_size = kHeadSize.optional_count(reader).value_or(llm.hidden_size / llm.attention_heads);
  llm.value_head_size = kValueSize.optional_count(reader).value_or(llm.head_size);
  llm.kv_latent_size = kLatent.optional_count(reader).value_or(0);
  llm.mlp_size = kMlp.count(reader);
  llm.mlp_matrices = kMatrices.count(reader);
  llm.experts = kExperts.count(reader);
  llm.experts_per_token = read_count(reader, kUsed, llm.experts, 1);
  llm.dense_layers = static_cast<std::uint32_t>(reader.integer(kDense.name, 0, llm.layers, 0));
  llm.dense_mlp_size = kDenseMlp.optional_count(reader).value_or(llm.mlp_size);
  llm.shared_mlp_size = kShared.optional_count(reader).value_or(0);
  if (kLinear.given(reader)) {
    llm.linear_layers = read_count(reader, kLinear, llm.layers - 1);
    llm.linear_state_size = kState.number(reader);
    llm.linear_conv_size = kConvolution.number(reader);
  }
  if (kSparse.given(reader)) {
    llm.sparse_tokens = kSparse.count(reader);
    llm.index_size = kIndex.count(reader);
    llm.index_heads = kIndexHeads.count(reader);
  }
  llm.window_layers = static_cast<std::uint32_t>(
      reader.integer(kWindowLayers.name, 0, llm.layers - llm.linear_layers, 0));
  if (llm.window_layers > 0) {
    llm.window_tokens = kWindow.count(reader);
  }
  llm.vocabulary = kVocabulary.count(reader);
  llm.tied_embeddings = kTied.boolean(reader);
  llm.parameters = kParameters.number(reader);
  llm.published_weight_bytes = kPublished.number(reader);
  reader.finish();
  if (llm.parameters_used(0) <= 0) {
    reader.fail("parameters", "expected more than the experts have: " +
                                  std::to_string(llm.parameters - llm.parameters_used(0)));
  }
  llm.store({});
  return llm;
}

}  // namespace cleave
