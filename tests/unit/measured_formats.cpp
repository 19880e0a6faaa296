// What other tools measured, as cleave validate reads it.

#include "sim/explore/validate.h"
#include "tests/catch.h"
#include "tests/support/temp_folder.h"

namespace cleave {

namespace {

using Catch::Matchers::Contains;
using testing::TempFolder;

// Three requests a second apart, of which the first has one token only: TTFT 0.1, 0.2 and 0.3 s,
// then 10 ms a token.
constexpr int kRequests = 3;
int prompt(int i) { return 500 + i; }
int output(int i) { return 1 + 10 * i; }
double ttft(int i) { return 0.1 * (i + 1); }
double e2e(int i) { return ttft(i) + 0.01 * (output(i) - 1); }

MeasuredPoint the_point_of(const std::string& file) {
  const auto points = read_measured(file, {});
  REQUIRE(points.size() == 1);
  return points[0];
}

void check_requests(const MeasuredPoint& point) {
  CHECK(point.requests);
  CHECK(point.why_not.empty());
  CHECK(point.llm == "llama3-8b");
  CHECK(*point.measured.ttft_s == Approx(0.2));
  CHECK(*point.measured.tpot_s == Approx(0.01));
  CHECK(*point.measured.e2e_s == Approx((e2e(0) + e2e(1) + e2e(2)) / kRequests));
  const double duration_s = 2 + e2e(2);
  CHECK(*point.measured.output_tokens_per_s == Approx((1 + 11 + 21) / duration_s));
  const Json& workload = point.scenario.at("workload");
  CHECK(workload["arrivals"] == "replay");
  REQUIRE(workload["trace"].size() == kRequests);
  for (int i = 0; i < kRequests; ++i) {
    CHECK(workload["trace"][i][0].get<double>() == Approx(i));
    CHECK(workload["trace"][i][1] == prompt(i));
    CHECK(workload["trace"][i][2] == output(i));
  }
}

Json bench_serve() {
  Json run{{"backend", "vllm"},       {"model_id", "meta-llama/Llama-3.1-8B-Instruct"},
           {"max_concurrency", 2},    {"completed", kRequests},
           {"total_input_tokens", 1}, {"request_throughput", 1}};
  for (int i = 0; i < kRequests; ++i) {
    run["start_times"].push_back(7000.5 + i);
    run["input_lens"].push_back(prompt(i));
    run["output_lens"].push_back(output(i));
    run["ttfts"].push_back(ttft(i));
    run["itls"].push_back(std::vector<double>(output(i) - 1, 0.01));
  }
  return run;
}

Json aiperf_line(int i) {
  const auto ms = [](double s) { return Json{{"value", s * 1000}, {"unit", "ms"}}; };
  const auto tokens = [](int count) { return Json{{"value", count}, {"unit", "tokens"}}; };
  Json metrics{{"input_sequence_length", tokens(prompt(i))},
               {"output_sequence_length", tokens(output(i))},
               {"time_to_first_token", ms(ttft(i))},
               {"request_latency", ms(e2e(i))}};
  if (i > 0) metrics["inter_token_latency"] = ms(0.01);
  const auto start_ns = 1759813207532900363 + i * std::int64_t{1'000'000'000};
  return {{"metadata", {{"request_start_ns", start_ns}, {"benchmark_phase", "profiling"}}},
          {"metrics", metrics},
          {"error", nullptr}};
}

std::string lines_of_aiperf() {
  Json warmup = aiperf_line(0);
  warmup["metadata"]["benchmark_phase"] = "warmup";
  Json failed = aiperf_line(2);
  failed["metrics"] = Json{{"error_isl", {{"value", 550}, {"unit", "tokens"}}}};
  failed["error"] = Json{{"code", 499}};
  std::string lines;
  for (const Json& line : {warmup, aiperf_line(2), aiperf_line(0), failed, aiperf_line(1)}) {
    lines += line.dump() + "\n";
  }
  return lines;
}

Json means_of_aiperf() {
  const auto average = [](double value, const char* unit) {
    return Json{{"avg", value}, {"unit", unit}};
  };
  return {{"request_count", average(40, "requests")},
          {"request_latency", average(1500, "ms")},
          {"time_to_first_token", average(250, "ms")},
          {"inter_token_latency", average(12, "ms")},
          {"output_token_throughput", average(800, "tokens/sec")},
          {"input_sequence_length", average(999.6, "tokens")},
          {"output_sequence_length", average(100.2, "tokens")},
          {"input_config",
           {{"endpoint", {{"model_names", {"meta-llama/Llama-3.1-8B-Instruct"}}}},
            {"loadgen", {{"concurrency", 8}}}}}};
}

/// A run of guidellm; `kept` of its requests are in the file.
Json guidellm_run(const Json& strategy, int kept) {
  Json requests = Json::array();
  for (int i = 0; i < kept; ++i) {
    Json request{{"request_start_time", 1759813207.5 + i},
                 {"prompt_tokens", prompt(i)},
                 {"output_tokens", output(i)},
                 {"time_to_first_token_ms", ttft(i) * 1000},
                 {"time_per_output_token_ms", e2e(i) * 1000 / output(i)},
                 {"inter_token_latency_ms", i > 0 ? Json(10) : Json()},
                 {"request_latency", e2e(i)}};
    requests.push_back(request);
  }
  const auto mean = [](double value) { return Json{{"successful", {{"mean", value}}}}; };
  return {{"config", {{"strategy", strategy}}},
          {"scheduler_metrics", {{"requests_made", {{"successful", kRequests}}}}},
          {"metrics",
           {{"prompt_token_count", mean(512)},
            {"output_token_count", mean(64)},
            {"time_to_first_token_ms", mean(300)},
            {"inter_token_latency_ms", mean(11)},
            {"time_per_output_token_ms", mean(17)},
            {"request_latency", mean(1.1)}}},
          {"requests", {{"successful", requests}}}};
}

Json guidellm(const Json& runs) {
  return {{"metadata", {{"guidellm_version", "0.7.3"}}},
          {"config", {{"spec", {{"backend", {{"model", "meta-llama/Llama-3.1-8B-Instruct"}}}}}}},
          {"benchmarks", runs}};
}

std::string blis_rows() {
  std::string rows =
      "request_id,slo_class,streaming,input_tokens,output_tokens,server_input_tokens,"
      "arrival_time_us,send_time_us,first_chunk_time_us,last_chunk_time_us,status,error_message\n"
      "9,x,true,500,10,0,0,0,0,0,timeout,\"no answer, sorry\"\n";
  for (int i = 0; i < kRequests; ++i) {
    const double sent_s = 5 + i;
    const double round_trip_s = 0.002;
    const auto us = [](double s) { return std::to_string(std::lround(s * 1e6)); };
    rows += std::to_string(i) + ",x,true,400," + std::to_string(output(i)) + "," +
            std::to_string(prompt(i)) + "," + us(sent_s - 1) + "," + us(sent_s) + "," +
            us(sent_s + ttft(i) + round_trip_s) + "," + us(sent_s + e2e(i) + round_trip_s) +
            ",ok,\n";
  }
  return rows;
}

const std::string kBlisHeader =
    "trace_version: 3\n"
    "time_unit: microseconds   # always\n"
    "mode: real\n"
    "server:\n"
    "    type: vllm\n"
    "    model: \"meta-llama/Llama-3.1-8B-Instruct\"\n"
    "    tensor_parallel: 2\n"
    "    max_num_seqs: 64\n"
    "    block_size: 32\n"
    "    gpu_memory_utilization: 0.8\n"
    "network:\n"
    "    measured_rtt_ms: 2\n"
    "goodput_slo_targets:\n"
    "    x:\n"
    "        ttft: 1s\n";

}  // namespace

TEST_CASE("measured: vllm bench serve --save-detailed is simulated request by request") {
  const TempFolder folder;
  const MeasuredPoint point = the_point_of(folder.write("run.json", bench_serve().dump()));
  check_requests(point);
  CHECK(point.engine == "vllm");
  CHECK(point.concurrency == 2);
  CHECK(point.scenario["workload"]["concurrency"] == 2);

  Json failed = bench_serve();
  failed["output_lens"][1] = 0;
  const MeasuredPoint two = the_point_of(folder.write("run.json", failed.dump()));
  CHECK(two.scenario["workload"]["trace"].size() == 2);
  CHECK(two.assumed == "1 failed requests left out");

  Json cut = bench_serve();
  cut["ttfts"].erase(0);
  CHECK_THROWS_WITH(read_measured(folder.write("run.json", cut.dump()), {}),
                    Contains("run.json: ttfts: expected a list as long as start_times"));
}

TEST_CASE("measured: AIPerf's records, in whatever order; those beside the measurement left out") {
  const TempFolder folder;
  const std::string file = folder.write("profile_export.jsonl", lines_of_aiperf());
  folder.write("profile_export_aiperf.json", means_of_aiperf().dump());
  const MeasuredPoint point = the_point_of(file);
  check_requests(point);
  CHECK(point.concurrency == 8);  // of the file beside it
  CHECK(point.assumed == "1 failed requests left out");
  CHECK_THROWS_WITH(read_measured(folder.write("b.jsonl", lines_of_aiperf() + "{}\n"), {}),
                    Contains("b.jsonl:6: expected an object with metadata.request_start_ns"));
}

TEST_CASE("measured: AIPerf's means are a closed loop, or arrivals at a rate") {
  const TempFolder folder;
  Json run = means_of_aiperf();
  const MeasuredPoint closed = the_point_of(folder.write("run.json", run.dump()));
  CHECK(*closed.measured.ttft_s == Approx(0.25));
  CHECK(*closed.measured.tpot_s == Approx(0.012));
  CHECK(*closed.measured.e2e_s == Approx(1.5));
  CHECK(*closed.measured.output_tokens_per_s == Approx(800));
  CHECK(closed.scenario["workload"]["arrivals"] == "closed");
  CHECK(closed.scenario["workload"]["concurrency"] == 8);
  CHECK(closed.scenario["workload"]["prompt_tokens"] == 1000);
  CHECK(closed.scenario["workload"]["output_tokens"] == 100);
  CHECK(closed.scenario["workload"]["requests"] == 40);
  run["input_config"]["loadgen"] = {{"request_rate", 4}};
  const MeasuredPoint open = the_point_of(folder.write("run.json", run.dump()));
  CHECK(open.scenario["workload"]["arrivals"] == "poisson");
  CHECK(open.scenario["workload"]["rate_rps"] == 4);
  run["request_count"] = nullptr;
  CHECK_THROWS_WITH(read_measured(folder.write("run.json", run.dump()), {}),
                    Contains("run.json: completed requests: expected a number above 0"));
}

TEST_CASE("measured: each of GuideLLM's benchmarks is a run; its inter-token latency is TPOT") {
  const TempFolder folder;
  const Json runs{guidellm_run({{"type_", "concurrent"}, {"streams", 4}}, kRequests),
                  guidellm_run({{"type_", "poisson"}, {"rate", 2.5}}, 1),
                  guidellm_run({{"type_", "unheard"}}, 0)};
  const auto points = read_measured(folder.write("benchmarks.json", guidellm(runs).dump()), {});
  REQUIRE(points.size() == 3);
  check_requests(points[0]);
  CHECK(points[0].concurrency == 4);
  // Of the second a sample was kept, so that it has means only.
  CHECK(points[1].id == folder.path("benchmarks.json") + " benchmarks[1]");
  CHECK_FALSE(points[1].requests);
  CHECK(*points[1].measured.tpot_s == Approx(0.011));
  CHECK(*points[1].measured.ttft_s == Approx(0.3));
  CHECK(points[1].scenario["workload"]["arrivals"] == "poisson");
  CHECK(points[1].scenario["workload"]["rate_rps"] == 2.5);
  CHECK(points[1].scenario["workload"]["prompt_tokens"] == 512);
  CHECK(points[2].why_not == "strategy unheard without requests");
  CHECK_THROWS_WITH(
      read_measured(folder.write("b.json", R"({"benchmarks": 1, "guidellm_version": 2})"), {}),
      Contains("b.json: benchmarks: expected a list"));
}

TEST_CASE("measured: a BLIS trace, with the header beside it") {
  const TempFolder folder;
  const std::string rows = folder.write("trace_data.csv", blis_rows());
  const auto with_header = [&](const std::string& text) {
    folder.write("trace_header.yaml", text);
    return the_point_of(rows);
  };
  const MeasuredPoint point = with_header(kBlisHeader);
  check_requests(point);
  CHECK(point.engine == "vllm");
  CHECK(point.layout == "tp2");
  CHECK(point.scenario["kv_cache"]["memory_fraction"] == 0.8);
  CHECK(point.scenario["kv_cache"]["block_tokens"] == 32);
  CHECK(point.scenario["batching"]["max_num_seqs"] == 64);
  CHECK(point.assumed == "1 failed requests left out");
  CHECK_THROWS_WITH(with_header("mode: >\n  real\n"), Contains("trace_header.yaml:2: expected"));
  CHECK_THROWS_WITH(with_header("time_unit: ms\n"), Contains("expected microseconds, found ms"));
  CHECK_THROWS_WITH(with_header("server:\n  block_size: {}\n"),
                    Contains("server.block_size: expected a number, found {}"));
}

TEST_CASE("measured: what a file does not say comes from the command line, or is asked for") {
  const TempFolder folder;
  const std::string file = folder.write("profile_export.jsonl", lines_of_aiperf());
  const auto needs = [&](const std::vector<std::string>& settings, const std::string& what) {
    CHECK_THROWS_WITH(scenario_of_point(the_point_of(file), {"", settings}),
                      Contains("does not say " + what));
  };
  const std::string pools =
      R"(pools=[{"role": "mixed", "machine": "dgx-h100", "count": 1, "tensor_parallel": 1,)"
      R"( "instances_per_machine": 1}])";
  needs({}, "llm");
  needs({"llm=llama3-8b"}, "pools");
  needs({"llm=llama3-8b", pools}, "latency; expected --set latency.engine=");
  const MeasuredSources sources{"", {"llm=llama3-8b", pools, "latency.engine=sglang"}};
  const auto points = read_measured(file, sources);
  CHECK(points[0].llm == "llama3-8b");
  CHECK(points[0].engine == "sglang");
  const Json result = validation_json(validate(points, sources, 1, [](std::size_t) {}));
  CHECK(result["covered"] == 1);
  CHECK(result["points"][0]["tpot_error"].is_number());
  CHECK(result["points"][0]["throughput_error"].is_number());
}

}  // namespace cleave
