#include "models/catalogue/llm.h"

#include <algorithm>
#include <cmath>

#include "models/catalogue/profile_fields.h"

namespace cleave {

void Llm::store(const Formats& stored) {
  formats = stored;
  weight_bytes = (parameters - expert_parameters()) * bytes_each(formats.weights) +
                 expert_parameters() * bytes_each(formats.experts);
  const double numbers =
      kv_latent_size > 0 ? kv_latent_size : 1.0 * kv_heads * (head_size + value_head_size);
  kv_bytes_per_token =
      (layers - linear_layers) * (numbers * bytes_each(formats.kv_cache) + index_size);
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
  return read_llm(load_profile("profiles/llms", "LLM", name, place), name);
}

Llm read_llm(const Json& json, const std::string& name) {
  JsonReader reader(json, name);
  Llm llm;
  llm.name = short_name(name);
  read_origin(reader);
  if (reader.has("aliases")) llm.aliases = reader.texts("aliases");
  llm.layers = read_count(reader, "layers", 10'000);
  llm.hidden_size = read_count(reader, "hidden_size", 1'000'000);
  llm.attention_heads = read_count(reader, "attention_heads", 100'000);
  llm.kv_heads = read_count(reader, "kv_heads", llm.attention_heads);
  llm.head_size = read_count(reader, "head_size", 100'000, llm.hidden_size / llm.attention_heads);
  llm.value_head_size = read_count(reader, "value_head_size", 100'000, llm.head_size);
  if (reader.has("kv_latent_size")) {
    llm.kv_latent_size = read_count(reader, "kv_latent_size", 1'000'000);
  }
  llm.mlp_size = read_count(reader, "mlp_size", 10'000'000);
  llm.mlp_matrices = static_cast<std::uint32_t>(reader.integer("mlp_matrices", 2, 3));
  llm.experts = read_count(reader, "experts", 100'000, 1);
  llm.experts_per_token = read_count(reader, "experts_per_token", llm.experts, 1);
  llm.dense_layers = static_cast<std::uint32_t>(reader.integer("dense_layers", 0, llm.layers, 0));
  llm.dense_mlp_size = read_count(reader, "dense_mlp_size", 10'000'000, llm.mlp_size);
  if (reader.has("shared_mlp_size")) {
    llm.shared_mlp_size = read_count(reader, "shared_mlp_size", 10'000'000);
  }
  if (reader.has("linear_layers")) {
    llm.linear_layers = read_count(reader, "linear_layers", llm.layers - 1);
    llm.linear_state_size = reader.number("linear_state_size", kPositive);
  }
  if (reader.has("sparse_tokens")) {
    llm.sparse_tokens = read_count(reader, "sparse_tokens", 1'000'000'000);
    llm.index_size = read_count(reader, "index_size", 1'000'000);
    llm.index_heads = read_count(reader, "index_heads", 100'000);
  }
  llm.window_layers = static_cast<std::uint32_t>(
      reader.integer("window_layers", 0, llm.layers - llm.linear_layers, 0));
  if (llm.window_layers > 0) {
    llm.window_tokens = read_count(reader, "window_tokens", 1'000'000'000);
  }
  llm.vocabulary = read_count(reader, "vocabulary", 100'000'000);
  llm.tied_embeddings = reader.boolean("tied_embeddings", false);
  llm.parameters = reader.number("parameters", kPositive);
  llm.published_weight_bytes = reader.number("published_weight_bytes", kPositive, 0);
  reader.finish();
  if (llm.parameters_used(0) <= 0) {
    reader.fail("parameters", "expected more than the experts have: " +
                                  std::to_string(llm.parameters - llm.parameters_used(0)));
  }
  llm.store({});
  return llm;
}

}  // namespace cleave
