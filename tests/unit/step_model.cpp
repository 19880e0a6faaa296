// Iterations of today's engines: what they are made of, and where they come from.

#include "models/latency/step_model.h"

#include <cmath>

#include "models/fit/operator_fit.h"
#include "models/latency/instance_model.h"
#include "sim/base/builtin.h"
#include "tests/catch.h"
#include "tests/support/simulation.h"
#include "tests/support/temp_folder.h"

namespace cleave {

namespace {

using Catch::Matchers::Contains;
using testing::TempFolder;

struct Instance {
  std::string llm = "llama3-70b";
  std::string machine = "dgx-h100";
  Parallelism parallelism = {2, 1, 1, 1};
  Formats formats = {Format::kFp8, Format::kFp16};
  std::string engine = "vllm";
  HostCosts host = load_engine("vllm", "engine").host;

  StepModel steps() const {
    Llm model = load_llm(llm, "llm");
    model.store(formats);
    const Machine server = load_machine(machine, "machine");
    return StepModel(model, server, parallelism, Operators(server.gpu, engine), host);
  }
  double decode_s(std::uint32_t sequences, std::int64_t kv_tokens) const {
    return steps().cost({0, 0, 0, sequences, kv_tokens, 1.0 * sequences}).first_s;
  }
  double prompt_s(std::uint32_t tokens) const {
    return steps().cost({tokens, 1.0 * tokens * tokens, 0, 0, 0, 0}).first_s;
  }
};

}  // namespace

TEST_CASE("step model: an engine brings its batching to whatever names it, unless that names one") {
  const Json engine{{"latency", {{"engine", "sglang"}}}};
  const Json changed = merge_scenario(default_scenario(), engine);
  CHECK(changed["batching"]["policy"] == "sglang");
  Json named = engine;
  named["batching"]["policy"] = "trtllm";
  CHECK(merge_scenario(default_scenario(), named)["batching"]["policy"] == "trtllm");
  const Json cached = merge_scenario(changed, {{"kv_cache", {{"prefix_caching", true}}}});
  CHECK(cached["batching"]["policy"] == "sglang");
}

TEST_CASE("step model: one sequence reads the weights, and no faster than the data sheet") {
  Instance one;
  one.host = {};
  const Llm llm = load_llm("llama3-70b", "llm");
  const Gpu gpu = load_gpu("h100-80gb", "gpu");
  const double in_layers = llm.parameters - 2.0 * llm.vocabulary * llm.hidden_size;
  const double head = 2.0 * llm.vocabulary * llm.hidden_size;
  const double least = (in_layers + head) / 2 / gpu.memory_bandwidth_bytes_per_s;
  const double found = one.decode_s(1, 1);
  CHECK(found > least);
  CHECK(found < 1.6 * least);
}

TEST_CASE("step model: a KV token costs its bytes at the measured share of the bandwidth") {
  const Instance one;
  const Llm llm = load_llm("llama3-70b", "llm");
  const Gpu gpu = load_gpu("h100-80gb", "gpu");
  const double share =
      Operators(gpu, "vllm").find(Operator::kDecodeAttention, Format::kFp16).fit.memory;
  const double expected = llm.kv_bytes_per_token / 2 / (share * gpu.memory_bandwidth_bytes_per_s);
  const double found = (one.decode_s(8, 80'000) - one.decode_s(8, 40'000)) / 40'000;
  CHECK(found == Approx(expected).epsilon(0.05));
  const RunCost cost = one.steps().cost({0, 0, 0, 8, 40'000, 8});
  CHECK(cost.growth_s == Approx(8 * found));
  CHECK(cost.holds_for == RunCost::kForEver);
}

TEST_CASE("step model: what leaves a server, all-reduces around and tokens to their experts") {
  Instance one;
  const BatchShape decodes{0, 0, 0, 32, 32'000, 32};
  one.parallelism = {8, 1, 1, 1};
  one.machine = "2x-dgx-h100";
  CHECK(one.steps().cost(decodes).network_bytes == 0);
  CHECK(one.steps().cost(decodes).network_s == 0);
  one.parallelism = {16, 1, 1, 1};
  // Two a layer, of 8192 numbers of 2 bytes, each sent 2 x 15/16 times.
  const RunCost over = one.steps().cost(decodes);
  CHECK(over.network_bytes == Approx(32 * 2 * 80 * 2 * 15 / 16.0 * 8192 * 2));
  CHECK(over.network_s > 0);
  CHECK(over.network_s < over.first_s);
  one.parallelism = {8, 2, 1, 1};  // stages within servers
  CHECK(one.steps().cost(decodes).network_bytes == 0);
  // Each of 16 groups has 2 of the tokens, each of which goes to 8 experts, of the 15 other GPUs 8
  // in the other server, in FP8, and comes back in FP16.
  one.llm = "deepseek-v3";
  one.parallelism = {1, 1, 16, 16};
  CHECK(one.steps().cost(decodes).network_bytes ==
        Approx(2 * 58 * 8 * 7168 * (1 + 2) * 8 * 8 / 15.0));
}

TEST_CASE("step model: never shorter when a prompt or a sequence joins, or reads more") {
  for (const char* llm :
       {"llama3-8b", "gpt-oss-120b", "deepseek-v3", "qwen3.5-397b-a17b", "glm-5"}) {
    Instance one;
    one.llm = llm;
    one.parallelism = {8, 1, 1, 1};
    const StepModel steps = one.steps();
    double before = 0;
    for (const std::uint32_t sequences : {1, 2, 8, 64, 256, 1024}) {
      const double now =
          steps.cost({0, 0, 0, sequences, 1000LL * sequences, 1.0 * sequences}).first_s;
      INFO(llm << " " << sequences);
      CHECK(now > before);
      before = now;
      const double more =
          steps.cost({0, 0, 0, sequences, 2000LL * sequences, 1.0 * sequences}).first_s;
      CHECK(more >= now);
      const double with_prompt =
          steps.cost({512, 512.0 * 512, 0, sequences, 1000LL * sequences, 1.0 * sequences}).first_s;
      CHECK(with_prompt > now);
    }
  }
}

TEST_CASE("step model: a run costs what its iterations do, one by one, as far as it holds") {
  for (const char* llm : {"llama3-70b", "gpt-oss-120b", "glm-5"}) {
    Instance one;
    one.llm = llm;
    one.parallelism = {8, 1, 1, 1};
    const StepModel steps = one.steps();
    for (const BatchShape& shape :
         {BatchShape{0, 0, 0, 16, 1600, 16}, BatchShape{0, 0, 0, 16, 30'000, 16},
          BatchShape{256, 256.0 * 256, 2.0 * 256 * 256, 16, 1600, 16},
          BatchShape{256, 256.0 * 256, 2.0 * 256 * 256, 0, 0, 0}}) {
      const RunCost cost = steps.cost(shape);
      BatchShape at = shape;
      const auto iterations = std::min<std::uint64_t>(cost.holds_for, 50);
      for (std::uint64_t i = 0; i < iterations; ++i) {
        INFO(llm << " iteration " << i << " of " << cost.holds_for);
        CHECK(steps.cost(at).first_s ==
              Approx(cost.first_s + static_cast<double>(i) * cost.growth_s).epsilon(1e-9));
        at.kv_tokens += static_cast<std::int64_t>(shape.kv_growth);
        at.prefill_pairs += shape.pairs_growth;
      }
    }
  }
}

TEST_CASE("step model: tensor parallelism pays, as it was measured on H100s") {
  // Four sequences of Llama 3.1 70B in FP8 took 18.0, 12.0 and 9.2 ms at degrees of 2, 4 and 8.
  const double measured_s[] = {0.0180, 0.0120, 0.0092};
  Instance one;
  int i = 0;
  for (const std::uint32_t degree : {2U, 4U, 8U}) {
    one.parallelism.tensor = degree;
    INFO(degree);
    CHECK(one.decode_s(4, 4 * 1400) == Approx(measured_s[i++]).epsilon(0.2));
  }
}

TEST_CASE("step model: experts are read as far as tokens are routed to them") {
  Instance one;
  one.llm = "qwen3-30b-a3b";
  one.parallelism = {1, 1, 1, 1};
  one.host = {};
  const Llm llm = load_llm("qwen3-30b-a3b", "llm");
  const double all_s =
      llm.expert_parameters() / load_gpu("h100-80gb", "gpu").memory_bandwidth_bytes_per_s;
  const double found = one.decode_s(1024, 1024) - one.decode_s(1, 1);
  CHECK(found > 0.9 * all_s);
  CHECK(found < 3 * all_s);
}

TEST_CASE("step model: groups wait for the one that has a prompt") {
  Instance one;
  one.llm = "qwen3-30b-a3b";
  one.parallelism = {1, 1, 2, 2};
  const StepModel steps = one.steps();
  const auto seconds = [&](std::uint32_t tokens, double pairs, std::uint32_t prompts) {
    return steps.cost({tokens, pairs, 0, 64, 64'000, 64, prompts}).first_s;
  };
  const double single = 2048.0 * 2048;
  // Two prompts are one for each group; one alone takes longer than half of the two.
  CHECK(seconds(4096, 2 * single, 2) == seconds(4096, 2 * single, 0));
  CHECK(seconds(2048, single, 1) > seconds(2048, single, 0));
  CHECK(seconds(2048, single, 1) > 0.6 * seconds(4096, 2 * single, 2));
  CHECK(seconds(2048, single, 1) < seconds(4096, 2 * single, 2));
  CHECK(seconds(6144, 3 * single, 3) > seconds(6144, 3 * single, 0));
  one.parallelism = {2, 1, 1, 1};
  const StepModel together = one.steps();
  CHECK(together.cost({2048, single, 0, 64, 64'000, 64, 1}).first_s ==
        together.cost({2048, single, 0, 64, 64'000, 64, 0}).first_s);
}

TEST_CASE("step model: groups with attention of their own read a part of the KV caches each") {
  Instance tensor;
  tensor.llm = "deepseek-v3";
  tensor.formats.experts = Format::kFp8;
  tensor.machine = "dgx-h200";
  tensor.parallelism = {8, 1, 1, 1};
  Instance data = tensor;
  data.parallelism = {1, 1, 8, 8};
  // Latents are kept whole on every GPU of a tensor-parallel group.
  const auto per_token = [](const Instance& one) {
    return one.decode_s(256, 2'000'000) - one.decode_s(256, 1'000'000);
  };
  CHECK(per_token(data) < per_token(tensor));
}

TEST_CASE("engines: a power cap slows prompts, and decodes below half of TDP") {
  const Llm llm = load_llm("llama3-8b", "llm");
  const EngineProfile engine = load_engine("vllm", "engine");
  const auto latency = [&](double cap) {
    Machine machine = load_machine("dgx-h100", "machine");
    machine.power_cap = cap;
    return LatencyPolicies::make(
        "policy", "policy", "engine",
        InstanceDescription{llm, machine, 1, 1, {}, "pools[0]", 1, 1, &engine});
  };
  CHECK(prompt_s(*latency(0.7), 4096) > 1.2 * prompt_s(*latency(1), 4096));
  CHECK(decode_s(*latency(0.7), 8, 8000) == decode_s(*latency(1), 8, 8000));
  CHECK(decode_s(*latency(0.4), 8, 8000) > decode_s(*latency(1), 8, 8000));
}

TEST_CASE("engines: the built-in ones can be read, name their scheduler and carry their errors") {
  for (const std::string& name : builtin_names("profiles/engines")) {
    const EngineProfile engine = load_engine(name, "engine");
    INFO(name);
    CHECK(engine.scenario.at("batching").contains("policy"));
    if (engine.roofline) continue;
    CHECK_FALSE(engine.errors.empty());
    const EngineProfile again = read_engine(engine_json(engine), name);
    for (const HostField& field : host_fields()) {
      CHECK(again.host.*field.value == Approx(engine.host.*field.value));
    }
  }
  CHECK_THROWS_WITH(load_engine("vlm", "latency.engine"), Contains("did you mean \"vllm\"?"));
}

TEST_CASE("engines: the engine that latencies are of brings its scheduler, unless one is named") {
  const Json named{{"latency", {{"engine", "sglang"}}}};
  CHECK(complete_scenario(named)["batching"]["policy"] == "sglang");
  Json both = named;
  both["batching"]["policy"] = "vllm";
  CHECK(complete_scenario(both)["batching"]["policy"] == "vllm");
  CHECK(complete_scenario(complete_scenario(named)) == complete_scenario(named));
}

TEST_CASE("operators: the built-in tables are within the data sheets") {
  for (const std::string& name : builtin_names("profiles/operators")) {
    const std::string path = "profiles/operators/" + name + ".json";
    const OperatorTable table = read_operator_table(parse_json(*builtin_file(path), path), path);
    INFO(name);
    CHECK(table.gpu == name);
    CHECK_FALSE(table.source.empty());
    CHECK_FALSE(table.licence.empty());
    for (const MeasuredOperator& one : table.measured) {
      CHECK(one.fit.memory <= 1);
      CHECK(one.fit.compute <= 1);
      CHECK(one.fit.call_s < 0.001);
    }
  }
}

TEST_CASE("operators: a GPU without tables takes those of the one most like it") {
  const Gpu b300 = load_gpu("b300", "gpu");
  const FoundOperator found = Operators(b300, "vllm").find(Operator::kGemm, Format::kNvfp4);
  CHECK(found.origin == OperatorOrigin::kRelative);
  CHECK(
      found.fit.memory ==
      Operators(load_gpu("b200", "gpu"), "vllm").find(Operator::kGemm, Format::kNvfp4).fit.memory);
}

TEST_CASE("operators: a format that nobody measured takes one whose products are the same") {
  // An A100 unpacks FP8 to FP16, as it does int4; its int8 products are twice as fast.
  const Operators a100(load_gpu("a100-80gb", "gpu"), "trtllm");
  CHECK(a100.find(Operator::kGemm, Format::kFp8).fit.compute ==
        a100.find(Operator::kGemm, Format::kInt4).fit.compute);
}

TEST_CASE("operators: a fit finds the efficiencies that made the times") {
  KernelTimes times;
  for (double memory_s = 1e-6; memory_s < 1e-2; memory_s *= 3) {
    for (double compute_s = 1e-6; compute_s < 1e-2; compute_s *= 3) {
      times.memory_s.push_back(memory_s);
      times.compute_s.push_back(compute_s);
      times.beside_s.push_back(0);
      times.seconds.push_back(
          5e-6 + std::pow(std::pow(memory_s / 0.8, 4) + std::pow(compute_s / 0.5, 4), 0.25));
    }
  }
  const OperatorFit fit = fit_kernel(times);
  CHECK(fit.call_s == Approx(5e-6).epsilon(0.01));
  CHECK(fit.memory == Approx(0.8).epsilon(0.01));
  CHECK(fit.compute == Approx(0.5).epsilon(0.01));
  CHECK(fit.error < 0.01);
}

TEST_CASE(
    "operators: of kernels for experts of one shape the engine has the fastest, and its own") {
  const TempFolder folder;
  const auto fit = [&](const char* name, const std::vector<std::pair<const char*, double>>& kinds) {
    std::string text =
        "kernel_source,moe_dtype,num_tokens,hidden_size,inter_size,topk,num_experts,moe_tp_size,"
        "moe_ep_size,distribution,latency\n";
    const Gpu gpu = load_gpu(name, "gpu");
    for (const auto& [kind, slowdown] : kinds) {
      for (double tokens = 1; tokens <= 65536; tokens *= 2) {
        for (const double inter : {1024.0, 2048.0}) {
          const double touched = 64 * (1 - std::pow(1 - 4.0 / 64, tokens));
          const double matrices = 3 * 4096 * inter;
          const double memory_s =
              touched * matrices * bytes_each(Format::kMxfp4) / gpu.memory_bandwidth_bytes_per_s;
          const double compute_s = 2 * tokens * 4 * matrices / gpu.tensor_flops(Format::kMxfp4);
          const double beside_s =
              tokens * 4 * 4096 * kRoutedBytes / gpu.memory_bandwidth_bytes_per_s;
          const double seconds =
              2e-5 + slowdown * std::pow(std::pow(memory_s, 4) + std::pow(compute_s, 4), 0.25) +
              beside_s;
          text += std::string(kind) + "," + std::to_string(tokens) + ",4096," +
                  std::to_string(inter) + ",4,64,1,1,power_law_1.2," +
                  std::to_string(seconds * 1e3) + "\n";
        }
      }
    }
    folder.write("moe__vllm__1.csv", text);
    return fit_operators(folder.path(), gpu).measured.at(0).fit.compute;
  };
  // With FP4 tensor cores activations are in FP8, without in FP16.
  CHECK(fit("b200", {{"a,w4a8_mxfp4_mxfp8", 2}, {"a,w4a16_mxfp4", 8}}) ==
        Approx(0.5).epsilon(0.03));
  CHECK(fit("h200", {{"a,w4a8_mxfp4_mxfp8", 8}, {"a,w4a16_mxfp4", 2}}) ==
        Approx(0.5).epsilon(0.03));
  CHECK(fit("h200", {{"a,w4a16_mxfp4", 4}, {"b,w4a16_mxfp4", 2}, {"nongated,w4a16_mxfp4", 1.5}}) ==
        Approx(0.5).epsilon(0.03));
}

TEST_CASE("operators: tables in other units, or of nothing known, are refused with a reason") {
  const TempFolder folder;
  const Gpu gpu = load_gpu("h100-80gb", "gpu");
  const auto rows = [](double unit) {
    std::string text = "gemm_dtype,m,n,k,latency\n";
    for (int m = 1; m <= 4096; m *= 2) {
      for (int n = 1024; n <= 8192; n *= 2) {
        const double least_s = std::max(2.0 * n * 8192 / 3.352e12, 2.0 * m * n * 8192 / 989e12);
        text += "bfloat16," + std::to_string(m) + "," + std::to_string(n) + ",8192," +
                std::to_string((5e-6 + 1.3 * least_s) * unit) + "\n";
      }
    }
    return text;
  };
  const std::string name = "gemm__vllm__1.csv";
  folder.write(name, rows(1e3));
  CHECK(fit_operators(folder.path(), gpu).measured.size() == 1);
  folder.write(name, rows(1));
  CHECK_THROWS_WITH(fit_operators(folder.path(), gpu), Contains("nothing to fit"));
  folder.write(name, rows(1e6));
  CHECK_THROWS_WITH(fit_operators(folder.path(), gpu), Contains("expected latencies in ms"));
  folder.write(name, "gemm_dtype,m,n,k,latency\nbfloat16,1,2048\n");
  CHECK_THROWS_WITH(fit_operators(folder.path(), gpu), Contains(":2: expected 5 cells"));
  folder.write(name, "gemm_dtype,m,n,k,latency\nbfloat16,1,8192,8192,fast\n");
  CHECK_THROWS_WITH(fit_operators(folder.path(), gpu), Contains("latency: expected a number"));
}

}  // namespace cleave
