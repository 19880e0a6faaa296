// cleave validate and cleave profile calibrate, as a user runs them.

#include <algorithm>

#include "sim/base/json_reader.h"
#include "tests/catch.h"
#include "tests/cli/run_cleave.h"
#include "tests/support/temp_folder.h"

namespace cleave::testing {

namespace {

const std::string kRows =
    "id,silicon_data_source,backend,model_path,system,precision,mode,isl,osl,batch_size,tp_size,"
    "pp_size,attention_dp_size,moe_tp_size,moe_ep_size,silicon_ttft_ms,silicon_tpot_ms\n"
    "a,x; silicon_concurrency=4,vllm,meta-llama/Llama-3.1-70B,h200_sxm,fp8,agg,1024,128,4,2,1,1,2,"
    "1,121,13.9\n"
    "b,x; silicon_concurrency=8,vllm,meta-llama/Llama-3.1-70B,h200_sxm,fp8,agg,1024,128,8,2,1,1,2,"
    "1,154,14.4\n"
    "c,x; silicon_concurrency=4,vllm,no/such-llm,h200_sxm,fp8,agg,1024,128,4,2,1,1,2,1,154,14.4\n";

std::size_t lines(const std::string& text) {
  return static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
}

}  // namespace

TEST_CASE(
    "validate: a table by group, what cannot be described with its reason, JSON of each row") {
  const TempFolder folder;
  const std::string file = folder.write("rows.csv", kRows);
  const Outcome table = run_cleave({"validate", file});
  CHECK(table.exit_code == 0);
  CHECK(contains(table.out, "2 of 3 measured runs can be described"));
  CHECK(contains(table.out, "llm llama3-70b"));
  CHECK(contains(table.out, "not described: 1, no LLM like no/such-llm"));

  const Outcome json = run_cleave({"validate", file, "--json", "-j", "1"});
  const Json result = parse_json(json.out, "out");
  CHECK(result["rows"] == 3);
  CHECK(result["covered"] == 2);
  CHECK(result["points"].size() == 3);
  CHECK(result["points"][0]["tpot_error"].is_number());
  CHECK(result["points"][2]["tpot_error"].is_null());
  for (const Json& group : result["groups"]) {
    for (const char* key : {"name", "rows", "covered", "tpot", "ttft", "e2e"}) {
      CHECK(group.contains(key));
    }
  }
  CHECK(run_cleave({"validate", file, "--json", "-j", "2"}).out == json.out);
}

TEST_CASE("validate: a page of it, also from what it printed") {
  const TempFolder folder;
  const std::string file = folder.write("rows.csv", kRows);
  const Outcome outcome =
      run_cleave({"validate", file, "--json", "--html", folder.path("page.html")});
  CHECK(outcome.exit_code == 0);
  CHECK(contains(folder.read("page.html"), "\"kind\":\"validation\""));
  CHECK(run_cleave({"report", folder.write("v.json", outcome.out), "-o", folder.path("again.html")})
            .exit_code == 0);
  CHECK(contains(folder.read("again.html"), "\"measured_tpot_s\":0.0139"));
  const Outcome refused = run_cleave({"report", folder.write("v.json", R"({"kind": "validation"})"),
                                      "-o", folder.path("again.html")});
  CHECK(refused.exit_code == 2);
  CHECK(contains(refused.err, "v.json: rows: is missing"));
  CHECK(run_cleave({"validate", file, "--html", folder.path("none/page.html")}).exit_code == 2);
}

TEST_CASE("validate: started again, it goes on where it was") {
  const TempFolder folder;
  const std::string file = folder.write("rows.csv", kRows);
  const std::string kept = folder.path("kept.jsonl");
  const Outcome first = run_cleave({"validate", file, "--json", "--keep", kept});
  CHECK(first.exit_code == 0);
  CHECK(lines(folder.read("kept.jsonl")) == 2);
  // What is kept is what is taken, and nothing is simulated twice.
  CHECK(run_cleave({"validate", file, "--json", "--keep", kept}).out == first.out);
  CHECK(lines(folder.read("kept.jsonl")) == 2);
  CHECK(run_cleave({"validate", file, "--keep", folder.path()}).exit_code == 2);
}

TEST_CASE("validate: what --set says holds for every run") {
  const TempFolder folder;
  const std::string file = folder.write("rows.csv", kRows);
  const std::string as_is = run_cleave({"validate", file, "--json"}).out;
  const Outcome eager =
      run_cleave({"validate", file, "--json", "--set", "batching.max_num_seqs=1"});
  CHECK(eager.exit_code == 0);
  CHECK(eager.out != as_is);
}

TEST_CASE("validate: nothing that can be described, or read, ends with one sentence") {
  const TempFolder folder;
  const std::string header = kRows.substr(0, kRows.find('\n') + 1);
  const auto refused = [&](const std::string& text, const std::string& part) {
    const Outcome outcome = run_cleave({"validate", folder.write("rows.csv", text), "--json"});
    INFO(outcome.err);
    CHECK(outcome.exit_code == 2);
    CHECK(lines(outcome.err) == 1);
    CHECK(contains(outcome.err, part));
  };
  refused(header + "c,x,vllm,no/such,h200_sxm,fp8,agg,1024,128,4,2,1,1,2,1,154,14.4\n",
          "none of the measured runs can be described: no LLM like no/such");
  refused("a,b\n1,2\n", "not a known format of measurements");
  refused(header + "c,x,vllm\n", "rows.csv:2: expected 17 cells");
}

TEST_CASE("validate: requests that another tool recorded, on the server that --set names") {
  const TempFolder folder;
  std::string requests;
  for (int i = 0; i < 6; ++i) {
    const auto metric = [](double value, const char* unit) {
      return Json{{"value", value}, {"unit", unit}};
    };
    requests += Json{{"metadata", {{"request_start_ns", std::int64_t{1'000'000'000} * (7 + i)}}},
                     {"metrics",
                      {{"input_sequence_length", metric(1000, "tokens")},
                       {"output_sequence_length", metric(50, "tokens")},
                       {"time_to_first_token", metric(60, "ms")},
                       {"inter_token_latency", metric(12, "ms")},
                       {"request_latency", metric(648, "ms")}}}}
                    .dump() +
                "\n";
  }
  const std::string file = folder.write("profile_export.jsonl", requests);
  const Outcome asked = run_cleave({"validate", file});
  CHECK(asked.exit_code == 2);
  CHECK(contains(asked.err, "does not say llm; expected --set llm="));
  const std::vector<std::string> server{
      "--set",
      "llm=llama3-70b",
      "--set",
      "weights.format=fp8",
      "--set",
      "latency.engine=vllm",
      "--set",
      R"(pools=[{"role": "mixed", "machine": "dgx-h200", "count": 1, "tensor_parallel": 2,)"
      R"( "instances_per_machine": 1}])"};
  std::vector<std::string> arguments{"validate", file};
  arguments.insert(arguments.end(), server.begin(), server.end());
  const Outcome told = run_cleave(arguments);
  INFO(told.err);
  CHECK(told.exit_code == 0);
  CHECK(contains(told.out, "1 of 1 measured runs can be described"));
  CHECK(contains(told.out, "run " + file));

  // Costs are fitted to them as well, three runs having nine figures.
  arguments = {"profile", "calibrate", file,
               file,      file,        "--engine",
               "vllm",    "--out",     folder.path("mine.json")};
  arguments.insert(arguments.end(), server.begin(), server.end());
  const Outcome fitted = run_cleave(arguments);
  INFO(fitted.err);
  CHECK(fitted.exit_code == 0);
  CHECK(contains(fitted.out, "fitted to 3 runs"));
}

TEST_CASE("profile calibrate: writes an engine that scenarios can name") {
  const TempFolder folder;
  const std::string file = folder.write("rows.csv", kRows);
  const std::string out = folder.path("mine.json");
  const Outcome few = run_cleave({"profile", "calibrate", file, "--engine", "vllm", "--out", out});
  CHECK(few.exit_code == 2);
  CHECK(contains(few.err, "expected 5 at least"));
  std::string rows = kRows;
  for (const char* line : {"16", "32"}) {
    rows += "d,x; silicon_concurrency=" + std::string(line) +
            ",vllm,meta-llama/Llama-3.1-70B,h200_sxm,fp8,agg,1024,128,8,2,1,1,2,1,200,18\n";
  }
  folder.write("rows.csv", rows);
  const Outcome fitted =
      run_cleave({"profile", "calibrate", file, "--engine", "vllm", "--out", out});
  CHECK(fitted.exit_code == 0);
  CHECK(contains(fitted.out, "median error"));
  const Outcome run =
      run_cleave({"run", "--set", "latency.engine=" + out, "--set", "workload.duration_s=2"});
  CHECK(run.exit_code == 0);
  CHECK(contains(run.out, "Latencies: TPOT +/-"));
}

}  // namespace cleave::testing
