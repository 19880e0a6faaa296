// LLMs read from the config.json of each family, and what is refused there.

#include "models/catalogue/llm_config.h"

#include <string>
#include <vector>

#include "models/catalogue/llm.h"
#include "sim/base/builtin.h"
#include "sim/base/error.h"
#include "tests/catch.h"

using namespace cleave;

namespace {

Json parsed(const char* config) { return parse_json(config, "config.json"); }

/// Every field but its names is that of the built-in LLM; parameters within a hundredth.
void check_like(const std::string& name, const Json& config) {
  const Json llm = llm_from_config(config, "config.json");
  const Json known = parse_json(*builtin_file("profiles/llms/" + name + ".json"), name);
  for (const auto& [key, value] : known.items()) {
    if (key == "summary" || key == "source" || key == "date" || key == "aliases") continue;
    INFO(name << ": " << key);
    REQUIRE(llm.contains(key));
    if (key == "parameters") {
      CHECK(llm[key].get<double>() == Approx(value.get<double>()).epsilon(0.01));
    } else {
      CHECK(llm[key] == value);
    }
  }
  for (const auto& [key, value] : llm.items()) {
    INFO(name << ": " << key << " is " << value);
    CHECK((known.contains(key) || key == "head_size" || key == "value_head_size" ||
           (key == "dense_layers" && value == 0)));
  }
}

std::string refusal(const Json& config) {
  try {
    llm_from_config(config, "config.json");
  } catch (const InputError& error) {
    return error.what();
  }
  return "";
}

/// A field more, or another value of it.
Json with(Json config, const char* key, const Json& value) {
  config[key] = value;
  return config;
}

Json repeated(const std::vector<std::string>& types, int times) {
  std::vector<std::string> list;
  for (int i = 0; i < times; ++i) list.insert(list.end(), types.begin(), types.end());
  return list;
}

const Json kLlama = parsed(R"({"model_type": "llama", "hidden_size": 2048,
    "intermediate_size": 8192, "num_hidden_layers": 16, "num_attention_heads": 32,
    "num_key_value_heads": 8, "head_dim": 64, "attention_bias": false, "attention_dropout": 0.0,
    "mlp_bias": false, "tie_word_embeddings": true, "vocab_size": 128256})");

const Json kLlama4 = parsed(R"({"model_type": "llama4", "text_config": {
    "model_type": "llama4_text", "attention_chunk_size": 8192, "head_dim": 128,
    "hidden_size": 5120, "interleave_moe_layer_step": 2, "intermediate_size": 8192,
    "intermediate_size_mlp": 16384, "num_attention_heads": 40, "num_experts_per_tok": 1,
    "num_hidden_layers": 48, "num_key_value_heads": 8, "num_local_experts": 128,
    "attn_temperature_tuning": 4, "vocab_size": 202048},
    "vision_config": {"hidden_size": 1408, "num_attention_heads": 16}})");

const Json kQwen3Moe = parsed(R"({"model_type": "qwen3_moe", "decoder_sparse_step": 1,
    "head_dim": 128, "hidden_size": 2048, "intermediate_size": 6144, "max_window_layers": 48,
    "mlp_only_layers": [], "moe_intermediate_size": 768, "num_attention_heads": 32,
    "num_experts": 128, "num_experts_per_tok": 8, "num_hidden_layers": 48,
    "num_key_value_heads": 4, "sliding_window": null, "use_sliding_window": false,
    "tie_word_embeddings": false, "vocab_size": 151936})");

Json qwen35() {
  Json config = parsed(R"({"model_type": "qwen3_5_moe", "tie_word_embeddings": false,
      "text_config": {"model_type": "qwen3_5_moe_text", "attn_output_gate": true,
      "full_attention_interval": 4, "head_dim": 256, "hidden_size": 4096,
      "linear_conv_kernel_dim": 4, "linear_key_head_dim": 128, "linear_num_key_heads": 16,
      "linear_num_value_heads": 64, "linear_value_head_dim": 128, "mlp_only_layers": [],
      "moe_intermediate_size": 1024, "num_attention_heads": 32, "num_experts": 512,
      "num_experts_per_tok": 10, "num_hidden_layers": 60, "num_key_value_heads": 2,
      "shared_expert_intermediate_size": 1024, "vocab_size": 248320}})");
  config["text_config"]["layer_types"] =
      repeated({"linear_attention", "linear_attention", "linear_attention", "full_attention"}, 15);
  return config;
}

const Json kDeepSeek = parsed(R"({"model_type": "deepseek_v3", "first_k_dense_replace": 3,
    "hidden_size": 7168, "intermediate_size": 18432, "kv_lora_rank": 512,
    "moe_intermediate_size": 2048, "moe_layer_freq": 1, "n_routed_experts": 256,
    "n_shared_experts": 1, "num_attention_heads": 128, "num_experts_per_tok": 8,
    "num_hidden_layers": 61, "num_key_value_heads": 128, "num_nextn_predict_layers": 1,
    "q_lora_rank": 1536, "qk_nope_head_dim": 128, "qk_rope_head_dim": 64, "v_head_dim": 128,
    "tie_word_embeddings": false, "vocab_size": 129280})");

Json deepseek32() {
  Json config = kDeepSeek;
  config["index_head_dim"] = 128;
  config["index_n_heads"] = 64;
  config["index_topk"] = 2048;
  return config;
}

Json gpt_oss() {
  Json config = parsed(R"({"model_type": "gpt_oss", "attention_bias": true,
      "experts_per_token": 4, "head_dim": 64, "hidden_size": 2880, "intermediate_size": 2880,
      "num_attention_heads": 64, "num_experts_per_tok": 4, "num_hidden_layers": 36,
      "num_key_value_heads": 8, "num_local_experts": 128, "sliding_window": 128,
      "tie_word_embeddings": false, "vocab_size": 201088})");
  config["layer_types"] = repeated({"sliding_attention", "full_attention"}, 18);
  return config;
}

const Json kKimi = parsed(R"({"model_type": "kimi_k25", "text_config": {
    "model_type": "kimi_k2", "add_cross_attention": false, "cross_attention_hidden_size": null,
    "first_k_dense_replace": 1, "hidden_size": 7168, "intermediate_size": 18432,
    "kv_lora_rank": 512, "moe_intermediate_size": 2048, "moe_layer_freq": 1,
    "n_routed_experts": 384, "n_shared_experts": 1, "num_attention_heads": 64,
    "num_experts_per_tok": 8, "num_hidden_layers": 61, "num_key_value_heads": 64,
    "q_lora_rank": 1536, "qk_nope_head_dim": 128, "qk_rope_head_dim": 64, "v_head_dim": 128,
    "tie_word_embeddings": false, "vocab_size": 163840}})");

Json minimax() {
  Json config = parsed(R"({"model_type": "minimax_m2", "head_dim": 128, "hidden_size": 3072,
      "intermediate_size": 1536, "layernorm_full_attention_beta": 1.0,
      "num_attention_heads": 48, "num_experts_per_tok": 8, "num_hidden_layers": 62,
      "num_key_value_heads": 8, "num_local_experts": 256, "shared_intermediate_size": 0,
      "shared_moe_mode": "sigmoid", "sliding_window": null, "use_mtp": true,
      "tie_word_embeddings": false, "vocab_size": 200064})");
  config["attn_type_list"] = std::vector<int>(62, 1);
  return config;
}

Json glm5() {
  Json config = parsed(R"({"model_type": "glm_moe_dsa", "head_dim": 64, "hidden_size": 6144,
      "index_head_dim": 128, "index_n_heads": 32, "index_topk": 2048,
      "indexer_rope_interleave": true, "intermediate_size": 12288, "kv_lora_rank": 512,
      "moe_intermediate_size": 2048, "n_routed_experts": 256, "n_shared_experts": 1,
      "num_attention_heads": 64, "num_experts_per_tok": 8, "num_hidden_layers": 78,
      "num_key_value_heads": 64, "q_lora_rank": 2048, "qk_nope_head_dim": 192,
      "qk_rope_head_dim": 64, "v_head_dim": 256, "tie_word_embeddings": false,
      "vocab_size": 154880})");
  Json kinds = repeated({"dense"}, 3);
  for (const Json& kind : repeated({"sparse"}, 75)) kinds.push_back(kind);
  config["mlp_layer_types"] = kinds;
  return config;
}

const Json kGemma3 = parsed(R"({"model_type": "gemma3", "mm_tokens_per_image": 256,
    "text_config": {"model_type": "gemma3_text", "hidden_size": 3840,
    "intermediate_size": 15360, "num_attention_heads": 16, "num_hidden_layers": 48,
    "num_key_value_heads": 8, "query_pre_attn_scalar": 256, "sliding_window": 1024},
    "vision_config": {"hidden_size": 1152, "num_hidden_layers": 27}})");

const Json kMistral = parsed(R"({"model_type": "mistral", "head_dim": 128,
    "hidden_size": 5120, "intermediate_size": 32768, "num_attention_heads": 32,
    "num_hidden_layers": 40, "num_key_value_heads": 8, "sliding_window": null,
    "tie_word_embeddings": false, "vocab_size": 131072})");

/// Parameters of embeddings, attention and MLPs. That of layers with compressed or linear attention
/// is left out, as a profile does not have all its sizes: less than 2 % of those LLMs.
double counted(const Llm& llm) {
  const double dense = llm.experts > 1 ? llm.dense_layers : 0;
  const double attention_layers = llm.kv_latent_size > 0 ? 0 : llm.layers - llm.linear_layers;
  const double attention =
      2.0 * llm.hidden_size * llm.head_size * (llm.attention_heads + llm.kv_heads);
  const double mlps =
      dense * llm.dense_mlp_size +
      (llm.layers - dense) * (1.0 * llm.experts * llm.mlp_size + llm.shared_mlp_size);
  return (llm.tied_embeddings ? 1.0 : 2.0) * llm.vocabulary * llm.hidden_size +
         attention_layers * attention + mlps * llm.mlp_matrices * llm.hidden_size;
}

}  // namespace

TEST_CASE("LLM from config: a gated DeltaNet keeps a state, and what its convolution sees") {
  const Json llm = llm_from_config(qwen35(), "config.json");
  CHECK(llm["linear_state_size"] == 64 * 128 * 128);
  CHECK(llm["linear_conv_size"] == 3 * (2 * 16 * 128 + 64 * 128));
  Json config = qwen35();
  config["text_config"]["mamba_ssm_dtype"] = "float32";
  CHECK(llm_from_config(config, "config.json") == llm);
  config["text_config"]["mamba_ssm_dtype"] = "bfloat16";
  CHECK_THROWS_WITH(llm_from_config(config, "config.json"),
                    Catch::Matchers::Contains("mamba_ssm_dtype: expected float32"));
}

TEST_CASE("llm config: each family gives the sizes of the built-in LLM") {
  check_like("llama3.2-1b", kLlama);
  check_like("llama4-maverick-17b-128e", kLlama4);
  check_like("qwen3-30b-a3b", kQwen3Moe);
  check_like("qwen3.5-397b-a17b", qwen35());
  check_like("deepseek-v3", kDeepSeek);
  check_like("deepseek-v3.2", deepseek32());
  check_like("gpt-oss-120b", gpt_oss());
  check_like("kimi-k2.5", kKimi);
  check_like("minimax-m2.5", minimax());
  check_like("glm-5", glm5());
  check_like("gemma3-12b", kGemma3);
  check_like("mistral-small-24b", kMistral);
}

TEST_CASE("llm config: the same layers, named another way") {
  Json scout = kLlama4;
  scout["text_config"]["interleave_moe_layer_step"] = 1;
  scout["text_config"]["num_local_experts"] = 16;
  scout["text_config"]["layer_types"] = repeated(
      {"chunked_attention", "chunked_attention", "chunked_attention", "full_attention"}, 12);
  check_like("llama4-scout-17b-16e", scout);

  Json maverick = kLlama4;
  maverick["text_config"].erase("interleave_moe_layer_step");
  maverick["text_config"]["moe_layers"] = std::vector<int>(24, 1);
  maverick["text_config"]["no_rope_layers"] = std::vector<int>(36, 1);
  check_like("llama4-maverick-17b-128e", maverick);

  Json qwen = qwen35();
  qwen["text_config"].erase("layer_types");
  check_like("qwen3.5-397b-a17b", qwen);

  Json oss = gpt_oss();
  oss.erase("layer_types");
  check_like("gpt-oss-120b", oss);

  Json glm = glm5();
  glm.erase("mlp_layer_types");
  glm["first_k_dense_replace"] = 3;
  check_like("glm-5", glm);

  Json named = kQwen3Moe;
  named["mlp_only_layers"] = Json::array({0, 1});
  const Json two_dense = llm_from_config(named, "config.json");
  CHECK(two_dense["dense_layers"] == 2);
  CHECK(two_dense["dense_mlp_size"] == 6144);
  const Json half = llm_from_config(with(kQwen3Moe, "decoder_sparse_step", 2), "config.json");
  CHECK(half["dense_layers"] == 24);

  Json windows = with(kQwen3Moe, "use_sliding_window", true);
  windows["sliding_window"] = 4096;
  windows["max_window_layers"] = 28;
  CHECK(llm_from_config(windows, "config.json")["window_layers"] == 20);
}

TEST_CASE("llm config: a field that may cost something and is not known is refused by name") {
  for (const char* field :
       {"mamba_d_state", "ssm_state_size", "conv_L_cache", "cross_attention_layers",
        "sliding_window_size", "attention_pattern", "moe_latent_size", "num_kv_shared_layers",
        "hybrid_override_pattern", "sparse_blocks", "compress_ratios", "num_zero_experts"}) {
    INFO(field);
    const std::string why = refusal(with(kLlama, field, 128));
    CHECK(why.find("config.json: " + std::string(field) + ": may change what") == 0);
    CHECK(why.find("Cleave does not know it; known are full, sliding-window") != std::string::npos);
  }
  Json nested = kKimi;
  nested["text_config"]["mamba_d_state"] = 128;
  CHECK(refusal(nested).find("config.json: text_config: mamba_d_state: ") == 0);
}

TEST_CASE("llm config: a field that is off, or costs nothing, is no reason to refuse") {
  for (const Json& off : {Json(nullptr), Json(false), Json(0), Json(""), Json::array()}) {
    INFO(off);
    CHECK(refusal(with(kLlama, "mamba_d_state", off)).empty());
  }
  CHECK(refusal(with(kLlama, "attention_multiplier", 0.5)).empty());
  CHECK(refusal(with(kLlama, "rope_theta", 500000.0)).empty());
}

TEST_CASE("llm config: values of known fields that Cleave cannot describe are refused") {
  const auto check = [](const Json& config, const std::string& part) {
    INFO(part);
    CHECK(refusal(config).find(part) != std::string::npos);
  };
  check(with(kLlama, "layer_types", repeated({"mamba", "full_attention"}, 8)),
        "layer_types: expected full_attention or sliding_attention");
  check(with(kLlama, "layer_types", repeated({"full_attention"}, 15)), "for each of the 16 layers");
  check(with(kLlama, "layer_types", "full_attention"), "layer_types: expected a list");
  check(with(kLlama, "layer_types", repeated({"sliding_attention"}, 16)),
        "sliding_window: is missing");
  check(with(kLlama, "layer_types", repeated({"sliding_attention", "chunked_attention"}, 8)),
        "layer_types: expected windows of one size");
  check(with(kLlama, "layer_types", repeated({"linear_attention", "full_attention"}, 8)),
        "linear_num_value_heads: is missing");
  check(with(minimax(), "attn_type_list", std::vector<int>(62, 0)),
        "attn_type_list: expected 1 (full attention)");
  check(with(kDeepSeek, "moe_layer_freq", 2), "moe_layer_freq: expected 1");
  check(with(glm5(), "mlp_layer_types", repeated({"dense"}, 3)),
        "mlp_layer_types: expected dense or sparse");
  check(with(glm5(), "index_topk_freq", 4), "index_topk_freq: expected 1");
  Json both = with(kQwen3Moe, "decoder_sparse_step", 2);
  both["mlp_only_layers"] = Json::array({0});
  check(both, "mlp_only_layers: expected none");
  Json unrouted = kQwen3Moe;
  unrouted.erase("num_experts_per_tok");
  check(unrouted, "num_experts_per_tok: is missing");
  check(with(kKimi, "text_config", 3), "config.json: text_config: expected an object");
}

TEST_CASE("llm config: every built-in LLM can be read, and has the parameters of its sizes") {
  for (const std::string& name : builtin_names("profiles/llms")) {
    INFO(name);
    const Llm llm = load_llm(name, "llm");
    CHECK(counted(llm) == Approx(llm.parameters).epsilon(0.02));
    CHECK(llm.parameters_used(0) > 0);
  }
}
