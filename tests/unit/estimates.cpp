// What nobody measured: the roofline, power caps, formats, experts, pipeline stages and what fits.

#include <cmath>
#include <numeric>

#include "models/catalogue/memory_need.h"
#include "models/fit/roofline_fit.h"
#include "models/latency/engine_profile.h"
#include "models/latency/instance_model.h"
#include "models/latency/power.h"
#include "models/latency/roofline.h"
#include "sim/base/builtin.h"
#include "tests/catch.h"
#include "tests/support/simulation.h"

namespace cleave {

namespace {

struct Instance {
  std::string llm = "llama2-70b";
  std::string machine = "dgx-h100";
  std::uint32_t tensor_parallel = 8;
  std::uint32_t pipeline_parallel = 1;
  Format weights = Format::kFp16;
  double power_cap = 1;

  std::unique_ptr<LatencyModel> latency(const std::string& policy) const {
    Llm model = load_llm(llm, "llm");
    model.store({weights, Format::kFp16});
    Machine server = load_machine(machine, "machine");
    server.power_cap = power_cap;
    return LatencyPolicies::make(
        "policy", "policy", policy,
        InstanceDescription{model, server, tensor_parallel, pipeline_parallel, {}, "pools[0]"});
  }
  double prefill_s(std::uint32_t tokens) const { return prompt_s(*latency("roofline"), tokens); }
  double decode_s(std::uint32_t sequences, std::int64_t kv_tokens) const {
    return cleave::decode_s(*latency("roofline"), sequences, kv_tokens);
  }
};

}  // namespace

TEST_CASE("roofline: a fit finds the factors that made the measurements, within the bounds") {
  Roofline truth;
  truth.prefill = {1.5, 3, 2, 4, 0.5, 2e-4, 1e-4, 0.01};
  truth.decode = {1.2, 1.5, 0.5, 2, 2e-4, 5e-5, 1e-5, 3e-4};
  std::vector<Measurement> rows;
  for (const char* name : {"llama2-70b", "bloom-176b"}) {
    for (const char* gpu_name : {"a100-80gb", "h100-80gb"}) {
      for (const std::uint32_t gpus : {1U, 2U, 8U}) {
        for (const double prompt : {16.0, 512.0, 4096.0, 32768.0}) {
          for (const double batch : {1.0, 8.0, 64.0}) {
            Measurement row;
            row.llm = name;
            row.gpu = gpu_name;
            row.tensor_parallel = gpus;
            row.prompt_size = prompt;
            row.batch_size = batch;
            row.token_size = 100;
            row.e2e_s = 1e9;  // every token was generated
            const Llm llm = load_llm(name, "llm");
            const Gpu gpu = load_gpu(gpu_name, "gpu");
            const RooflineInstance instance{llm, gpu, gpus, 1};
            const auto dot = [](const RooflineTerms& terms, const RooflineTerms& factors) {
              return std::inner_product(terms.begin(), terms.end(), factors.begin(), 0.0);
            };
            row.prompt_s =
                dot(prefill_terms(instance, row.prompt_tokens(), row.squared_prompt_tokens()),
                    truth.prefill);
            row.token_s = 1e-9;  // so that generated() is token_size
            row.token_s = dot(decode_terms(instance, batch, row.mean_kv_tokens()), truth.decode);
            rows.push_back(row);
          }
        }
      }
    }
  }
  const Roofline found = fit_roofline(rows);
  for (std::size_t i = 0; i < kRooflineTerms; ++i) {
    INFO(prefill_term_names()[i] << ", " << decode_term_names()[i]);
    CHECK(found.prefill[i] == Approx(truth.prefill[i]).epsilon(0.03));
    CHECK(found.decode[i] == Approx(truth.decode[i]).epsilon(0.03));
  }
  CHECK(found.errors[0].prefill < 1e-3);
  // Faster than the data sheet: the fit stays at the bound and shows the error.
  for (Measurement& row : rows) row.token_s /= 3;
  const Roofline impossible = fit_roofline(rows);
  CHECK(impossible.decode[0] == Approx(1.1));
  CHECK(impossible.errors[0].decode > 0.05);
}

TEST_CASE("roofline: its errors keep to 15 % within the fit and 25 % held out") {
  const Roofline roofline = load_roofline();
  REQUIRE(roofline.errors.size() == 8);
  CHECK(roofline.errors[0].what == "all");
  CHECK(roofline.errors[0].rows == 830);
  for (const Roofline::Error& error : roofline.errors) {
    INFO(error.what);
    const double most = error.what == "all" ? 0.15 : 0.25;
    CHECK(error.prefill < most);
    CHECK(error.decode < most);
    CHECK(error.prefill > 0);
    CHECK(error.decode > 0);
  }
}

TEST_CASE("roofline: near what was measured, for every measured instance") {
  for (const std::string& name : builtin_names("profiles/latency")) {
    const LatencyProfile profile = *find_latency_profile(name);
    if (profile.power_cap < 1) continue;
    Instance instance;
    instance.llm = profile.llm;
    instance.machine = profile.gpu == "h100-80gb" ? "dgx-h100" : "dgx-a100";
    instance.tensor_parallel = profile.tensor_parallel;
    for (const std::uint32_t tokens : {512U, 2048U, 8192U}) {
      INFO(name << ", " << tokens << " tokens");
      CHECK(instance.prefill_s(tokens) ==
            Approx(profile.prefill.seconds(tokens, 1.0 * tokens * tokens)).epsilon(0.25));
    }
    for (const std::uint32_t sequences : {1U, 8U, 32U}) {
      INFO(name << ", " << sequences << " sequences");
      const DecodeCost cost = profile.decode.cost(sequences);
      const std::int64_t kv_tokens = 600 * sequences;
      CHECK(
          instance.decode_s(sequences, kv_tokens) ==
          Approx(cost.base_s + cost.per_kv_token_s * static_cast<double>(kv_tokens)).epsilon(0.2));
    }
  }
}

TEST_CASE("roofline: nothing is faster than the data sheet allows") {
  for (const std::string& machine : builtin_names("profiles/machines")) {
    const Gpu gpu = load_machine(machine, "machine").gpu;
    for (const std::string& name : builtin_names("profiles/llms")) {
      const Llm llm = load_llm(name, "llm");
      Instance instance;
      instance.llm = name;
      instance.machine = machine;
      INFO(name << " on " << machine);
      const double flops =
          2 * 4096 * (llm.parameters_used(1) - 1.0 * llm.vocabulary * llm.hidden_size);
      CHECK(instance.prefill_s(4096) > flops / (8 * gpu.fp16_flops));
      const double bytes = 2 * llm.parameters_used(16) + 16 * 1000 * llm.kv_bytes_per_token;
      CHECK(instance.decode_s(16, 16 * 1000) > bytes / (8 * gpu.memory_bandwidth_bytes_per_s));
    }
  }
}

TEST_CASE("roofline: more work takes longer, better hardware less") {
  const Instance h100;
  double before_s = 0;
  for (const std::uint32_t tokens : {1U, 128U, 1024U, 3000U, 10000U, 100000U}) {
    CHECK(h100.prefill_s(tokens) > before_s);
    before_s = h100.prefill_s(tokens);
  }
  before_s = 0;
  for (const std::uint32_t sequences : {1U, 2U, 64U, 512U}) {
    CHECK(h100.decode_s(sequences, 500 * sequences) > before_s);
    before_s = h100.decode_s(sequences, 500 * sequences);
  }
  Instance h200;
  h200.machine = "dgx-h200";
  CHECK(h200.prefill_s(2048) < h100.prefill_s(2048));  // weights come in faster
  CHECK(h200.prefill_s(2048) == Approx(h100.prefill_s(2048)).epsilon(0.01));
  CHECK(h200.decode_s(32, 64'000) < h100.decode_s(32, 64'000));
  Instance pcie;
  pcie.machine = "8x-rtx-2080-ti";
  pcie.weights = Format::kInt8;
  CHECK(pcie.prefill_s(2048) > 5 * h100.prefill_s(2048));
}

TEST_CASE("roofline: smaller weights decode faster; prompts only where the GPU computes in them") {
  const Instance fp16;
  Instance fp8;
  fp8.weights = Format::kFp8;
  Instance int4;
  int4.weights = Format::kInt4;
  CHECK(fp8.decode_s(1, 500) < fp16.decode_s(1, 500));
  CHECK(int4.decode_s(1, 500) < fp8.decode_s(1, 500));
  CHECK(fp8.prefill_s(8192) < 0.95 * fp16.prefill_s(8192));
  CHECK(int4.prefill_s(8192) == Approx(fp16.prefill_s(8192)).epsilon(0.01));
  fp8.machine = "dgx-a100";
  Instance a100;
  a100.machine = "dgx-a100";
  CHECK(fp8.prefill_s(8192) == Approx(a100.prefill_s(8192)).epsilon(0.01));
}

TEST_CASE("roofline: a batch reads the experts that some token is routed to") {
  const Llm mixtral = load_llm("mixtral-8x7b", "llm");
  CHECK(mixtral.parameters_used(1) == Approx(12.9e9).epsilon(0.01));
  const double expert = 32.0 * 3 * 4096 * 14336;
  // Of 8 experts two tokens use 2 or 4: 8 (1 - (3/4)^2) = 3.5 on average.
  CHECK(mixtral.parameters_used(2) - mixtral.parameters_used(1) == Approx(1.5 * expert));
  CHECK(mixtral.parameters_used(1000) == Approx(mixtral.parameters));
  CHECK(load_llm("deepseek-v3", "llm").parameters_used(1) == Approx(37.5e9).epsilon(0.02));
}

TEST_CASE("llms: latents take the place of keys and values") {
  // 576 numbers a layer instead of 2 x 128 heads x 128.
  CHECK(load_llm("deepseek-v3", "llm").kv_bytes_per_token == 576 * 61 * 2);
}

TEST_CASE("roofline: pipeline stages share the KV cache and overlap chunks of a prompt") {
  Instance one;
  one.tensor_parallel = 2;
  Instance four = one;
  four.pipeline_parallel = 4;
  const auto per_kv = [](const Instance& instance) {
    return instance.latency("roofline")->cost({0, 0, 0, 8, 0}).growth_s;
  };
  CHECK(per_kv(four) == Approx(per_kv(one) / 4));
  CHECK(four.prefill_s(8192) < one.prefill_s(8192));
  CHECK(four.prefill_s(8192) > one.prefill_s(8192) / 4);
  CHECK(four.decode_s(1, 500) > 0.95 * one.decode_s(1, 500));  // each token passes all stages
}

TEST_CASE("power caps: prompts slow down as measured at 70 %, decodes from half of TDP on") {
  Instance capped;
  const auto uncapped = capped.latency("auto");
  CHECK_FALSE(uncapped->estimated());
  capped.power_cap = 0.7;
  CHECK_FALSE(capped.latency("auto")->estimated());
  double last_s = prompt_s(*uncapped, 2048);
  for (const double cap : {0.9, 0.8, 0.6, 0.5, 0.4}) {
    INFO(cap);
    capped.power_cap = cap;
    const auto latency = capped.latency("auto");
    CHECK(latency->estimated());
    const double now_s = prompt_s(*latency, 2048);
    CHECK(now_s > last_s);
    last_s = now_s;
    const double decode = decode_s(*latency, 16, 0) / decode_s(*uncapped, 16, 0);
    if (cap >= 0.5) {
      CHECK(decode == Approx(1));
    } else {
      CHECK(decode > 1.1);
    }
  }
  const Roofline roofline = load_roofline();
  CHECK(roofline.prompt_cap_slowdown(0.7) == Approx(1.3).epsilon(0.001));
  CHECK(roofline.prompt_cap_slowdown(1) == 1);
}

TEST_CASE("auto: measured where it was, estimated for other weights, stages and GPUs") {
  Instance instance;
  CHECK_FALSE(instance.latency("auto")->estimated());
  instance.weights = Format::kFp8;
  CHECK(instance.latency("auto")->estimated());
  CHECK_THROWS_WITH(instance.latency("fitted"),
                    Catch::Contains("nothing was measured for llama2-70b_h100-80gb_fp8_tp8; "
                                    "latency.policy \"auto\" estimates it"));
  instance = {};
  instance.tensor_parallel = 4;
  instance.pipeline_parallel = 2;
  CHECK(instance.latency("auto")->estimated());
  CHECK_THROWS_WITH(instance.latency("published"), Catch::Contains("in 2 pipeline stages"));
  instance = {};
  instance.machine = "8x-l40s";
  CHECK(instance.latency("auto")->estimated());
}

TEST_CASE("auto: a result based on an estimate says so") {
  const auto estimated = [](const std::string& machine) {
    return simulate_changes({{"llm", "llama2-70b"},
                             {"workload", {{"rate_rps", 1}, {"duration_s", 5}}},
                             {"pools", {{{"role", "mixed"}, {"machine", machine}, {"count", 2}}}},
                             {"scheduler", {{"policy", "jsq"}}}})["estimated"]
        .get<bool>();
  };
  CHECK_FALSE(estimated("dgx-h100"));
  CHECK(estimated("dgx-h200"));
}

TEST_CASE("fit: 70B on eight RTX 2080 Ti needs smaller weights, and the sentence says so") {
  Llm llm = load_llm("llama2-70b", "llm");
  const Machine machine = load_machine("8x-rtx-2080-ti", "machine");
  const std::string why = why_not_fit(llm, machine, 8, 1, 2048, 1);
  for (const char* part :
       {"llama2-70b does not fit", "weights in fp16 take 138 GB", "8 x rtx-2080-ti have 94.5 GB",
        "weights.format int8 (weights 69 GB)", "weights.format int4 (weights 36.6 GB)",
        "or GPUs of 25.8 GB such as a10g"}) {
    INFO(why);
    CHECK(why.find(part) != std::string::npos);
  }
  llm.store({Format::kInt8, Format::kFp16});
  CHECK(why_not_fit(llm, machine, 8, 1, 2048, 1).empty());
  llm.store({});
  const std::string on_two = why_not_fit(llm, load_machine("dgx-h100", "machine"), 1, 1, 2048, 1);
  CHECK(on_two.find("tensor_parallel 2, pipeline_parallel 2, ") != std::string::npos);
  const std::string never =
      why_not_fit(load_llm("deepseek-v3", "llm"), load_machine("8x-l4", "machine"), 1, 1, 2048, 1);
  CHECK(never.find("nothing in the catalogue makes it fit") != std::string::npos);
}

TEST_CASE("fit: KV caches and activations count, and are kept on every GPU that needs them") {
  const Llm deepseek = load_llm("deepseek-v3", "llm");
  const MemoryNeed need = memory_need(deepseek, 8, 1, 1000);
  CHECK(need.weights == deepseek.weight_bytes);
  CHECK(need.kv_cache == 8 * 1000 * deepseek.kv_bytes_per_token);  // one latent, on all eight
  CHECK(need.activations > 0);
  CHECK(load_llm("llama2-70b", "llm").kv_copies(8) == 1);
  CHECK(load_llm("llama2-70b", "llm").kv_copies(16) == 2);
}

TEST_CASE(
    "estimates: of a GPU without tables they say what the kernels of others would make of it") {
  const EngineProfile vllm = load_engine("vllm", "engine");
  const auto sure = [&](const char* machine_name) {
    const Llm llm = load_llm("llama3-8b", "llm");
    const Machine machine = load_machine(machine_name, "machine");
    InstanceDescription instance{llm, machine, 1, 1, {}, "pools[0]"};
    instance.engine = &vllm;
    return LatencyPolicies::make("policy", "policy", "engine", instance)->how_sure();
  };
  const std::string said = sure("8x-mi300x");
  const std::string start =
      "no kernels were measured on mi300x: with those of other GPUs decodes take ";
  const std::size_t at = said.find(start);
  REQUIRE(at != std::string::npos);
  const double least = std::stod(said.substr(at + start.size()));
  const double most = std::stod(said.substr(said.find(" to ", at) + 4));
  CHECK(least > 0.5);
  CHECK(least < 1);
  CHECK(most > 1);
  CHECK(most < 2.5);
  CHECK(sure("dgx-h100").find("no kernels") == std::string::npos);
}

TEST_CASE("estimates: power says what it rests on where it was not measured") {
  const auto power = [](const char* llm, const char* machine) {
    const Machine server = load_machine(machine, "machine");
    return PowerModel(load_llm(llm, "llm"), server, {.tensor_parallel = server.gpu_count});
  };
  CHECK(power("bloom-176b", "dgx-a100").measured());
  CHECK(power("bloom-176b", "dgx-a100").how_sure().empty());
  CHECK(power("bloom-176b", "dgx-b200").how_sure().find("A100, as shares of TDP") !=
        std::string::npos);
  CHECK(power("llama3-8b", "8x-mi300x").how_sure().starts_with("nothing was measured"));
}

}  // namespace cleave
