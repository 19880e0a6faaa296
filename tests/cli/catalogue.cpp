// What the catalogue shows, and LLMs imported into it.

#include "sim/base/builtin.h"
#include "sim/base/json_reader.h"
#include "tests/catch.h"
#include "tests/cli/run_cleave.h"

using namespace cleave;
using namespace cleave::testing;

namespace {

Json imported(const Json& config) {
  const TempFolder folder;
  const Outcome outcome =
      run_cleave({"profile", "llm", folder.write("config.json", config.dump())});
  INFO(outcome.err);
  REQUIRE(outcome.exit_code == 0);
  return parse_json(outcome.out, "profile llm");
}

const Json kLlama2{{"model_type", "llama"},        {"hidden_size", 8192},
                   {"intermediate_size", 28672},   {"num_attention_heads", 64},
                   {"num_key_value_heads", 8},     {"num_hidden_layers", 80},
                   {"tie_word_embeddings", false}, {"vocab_size", 32000}};
const Json kMixtral{{"model_type", "mixtral"},      {"hidden_size", 4096},
                    {"intermediate_size", 14336},   {"num_attention_heads", 32},
                    {"num_key_value_heads", 8},     {"num_hidden_layers", 32},
                    {"num_local_experts", 8},       {"num_experts_per_tok", 2},
                    {"tie_word_embeddings", false}, {"vocab_size", 32000}};
const Json kDeepSeek{{"model_type", "deepseek_v3"},  {"hidden_size", 7168},
                     {"intermediate_size", 18432},   {"moe_intermediate_size", 2048},
                     {"num_attention_heads", 128},   {"num_key_value_heads", 128},
                     {"num_hidden_layers", 61},      {"n_routed_experts", 256},
                     {"n_shared_experts", 1},        {"num_experts_per_tok", 8},
                     {"first_k_dense_replace", 3},   {"q_lora_rank", 1536},
                     {"kv_lora_rank", 512},          {"qk_nope_head_dim", 128},
                     {"qk_rope_head_dim", 64},       {"v_head_dim", 128},
                     {"tie_word_embeddings", false}, {"vocab_size", 129280}};
const Json kBloom{{"model_type", "bloom"},
                  {"n_embed", 14336},
                  {"n_layer", 70},
                  {"num_attention_heads", 112},
                  {"vocab_size", 250880}};

/// The fields that say how an LLM behaves are those of the built-in one.
void check_like(const std::string& name, const Json& llm) {
  const Json known = parse_json(*builtin_file("profiles/llms/" + name + ".json"), name);
  for (const auto& [key, value] : known.items()) {
    if (key == "summary" || key == "source" || key == "date") continue;
    if (key == "published_weight_bytes" || key == "aliases") continue;
    INFO(name << ": " << key);
    REQUIRE(llm.contains(key));
    if (!value.is_number()) {
      CHECK(llm[key] == value);
      continue;
    }
    CHECK(llm[key].get<double>() == Approx(value.get<double>()).epsilon(0.001));
  }
}

}  // namespace

TEST_CASE("list: every kind names all there are, a line each") {
  for (const char* kind : {"gpus", "machines", "llms"}) {
    const Outcome outcome = run_cleave({"list", kind});
    INFO(kind);
    CHECK(outcome.exit_code == 0);
    for (const std::string& name : builtin_names(std::string("profiles/") + kind)) {
      CHECK(contains(outcome.out, "\n  " + name + " "));
    }
  }
  CHECK(contains(run_cleave({"list", "machines"}).out, "8x-rtx-2080-ti"));
  CHECK(contains(run_cleave({"list", "workloads"}).out, "azure-2023-conv: "));
  CHECK(contains(run_cleave({"list", "fabrics"}).out, "fat-tree: "));
  const std::string policies = run_cleave({"list", "policies"}).out;
  for (const char* part : {"mixed_pool: ", "roofline: ", "paged: ", "layerwise: ", "poisson: "}) {
    CHECK(contains(policies, part));
  }
  const std::string figures = run_cleave({"list", "figures"}).out;
  for (const char* part :
       {"links.csv\n  link: ", "summary.json: cost\n  price_per_hour ($/h; less"}) {
    CHECK(contains(figures, part));
  }
  const Outcome wrong = run_cleave({"list", "gpu"});
  CHECK(wrong.exit_code == 2);
  CHECK(contains(wrong.err, "list: unknown kind \"gpu\"; did you mean \"gpus\"?"));
  const Outcome no_table = run_cleave({"list", "gpus", "--markdown"});
  CHECK(no_table.exit_code == 2);
  CHECK(contains(no_table.err, "list gpus --markdown: expected figures"));
}

TEST_CASE("catalogue: every entry has a source and a date") {
  for (const char* folder : {"profiles/gpus", "profiles/machines", "profiles/llms"}) {
    for (const std::string& name : builtin_names(folder)) {
      INFO(folder << " " << name);
      const Outcome outcome = run_cleave({"show", name});
      CHECK(outcome.exit_code == 0);
      const Json entry = parse_json(outcome.out, name);
      for (const char* key : {"summary", "source", "date"}) {
        CHECK_FALSE(entry.at(key).get<std::string>().empty());
      }
    }
  }
  CHECK(contains(run_cleave({"show", "rtx-2080ti"}).err, "did you mean \"rtx-2080-ti\"?"));
}

TEST_CASE("profile llm: imports the sizes that the built-in LLMs have") {
  check_like("llama2-70b", imported(kLlama2));
  check_like("mixtral-8x7b", imported(kMixtral));
  check_like("deepseek-v3", imported(kDeepSeek));
  check_like("bloom-176b", imported(kBloom));
}

TEST_CASE("profile llm: layers with a sliding window, however a config names them") {
  Json gpt_oss = kMixtral;
  gpt_oss["num_hidden_layers"] = 36;
  gpt_oss["sliding_window"] = 128;
  gpt_oss["layer_types"] = Json::array();
  for (int i = 0; i < 36; ++i) {
    gpt_oss["layer_types"].push_back(i % 2 == 0 ? "sliding_attention" : "full_attention");
  }
  CHECK(imported(gpt_oss)["window_layers"] == 18);
  CHECK(imported(gpt_oss)["window_tokens"] == 128);

  Json gemma3 = kLlama2;  // every sixth layer sees all
  gemma3["num_hidden_layers"] = 62;
  gemma3["sliding_window"] = 1024;
  gemma3["sliding_window_pattern"] = 6;
  CHECK(imported(gemma3)["window_layers"] == 52);

  Json mistral = kLlama2;
  mistral["sliding_window"] = 4096;
  CHECK(imported(mistral)["window_layers"] == mistral["num_hidden_layers"]);
  mistral["sliding_window"] = nullptr;
  CHECK_FALSE(imported(mistral).contains("window_layers"));

  Json qwen = mistral;
  qwen["sliding_window"] = 131072;
  qwen["use_sliding_window"] = false;
  CHECK_FALSE(imported(qwen).contains("window_layers"));
}

TEST_CASE("profile llm: a kind of attention that Cleave does not know is named") {
  const TempFolder folder;
  Json config = kLlama2;
  config["sliding_window"] = 4096;
  config["layer_types"] = Json::array({"linear_attention", "full_attention"});
  const Outcome outcome =
      run_cleave({"profile", "llm", folder.write("config.json", config.dump())});
  CHECK(outcome.exit_code == 2);
  CHECK(contains(outcome.err, "layer_types: expected full_attention or sliding_attention"));
}

TEST_CASE("profile llm: what it writes can be simulated") {
  const TempFolder folder;
  const std::string profile = folder.path("mine.json");
  REQUIRE(
      run_cleave({"profile", "llm", folder.write("config.json", kMixtral.dump()), "--out", profile})
          .exit_code == 0);
  const Outcome run = run_cleave(
      {"run", "--set", "llm=" + profile, "--set", "slo=none", "--set", "workload.duration_s=1"});
  INFO(run.err);
  CHECK(run.exit_code == 0);
  CHECK(contains(run.out, "estimated latencies"));
}

TEST_CASE("profile llm: a config that is none is refused") {
  const TempFolder folder;
  const auto error = [&](const Json& config) {
    const Outcome outcome =
        run_cleave({"profile", "llm", folder.write("config.json", config.dump())});
    CHECK(outcome.exit_code == 2);
    CHECK(outcome.out.empty());
    return outcome.err;
  };
  CHECK(contains(error(Json::array()), "config.json: expected an object"));
  CHECK(contains(error(Json::object()), "num_hidden_layers: is missing"));
  Json config = kLlama2;
  config["hidden_size"] = -8192;
  CHECK(contains(error(config), "hidden_size: expected a whole number"));
  config = kLlama2;
  config["num_attention_heads"] = "64";
  CHECK(contains(error(config), "num_attention_heads: expected a whole number"));
  config = kDeepSeek;
  config.erase("qk_rope_head_dim");
  CHECK(contains(error(config), "qk_rope_head_dim: is missing"));
}

TEST_CASE("profile llm: sizes that no scenario would take are refused") {
  const TempFolder folder;
  const auto error = [&](Json config, const char* key, int value) {
    config[key] = value;
    const Outcome outcome =
        run_cleave({"profile", "llm", folder.write("config.json", config.dump())});
    CHECK(outcome.exit_code == 2);
    CHECK(outcome.out.empty());
    return outcome.err;
  };
  CHECK(contains(error(kLlama2, "hidden_size", 999'999'999),
                 "config.json: hidden_size: expected a number from 1 to 1000000"));
  CHECK(contains(error(kLlama2, "num_key_value_heads", 65),
                 "config.json: kv_heads: expected a number from 1 to 64, found 65"));
  CHECK(contains(error(kDeepSeek, "first_k_dense_replace", 62),
                 "config.json: dense_layers: expected a number from 0 to 61, found 62"));
  CHECK(contains(error(kMixtral, "num_experts_per_tok", 9),
                 "config.json: experts_per_token: expected a number from 1 to 8, found 9"));
}

TEST_CASE("price: a machine without a published price runs, and its cost is unknown") {
  const TempFolder folder;
  Json scenario{{"llm", "llama2-13b"},
                {"workload", {{"duration_s", 1}, {"rate_rps", 1}}},
                {"pools", {{{"role", "mixed"}, {"machine", "8x-rtx-2080-ti"}, {"count", 2}}}},
                {"scheduler", {{"policy", "jsq"}}},
                {"slo", "none"}};
  const auto run = [&](const std::string& option = "--json") {
    return run_cleave({"run", folder.write("s.json", scenario.dump()), option});
  };
  const Outcome without = run();
  REQUIRE(without.exit_code == 0);
  const Json unknown = parse_json(without.out, "summary");
  CHECK(unknown.at("cost").size() > 3);
  for (const Json& figure : unknown.at("cost")) CHECK(figure.is_null());
  CHECK(unknown.at("pools").at(0).at("price_per_hour").is_null());
  const std::string text = run("--set=slo=none").out;
  CHECK(contains(text, "Cost: unknown, as no price is published; give pools[0].price_per_hour"));
  CHECK(contains(text, "(8x-rtx-2080-ti) in $/hour"));
  const std::string sweep = folder.write(
      "sweep.json", Json{{"scenario", scenario}, {"vary", {{"pools[0].count", {1, 2}}}}}.dump());
  const std::string database = folder.path("results.db");
  CHECK(run_cleave({"sweep", sweep, "--out", database, "--quiet"}).exit_code == 0);
  const Json points = parse_json(run_cleave({"results", database, "--json"}).out, "points");
  REQUIRE(points.size() == 2);
  CHECK(points.at(0).at("cost_per_hour").is_null());
  CHECK(points.at(0).at("requests_completed") > 0);
  scenario["pools"][0]["price_per_hour"] = 0.8;
  const Outcome with = run();
  INFO(with.err);
  REQUIRE(with.exit_code == 0);
  const Json summary = parse_json(with.out, "summary");
  CHECK(summary.at("estimated") == true);
  CHECK(summary.at("cost").at("price_per_hour").get<double>() == Approx(1.6));
}
