// Measured runs beside their simulations.

#include <cmath>

#include "sim/base/child_process.h"
#include "sim/explore/calibrate.h"
#include "sim/explore/validate.h"
#include "sim/scenario/resolve.h"
#include "tests/catch.h"
#include "tests/support/temp_folder.h"

namespace cleave {

namespace {

using Catch::Matchers::Contains;
using testing::TempFolder;

const std::string kNames =
    "id,silicon_data_source,backend,model_path,system,precision,mode,isl,osl,batch_size,tp_size,"
    "pp_size,attention_dp_size,moe_tp_size,moe_ep_size,prefill_num_workers,prefill_tp_size,"
    "decode_num_workers,decode_tp_size,silicon_ttft_ms,silicon_tpot_ms\n";

std::vector<MeasuredPoint> points_of(const TempFolder& folder, const std::string& rows) {
  return read_measured(folder.write("rows.csv", kNames + rows), {});
}

/// As if they had been measured on `engine`.
void measure_on(const EngineProfile& engine, std::vector<MeasuredPoint>& points) {
  for (MeasuredPoint& point : points) {
    point.measured = figures_of(Json::parse(in_child([&] {
      Scenario scenario = read_scenario(scenario_of_point(point, {}));
      scenario.engine->host = engine.host;
      scenario.engine->factors = engine.factors;
      return figures_text(predict(scenario)).dump();
    })));
  }
}

Json pool_of(const MeasuredPoint& point) { return point.scenario.at("pools").at(0); }

}  // namespace

TEST_CASE("validate: a row becomes the closed loop that it was measured in") {
  const TempFolder folder;
  const auto points =
      points_of(folder,
                "a,x; silicon_concurrency=16,vllm,meta-llama/Llama-3.1-70B-Instruct,"
                "h200_sxm,fp8,agg,8192,1024,16,2,1,1,2,1,,,,,1200,27\n");
  REQUIRE(points.size() == 1);
  const MeasuredPoint& point = points[0];
  CHECK(point.why_not.empty());
  CHECK(point.llm == "llama3-70b");
  CHECK(point.gpu == "h200");
  CHECK(point.layout == "tp2");
  CHECK(*point.measured.tpot_s == Approx(0.027));
  CHECK(*point.measured.ttft_s == Approx(1.2));
  CHECK(pool_of(point)["tensor_parallel"] == 2);
  const Json& workload = point.scenario["workload"];
  CHECK(workload["arrivals"] == "closed");
  CHECK(workload["concurrency"] == 16);
  CHECK(workload["requests"] == 160);
  CHECK(workload["warmup_requests"] == 32);
  CHECK(workload["length_range"] == Json{0.8, 1});
  CHECK(point.scenario["weights"]["format"] == "fp8");
}

TEST_CASE("validate: degrees that were written in two ways mean one thing") {
  const TempFolder folder;
  const std::string before =
      "a,x; silicon_concurrency=64,trtllm,openai/gpt-oss-120b,b200_sxm,fp4,agg,"
      "1024,1024,";
  const std::string after = ",,,,,140,5.6\n";
  // TP8 with EP8 on 8 GPUs; attention data parallelism on 4, counted once and twice.
  const auto points =
      points_of(folder, before + "64,64,1,1,8,8" + after + before + "16,1,1,4,1,4" + after +
                            before + "4,1,1,16,4,4" + after + before + "16,4,1,4,1,16" + after);
  REQUIRE(points.size() == 4);
  CHECK(points[0].layout == "tp8 ep8");
  for (int i = 1; i < 4; ++i) {
    CHECK(points[i].layout == "tp1 dp4 ep4");
    CHECK(pool_of(points[i])["data_parallel"] == 4);
    CHECK(points[i].concurrency == 64);
  }
}

TEST_CASE("validate: what cannot be described is counted with its reason") {
  const TempFolder folder;
  const std::string after = ",fp8,agg,1024,1024,4,4,1,1,4,1,,,,,100,10\n";
  const auto points = points_of(folder, "a,x,vllm,no/Such-LLM-7B,h100_sxm" + after +
                                            "b,x,vllm,Qwen/Qwen3-32B,abacus" + after +
                                            "c,x,llama.cpp,Qwen/Qwen3-32B,h100_sxm" + after);
  CHECK(points[0].why_not == "no LLM like no/Such-LLM-7B");
  CHECK(points[1].why_not == "no GPU like abacus");
  CHECK(points[2].why_not == "engine llama.cpp");
  const Json result = validation_json(validate(points, {}, 1, [](std::size_t) {}));
  CHECK(result["rows"] == 3);
  CHECK(result["covered"] == 0);
  CHECK(result["not_described"].size() == 3);
  for (const Json& point : result["points"]) CHECK(point["tpot_error"].is_null());
}

TEST_CASE("validate: a row that is faster than its GPUs can read the weights is counted apart") {
  const TempFolder folder;
  const auto why_not = [&](const std::string& tpot_ms) {
    const auto points =
        points_of(folder,
                  "a,x; silicon_concurrency=4,vllm,meta-llama/Llama-3.1-70B-Instruct,"
                  "h200_sxm,fp8,agg,1024,64,4,2,1,1,2,1,,,,,1200," +
                      tpot_ms + "\n");
    const Json result = validation_json(validate(points, {}, 1, [](std::size_t) {}));
    return result["not_described"].dump();
  };
  // 70.6 GB less the embedding, by two GPUs of 4.8 TB/s: 7.1 ms.
  CHECK_THAT(why_not("6.9"), Contains("TPOT is less than reading the weights"));
  CHECK(why_not("7.3") == "[]");
}

TEST_CASE("validate: a row that decodes as many at once as it says reads all their caches") {
  const TempFolder folder;
  // A closed loop of 100: of 2 s, 1.8 are decodes, of 900 tokens each, behind 1800 of the prompt.
  const auto points =
      points_of(folder,
                "a,x; silicon_concurrency=100,vllm,openai/gpt-oss-120b,h200_sxm,fp4,agg,2000,1000,"
                "100,2,1,1,2,1,,,,,200,2\n");
  const DecodedAtOnce at_once = decoded_at_once(points[0]);
  CHECK(at_once.sequences == Approx(0.9 * 100 * 1.8 / 2));
  CHECK(at_once.kv_tokens == Approx(0.9 * 2500));
  const Scenario scenario = read_scenario(scenario_of_point(points[0], {}));
  const Llm& llm = scenario.llms.front();
  // 81 tokens leave (1 - 4/128)^81 of the experts alone; half of the layers see 128 tokens only.
  const double experts = llm.expert_parameters() * bytes_each(Format::kMxfp4);
  const double others = llm.weight_bytes - experts - 201088.0 * 2880 * 2;
  const double kv = 81 * (0.5 * 2250 + 0.5 * 128) * 36 * 8 * 64 * 2 * 2;
  CHECK(least_tpot_s(scenario, at_once) ==
        Approx((others + experts * (1 - std::pow(1 - 4 / 128.0, 81)) + kv) / (2 * 4.8e12)));
  CHECK(least_tpot_s(scenario, {}) == Approx((others + experts * 4 / 128) / (2 * 4.8e12)));
  // Two instances have half of the sequences each.
  Scenario two = scenario;
  two.pools.front().count = 2;
  CHECK(least_tpot_s(two, {162, 2250}) == Approx(least_tpot_s(scenario, {81, 2250})));
  const Json result = validation_json(validate(points, {}, 1, [](std::size_t) {}));
  CHECK_THAT(result["not_described"].dump(), Contains("sequences that it says were in progress"));
}

TEST_CASE("validate: errors are signed fractions; groups have their medians") {
  const auto figures = error_figures({-0.1, 0.2, 0.4, -0.5});
  CHECK(figures->median == Approx(0.3));
  CHECK(figures->mean == Approx(0.3));
  CHECK(figures->bias == Approx(0.05));
  CHECK(figures->p90 == Approx(0.47));
  CHECK_FALSE(error_figures({}));
  CHECK(*signed_error(1.2, 1.0) == Approx(0.2));
  CHECK_FALSE(signed_error(std::nullopt, 1.0));
}

TEST_CASE("validate: a run of single requests is replayed, and its means compared") {
  const TempFolder folder;
  std::string lines;
  for (int i = 0; i < 20; ++i) {
    const double queued = 1000 + i;
    lines += Json{{"request_id", std::to_string(i)},
                  {"input_toks", 500},
                  {"output_toks", 100},
                  {"arrival_time", 5e8 + i},
                  {"queued_ts", queued},
                  {"scheduled_ts", queued},
                  {"first_token_ts", queued + 0.05},
                  {"last_token_ts", queued + 0.05 + 99 * 0.01}}
                 .dump() +
             "\n";
  }
  const auto points = read_measured(folder.write("requests.jsonl", lines), {});
  REQUIRE(points.size() == 1);
  CHECK(points[0].requests);
  CHECK(*points[0].measured.ttft_s == Approx(0.05));
  CHECK(*points[0].measured.tpot_s == Approx(0.01));
  CHECK_THROWS_WITH(scenario_of_point(points[0], {}), Contains("--set llm=..."));
  const MeasuredSources sources{
      "",
      {"llm=llama3-8b",
       R"(pools=[{"role": "mixed", "machine": "dgx-h100", "count": 1, "tensor_parallel": 1,)"
       R"( "instances_per_machine": 1}])"}};
  const Json result = validation_json(validate(points, sources, 1, [](std::size_t) {}));
  REQUIRE(result["groups"].size() == 1);
  CHECK(result["covered"] == 1);
  CHECK(result["groups"][0]["tpot"]["bias"].is_number());
  CHECK(result["groups"][0]["e2e"]["bias"].is_number());
}

TEST_CASE("validate: a file of nothing known is refused") {
  const TempFolder folder;
  const std::string served =
      R"({"total_input_tokens": 10, "request_throughput": 1, "backend": null, "completed": 0})";
  CHECK_THROWS_WITH(read_measured(folder.write("served.json", served), {}),
                    Contains("completed requests: expected a number above 0"));
  const std::string request =
      R"({"input_toks": 9, "output_toks": 9, "arrival_time": 1, "queued_ts": 1, )"
      R"("first_token_ts": 2, "last_token_ts": 3})";
  folder.write("meta.json", "[]");
  CHECK_THROWS_WITH(read_measured(folder.write("requests.jsonl", request), {}),
                    Contains("meta.json: expected an object with engine_kwargs"));
  folder.write("meta.json", R"({"engine_kwargs": {"model": null, "kv_cache_dtype": null}})");
  CHECK(read_measured(folder.path("requests.jsonl"), {}).size() == 1);
  CHECK_THROWS_WITH(read_measured(folder.write("a.csv", "a,b\n1,2\n"), {}),
                    Contains("not a known format of measurements"));
  CHECK_THROWS_WITH(read_measured(folder.path("none.csv"), {}), Contains("cannot be opened"));
}

TEST_CASE("calibrate: finds the costs that a simulated engine has") {
  const TempFolder folder;
  std::string rows;
  for (const int concurrency : {2, 4, 8, 16}) {
    for (const char* lengths : {"512,64", "2048,64"}) {
      rows += "a,x; silicon_concurrency=" + std::to_string(concurrency) +
              ",vllm,meta-llama/Llama-3.1-8B,h100_sxm,fp8,agg," + lengths + "," +
              std::to_string(concurrency) + ",1,1,1,1,1,,,,,1,1\n";
    }
  }
  auto points = points_of(folder, rows);
  EngineProfile truth = load_engine("vllm", "engine");
  truth.host.step_s = 0.004;
  truth.host.frontend_s = 0.03;
  measure_on(truth, points);
  const auto errors_after = [&](int rounds) {
    return calibrate(points, {}, load_engine("vllm", "engine"), {1, 0.3, rounds, nullptr})
        .profile.errors.front();
  };
  const EngineError before = errors_after(0);
  const EngineError after = errors_after(4);
  CHECK(before.tpot > 0.1);
  CHECK(after.tpot < 0.05);
  CHECK(after.ttft < 0.6 * before.ttft);
}

TEST_CASE("calibrate: finds the efficiency of kernels") {
  const TempFolder folder;
  std::string rows;
  for (const int concurrency : {1, 4, 16, 64, 256}) {
    for (const char* lengths : {"512,64", "4096,64"}) {
      rows += "a,x; silicon_concurrency=" + std::to_string(concurrency) +
              ",vllm,meta-llama/Llama-3.1-70B,h100_sxm,fp8,agg," + lengths + "," +
              std::to_string(concurrency) + ",2,1,1,1,1,,,,,1,1\n";
    }
  }
  auto points = points_of(folder, rows);
  EngineProfile truth = load_engine("vllm", "engine");
  truth.factors.memory = 0.75;
  measure_on(truth, points);
  const Calibration found =
      calibrate(points, {}, load_engine("vllm", "engine"), {2, 0.3, 4, nullptr});
  // The prior keeps part of the way.
  CHECK(found.profile.factors.memory > 0.65);
  CHECK(found.profile.factors.memory < 0.85);
  CHECK(found.profile.factors.compute == Approx(1).epsilon(0.15));
  CHECK(found.profile.errors.front().tpot < 0.03);
}

TEST_CASE("calibrate: tells runs near saturation from those that are far from it") {
  const TempFolder folder;
  std::string rows;
  for (int i = 0; i < 6; ++i) {
    rows +=
        "a,x; silicon_concurrency=4,vllm,meta-llama/Llama-3.1-70B,h100_sxm,fp8,agg,2048,16,4,"
        "2,1,1,1,1,,,,,1,1\n";
  }
  auto points = points_of(folder, rows);
  const EngineProfile vllm = load_engine("vllm", "engine");
  const double prompts_rps = [&] {  // one after the other
    points[0].scenario["workload"]["concurrency"] = 1;
    points[0].scenario["workload"]["output_tokens"] = 1;
    std::vector<MeasuredPoint> alone{points[0]};
    measure_on(vllm, alone);
    return 1 / *alone[0].measured.ttft_s;
  }();
  for (std::size_t i = 0; i < points.size(); ++i) {
    points[i].scenario["workload"] = {
        {"prompt_tokens", 2048}, {"output_tokens", 16},
        {"arrivals", "poisson"}, {"seed", i},
        {"duration_s", 200},     {"rate_rps", prompts_rps * (i < 3 ? 0.2 : 1.25)}};
  }
  measure_on(vllm, points);
  const Calibration found = calibrate(points, {}, vllm, {2, 0.3, 0, nullptr});
  for (std::size_t i = 0; i < points.size(); ++i) {
    INFO(found.sensitivity[i]);
    CHECK((found.sensitivity[i] >= kSaturated) == (i >= 3));
  }
  const auto& errors = found.profile.errors;
  const auto rows_of = [&](const std::string& what) {
    for (const EngineError& error : errors) {
      if (error.what == what) return error.rows;
    }
    return std::uint64_t{0};
  };
  CHECK(rows_of("near saturation") == 3);
  CHECK(rows_of("not near saturation") == 3);
}

}  // namespace cleave
