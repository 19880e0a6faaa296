// cleave export, as its users see it; what it writes of plans: tests/exports/deployments.py.

#include <cmath>

#include "sim/base/csv_table.h"
#include "sim/base/json_reader.h"
#include "sim/explore/database.h"
#include "tests/catch.h"
#include "tests/cli/refused.h"

namespace cleave {

using namespace testing;

namespace {

/// A run of a split cluster in `folder`, and its summary.
Json run_in(const TempFolder& folder, const std::vector<std::string>& settings = {}) {
  std::vector<std::string> arguments{
      "run", "--quiet", "--out", folder.path("run"), "--set", "workload.duration_s=10"};
  for (const std::string& setting : settings) {
    arguments.emplace_back("--set");
    arguments.push_back(setting);
  }
  const Outcome outcome = run_cleave(arguments);
  INFO(outcome.err);
  REQUIRE(outcome.exit_code == 0);
  return load_json(folder.path("run/summary.json"));
}

Json exported(const TempFolder& folder, const std::string& format) {
  const Outcome outcome = run_cleave({"export", folder.path("run"), "--as", format});
  INFO(outcome.err);
  REQUIRE(outcome.exit_code == 0);
  return parse_json(outcome.out, format);
}

}  // namespace

TEST_CASE("export --as aiperf: a run under AIPerf's names and units") {
  const TempFolder folder;
  const Json summary = run_in(folder);
  const Json metrics = exported(folder, "aiperf");
  const Json& ttft = metrics["time_to_first_token"];
  CHECK(ttft["unit"] == "ms");
  CHECK(ttft["avg"] == 1000 * summary["ttft"]["mean"].get<double>());
  CHECK(ttft["p99"] == 1000 * summary["ttft"]["p99"].get<double>());
  CHECK(ttft["count"] == summary["ttft"]["count"]);
  // Of a sample of n: n / (n - 1) times the variance of all.
  const double n = ttft["count"].get<double>();
  CHECK(ttft["std"].get<double>() ==
        Approx(1000 * summary["ttft"]["std"].get<double>() * std::sqrt(n / (n - 1))));
  CHECK(metrics["inter_token_latency"]["p50"] == 1000 * summary["tpot"]["p50"].get<double>());
  CHECK(metrics["inter_chunk_latency"]["max"] == 1000 * summary["itl"]["max"].get<double>());
  CHECK(metrics["request_latency"]["min"] == 1000 * summary["e2e"]["min"].get<double>());
  CHECK(metrics["request_count"] ==
        Json{{"unit", "requests"}, {"avg", summary["requests"]["measured"].get<double>()}});
  CHECK(metrics["error_request_count"]["avg"] == 0);
  CHECK(metrics["goodput"]["avg"] == summary["slo"]["goodput_rps"]);
  CHECK(metrics["total_token_throughput"]["avg"].get<double>() ==
        Approx(summary["tokens"]["prompt_per_s"].get<double>() +
               summary["tokens"]["output_per_s"].get<double>()));
  CHECK(metrics["input_sequence_length"]["avg"] == summary["prompt_length"]["mean"]);
}

TEST_CASE("export --as aiperf: what a run has not is left out") {
  const TempFolder folder;
  run_in(folder, {"slo=none", "results.tpot=per_token"});
  const Json metrics = exported(folder, "aiperf");
  for (const char* name :
       {"goodput", "good_request_count", "good_request_fraction", "inter_token_latency"}) {
    CHECK_FALSE(metrics.contains(name));
  }
  CHECK(metrics.contains("time_to_first_token"));
}

TEST_CASE("export --as aiperf: validate reads it as AIPerf's own, and predicts it again") {
  const TempFolder folder;
  run_in(folder,
         {"llm=llama3-8b", "latency.engine=vllm", "scheduler.policy=token_jsq", "slo=none",
          R"(pools=[{"role": "mixed", "machine": "dgx-h100", "count": 1, "tensor_parallel": 1,
                     "instances_per_machine": 1}])",
          "workload.prompt_tokens=512", "workload.output_tokens=64", "workload.arrivals=closed",
          "workload.concurrency=8", "workload.requests=100"});
  const std::string file =
      folder.write("profile_export_aiperf.json", exported(folder, "aiperf").dump());
  const Outcome outcome =
      run_cleave({"validate", file, "--scenario", folder.path("run/scenario.json"), "--json"});
  INFO(outcome.err);
  REQUIRE(outcome.exit_code == 0);
  const Json all = parse_json(outcome.out, "validate")["groups"][0];
  CHECK(all["covered"] == 1);
  for (const char* metric : {"ttft", "tpot", "e2e"})
    CHECK(all[metric]["median"].get<double>() == Approx(0).margin(1e-12));
}

TEST_CASE("run --metrics aiperf prints what export writes") {
  const TempFolder folder;
  run_in(folder);
  const std::vector<std::string> run{"run", "--set", "workload.duration_s=10", "--metrics",
                                     "aiperf"};
  std::vector<std::string> as_json = run;
  as_json.emplace_back("--json");
  CHECK(parse_json(run_cleave(as_json).out, "run") == exported(folder, "aiperf"));
  const Outcome table = run_cleave(run);
  CHECK(table.exit_code == 0);
  CHECK(contains(table.out, "time_to_first_token"));
  CHECK(contains(table.out, "requests/sec"));
  check_refused({"run", "--metrics", "genai"}, R"(--metrics: unknown tool "genai")");
}

TEST_CASE("export --as llm-d-benchmark: a run as a benchmark report") {
  const TempFolder folder;
  const Json summary =
      run_in(folder, {"llm=llama3-70b", "latency.engine=vllm", "workload.rate_rps=4"});
  const Json report = exported(folder, "llm-d-benchmark");
  CHECK(report["version"] == "0.2");
  CHECK(contains(report["run"].dump(), "simulated"));
  const Json& stack = report["scenario"]["stack"];
  REQUIRE(stack.size() == 2);
  const Json& prefill = stack[0]["standardized"];
  CHECK(prefill["kind"] == "inference_engine");
  CHECK(prefill["tool"] == "vllm");
  CHECK(prefill["role"] == "prefill");
  CHECK(prefill["replicas"] == summary["pools"][0]["instances"]);
  CHECK(prefill["model"]["name"] == "llama3-70b");
  CHECK(prefill["accelerator"]["model"] == "h100-80gb");
  CHECK(prefill["accelerator"]["count"] == summary["pools"][0]["gpus"]);
  CHECK(prefill["accelerator"]["parallelism"]["tp"] == 8);
  CHECK(stack[1]["standardized"]["role"] == "decode");
  const Json& load = report["scenario"]["load"]["standardized"];
  CHECK(load["source"] == "sampled");
  CHECK(load["rate_qps"] == 4);
  CHECK(load["input_seq_len"]["distribution"] == "other");
  CHECK(load["input_seq_len"]["value"] == summary["prompt_length"]["mean"]);
  const Json& all = report["results"]["request_performance"]["aggregate"];
  CHECK(all["requests"]["total"] == summary["requests"]["arrived"]);
  CHECK(all["requests"]["failures"] == 0);
  CHECK(all["requests"]["output_length"]["units"] == "count");
  const Json& ttft = all["latency"]["time_to_first_token"];
  CHECK(ttft["units"] == "s");
  CHECK(ttft["p99p9"] == summary["ttft"]["p99.9"]);
  CHECK(ttft["stddev"] == summary["ttft"]["std"]);
  CHECK(all["latency"]["time_per_output_token"]["units"] == "s/token");
  CHECK(all["throughput"]["request_rate"] ==
        Json{{"units", "queries/s"}, {"mean", summary["served_rps"]}});
  CHECK(all["throughput"]["output_token_rate"]["mean"] == summary["tokens"]["output_per_s"]);
}

TEST_CASE("export --as llm-d-benchmark: fixed lengths and closed loops") {
  const TempFolder folder;
  run_in(folder, {"workload.prompt_tokens=512", "workload.output_tokens=64",
                  "workload.arrivals=closed", "workload.concurrency=8", "workload.requests=100"});
  const Json load = exported(folder, "llm-d-benchmark")["scenario"]["load"]["standardized"];
  CHECK(load["input_seq_len"] == Json{{"distribution", "fixed"}, {"value", 512}});
  CHECK(load["output_seq_len"] == Json{{"distribution", "fixed"}, {"value", 64}});
  CHECK(load["concurrency"] == 8);
  CHECK(load["source"] == "random");
  CHECK_FALSE(load.contains("rate_qps"));
}

TEST_CASE("export --as sqlite: the files of a run as tables") {
  const TempFolder folder;
  const Json summary = run_in(folder);
  const std::string file = folder.path("run.db");
  REQUIRE(run_cleave({"export", folder.path("run"), "--as", "sqlite", "--out", file}).exit_code ==
          0);
  Database database(file, Database::Mode::kRead);
  for (const std::string table : {"requests", "machines", "links", "series"}) {
    INFO(table);
    const CsvTable csv(folder.path("run/" + table + ".csv"));
    Statement count(database, "SELECT count(*) FROM " + table);
    REQUIRE(count.step());
    CHECK(count.integer(0) == static_cast<std::int64_t>(csv.rows()));
    CHECK(csv.rows() > 0);
  }
  Statement mean(database, "SELECT avg(ttft_s), sum(outcome = 'completed') FROM requests");
  REQUIRE(mean.step());
  CHECK(mean.integer(1) == summary["requests"]["completed"].get<std::int64_t>());
  Statement first(database, "SELECT completion_s, typeof(token_instance) FROM requests LIMIT 1");
  REQUIRE(first.step());
  CHECK(first.number(0) == CsvTable(folder.path("run/requests.csv")).number(0, "completion_s"));
  CHECK(first.text(1) == "integer");
  Statement figure(database, "SELECT value FROM figures WHERE figure = 'ttft.p99'");
  REQUIRE(figure.step());
  CHECK(figure.number(0) == summary["ttft"]["p99"].get<double>());
  Statement pool(database, "SELECT value FROM figures WHERE figure = 'pools[1].role'");
  REQUIRE(pool.step());
  CHECK(pool.text(0) == "token");
}

TEST_CASE("series.csv has what summary.json has of pools over time") {
  const TempFolder folder;
  const Json summary = run_in(folder);
  const CsvTable csv(folder.path("run/series.csv"));
  std::size_t row = 0;
  for (std::size_t pool = 0; pool < summary["pools"].size(); ++pool) {
    const Json& over = summary["pools"][pool]["over_time"];
    for (std::size_t i = 0; i < over["busy_instances"].size(); ++i, ++row) {
      REQUIRE(csv.number(row, "pool") == static_cast<double>(pool));
      REQUIRE(csv.number(row, "from_s") == static_cast<double>(i) * over["bucket_s"].get<double>());
      for (const char* name :
           {"busy_instances", "prompts", "decodes", "transfers", "power_w", "memory_bytes",
            "queued_requests", "mixed_instances", "off_instances"}) {
        INFO(name);
        REQUIRE(csv.number(row, name) == over[name][i].get<double>());
      }
    }
  }
  CHECK(row == csv.rows());
}

TEST_CASE("export refuses what it cannot write, and leaves no file") {
  const TempFolder folder;
  run_in(folder);
  const std::string run = folder.path("run");
  check_refused({"export", run, "--as", "parquet"}, R"(--as: unknown format "parquet")");
  check_refused({"export", folder.path("none"), "--as", "aiperf"}, "no such file or folder");
  check_refused({"export", run, "--as", "sqlite"}, "--out: expected a file");
  check_refused({"export", run, "--as", "aiperf", "--image", "x"}, "only for --as dynamo");
  check_refused({"export", folder.write("a.json", "[]"), "--as", "dynamo"},
                "expected the answer of a plan");
  check_refused({"export", folder.write("b.json", R"({"kind": "plan"})"), "--as", "dynamo"},
                "b.json: scenario");
  folder.write("run/summary.json", R"({"schema_version": 2, "requests": {}, "ttft": {}, "tpot": {},
    "e2e": {}, "tokens": {}, "cost": {}, "power": {}, "steady": {}, "pools": [{}]})");
  check_refused({"export", run, "--as", "aiperf", "--out", folder.path("out.json")},
                "not as cleave writes it");
  folder.write("run/series.csv", "pool,from_s\n1,2,3\n");
  check_refused({"export", run, "--as", "sqlite", "--out", folder.path("out.db")},
                "series.csv:2: expected 2 cells, but there are 3");
  CHECK_FALSE(std::filesystem::exists(folder.path("out.json")));
  CHECK_FALSE(std::filesystem::exists(folder.path("out.db")));
}

}  // namespace cleave
