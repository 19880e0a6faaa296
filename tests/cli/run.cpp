#include "sim/base/json_reader.h"
#include "tests/catch.h"
#include "tests/cli/run_cleave.h"

using namespace cleave;
using namespace cleave::testing;

namespace {

using Names = std::vector<std::string>;

const Names kFiles{"links.csv", "machines.csv", "requests.csv", "scenario.json", "summary.json"};

/// The default scenario, cut to a second of traffic.
const Names kShort{"run", "--set", "workload.duration_s=1"};

const std::string kTrace =
    "TIMESTAMP,ContextTokens,GeneratedTokens\n"
    "2023-11-16 18:00:00.0000000,100,10\n"
    "2023-11-16 18:00:01.0000000,200,20\n"
    "2023-11-16 18:00:03.0000000,400,1\n";

Names operator+(Names left, const Names& right) {
  left.insert(left.end(), right.begin(), right.end());
  return left;
}

std::size_t lines(const std::string& text) {
  return static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
}

void check_done(const Names& arguments) {
  const Outcome outcome = run_cleave(arguments);
  INFO(outcome.err);
  CHECK(outcome.exit_code == 0);
  CHECK(outcome.err.empty());
}

/// The files of two results folders are the same to the byte.
void check_same_files(const TempFolder& folder, const std::string& a, const std::string& b) {
  for (const std::string& name : kFiles) {
    INFO(name);
    CHECK_FALSE(folder.read(a + "/" + name).empty());
    CHECK(folder.read(a + "/" + name) == folder.read(b + "/" + name));
  }
}

}  // namespace

TEST_CASE("run: the default scenario tells what a planner wants to know") {
  const Outcome outcome = run_cleave({"run"});
  CHECK(outcome.exit_code == 0);
  CHECK(outcome.err.empty());
  CHECK(outcome.out.starts_with("16 prompt dgx-h100 + 24 token dgx-h100\n"));
  for (const char* part : {" arrived, ", " completed, 0 rejected, 0 unfinished", "TTFT", "TPOT",
                           "E2E", "P99.9", "prompt dgx-h100", "token dgx-h100", "SLO splitwise: ",
                           "Busiest link ", "Tokens: ", "Cost: ", "Power: provisioned "}) {
    INFO(part);
    CHECK(contains(outcome.out, part));
  }
  // What each measures: no contradiction where one is whole and the other broken.
  CHECK(contains(outcome.out, "keep the\n  limit of the highest percentile ("));
  CHECK(contains(outcome.out, "; the SLO asks\n  every percentile above of all requests."));
  // Not a terminal: no colours, no progress.
  CHECK_FALSE(contains(outcome.out, "\033"));
  CHECK_FALSE(contains(outcome.out, "Results in"));
  CHECK_FALSE(contains(outcome.out, "Power budget"));
}

TEST_CASE("run: a power budget has a line of its own") {
  const Outcome outcome = run_cleave(kShort + Names{"--set", "power.budget_w=1000"});
  CHECK(contains(outcome.out, "\nPower budget 1.00 kW: exceeded; P99 "));
  CHECK(contains(outcome.out, ", above it 100.0 % of the time\n"));
}

TEST_CASE("run: clients that wait are served, and offer no rate") {
  const Outcome outcome =
      run_cleave({"run", "--set", "workload.arrivals=closed", "--set", "workload.concurrency=32",
                  "--set", "workload.requests=320", "--set", "workload.warmup_requests=64"});
  CHECK(outcome.exit_code == 0);
  CHECK(outcome.err.empty());
  CHECK(contains(outcome.out, "384 arrived, 384 completed"));
  CHECK(contains(outcome.out, " s: served "));
  CHECK_FALSE(contains(outcome.out, "offered"));
  CHECK_FALSE(contains(outcome.out, "Short:"));
}

TEST_CASE("run: --json prints JSON only, --quiet nothing") {
  const Outcome printed = run_cleave(kShort + Names{"--json"});
  CHECK(printed.exit_code == 0);
  CHECK(printed.err.empty());
  const Json summary = parse_json(printed.out, "stdout");
  CHECK(summary.at("schema_version") == 2);
  CHECK(summary.at("requests").at("completed") == summary.at("requests").at("arrived"));

  const Outcome quiet = run_cleave(kShort + Names{"--quiet"});
  CHECK(quiet.exit_code == 0);
  CHECK(quiet.out.empty());
  CHECK(quiet.err.empty());
}

TEST_CASE("run: --out writes the result files") {
  const TempFolder folder;
  const Outcome outcome = run_cleave(kShort + Names{"--out", folder.path("results")});
  CHECK(outcome.exit_code == 0);
  CHECK(contains(outcome.out, "\nResults in " + folder.path("results") + "\n"));
  CHECK(folder.names() == Names{"results"});
  for (const std::string& name : kFiles) CHECK_FALSE(folder.read("results/" + name).empty());
  const Json summary = parse_json(folder.read("results/summary.json"), "summary.json");
  CHECK(lines(folder.read("results/requests.csv")) ==
        summary.at("requests").at("arrived").get<std::size_t>() + 1);
  CHECK(lines(folder.read("results/machines.csv")) == 16 + 24 + 1);
  // What is printed is what is written.
  CHECK(run_cleave(kShort + Names{"--json"}).out == folder.read("results/summary.json"));
}

TEST_CASE("run: the scenario of a results folder gives the same files, another seed does not") {
  const TempFolder folder;
  const std::string trace = folder.write("trace.csv", kTrace);
  const std::vector<Names> cases{
      kShort,
      {"run", "--preset", "splitwise-sim", "--trace", trace},
      // What the defaults say is taken away, or comes in another order.
      {"run", "--set", "workload.duration_s=null", "--set", "workload.requests=9"},
      {"run", "--trace", trace, "--set", "workload.arrivals=poisson", "--set",
       "workload.duration_s=1", "--set", "workload.rate_rps=5"},
      kShort + Names{"--set", "fabric.nics_per_machine=1", "--set", "fabric.nic_gbps=25"},
      {"run", "--set", "workload.prompt_tokens=100", "--set", "workload.output_tokens=10", "--set",
       "workload.duration_s=1"},
      {"run", "--set", "kv_transfer.sync_s=null", "--set", "workload.requests=3"}};
  for (const Names& one : cases) {
    INFO(one.back());
    check_done(one + Names{"--quiet", "--out", folder.path("a")});
    check_done({"run", folder.path("a/scenario.json"), "--quiet", "--out", folder.path("b")});
    check_same_files(folder, "a", "b");
  }
  check_done(kShort + Names{"--quiet", "--out", folder.path("a")});
  check_done({"run", folder.path("a/scenario.json"), "--set", "workload.seed=2", "--quiet", "--out",
              folder.path("b")});
  CHECK(folder.read("a/requests.csv") != folder.read("b/requests.csv"));
  CHECK(folder.read("a/summary.json") != folder.read("b/summary.json"));
}

TEST_CASE("run: later sources win") {
  const TempFolder folder;
  const std::string scenario =
      folder.write("s.json", R"({"workload": {"duration_s": 1, "rate_rps": 30}})");
  const auto rate = [&](const Names& arguments) {
    const Outcome outcome =
        run_cleave(Names{"run"} + arguments + Names{"--quiet", "--out", folder.path("results")});
    INFO(outcome.err);
    CHECK(outcome.exit_code == 0);
    return parse_json(folder.read("results/scenario.json"), "s").at("workload").at("rate_rps");
  };
  CHECK(rate({scenario}) == 30);
  // An option takes one value: what follows it is the scenario.
  CHECK(rate({"--set", "workload.rate_rps=20", scenario}) == 20);
  CHECK(rate({"--set", "workload.rate_rps=20", "--set", "workload.rate_rps=25", scenario}) == 25);
  CHECK(rate({"--preset", "ethernet-10g", scenario}) == 30);
}

TEST_CASE("run: results replace earlier ones and nothing else") {
  const TempFolder folder;
  const Names out = kShort + Names{"--quiet", "--out"};
  check_done(out + Names{folder.path("results")});
  const std::string first = folder.read("results/requests.csv");
  check_done(out + Names{folder.path("results/"), "--set", "workload.seed=2"});
  CHECK(folder.read("results/requests.csv") != first);
  CHECK(folder.names() == Names{"results"});
  check_done(out + Names{folder.path("new/deep/results")});
  CHECK(folder.read("new/deep/results/requests.csv") == first);
  // Where the program runs, by a relative name.
  const std::string here = "cd " + shell_quoted(folder.path()) + " && " +
                           shell_quoted(CLEAVE_BINARY) +
                           " run --set workload.duration_s=1 --quiet --out ";
  for (const std::string name : {"relative", "./relative", "relative/deep", "relative/deep/"}) {
    INFO(name);
    CHECK(run_program("sh", {"-c", here + name}).exit_code == 0);
    if (name == "./relative") std::filesystem::remove_all(folder.path("relative"));
  }
  std::filesystem::create_directory(folder.path("empty"));
  check_done(out + Names{folder.path("empty")});
  CHECK(folder.read("empty/requests.csv") == first);

  // A file of somebody else, alone, beside results, or with the name of one of ours.
  folder.write("results/notes.txt", "mine");
  folder.write("other/notes.txt", "mine");
  folder.write("named/summary.json", "mine");
  folder.write("file", "mine");
  const std::string kept = folder.read("results/requests.csv");
  const Names before = folder.names();
  for (const char* name : {"results", "other", "named", "file", "file/results"}) {
    INFO(name);
    const Outcome outcome = run_cleave(out + Names{folder.path(name)});
    CHECK(outcome.exit_code == 2);
    CHECK(lines(outcome.err) == 1);
    CHECK(contains(outcome.err, "--out " + folder.path(name) + ": "));
  }
  CHECK(folder.names() == before);
  CHECK(folder.read("results/notes.txt") == "mine");
  CHECK(folder.read("results/requests.csv") == kept);
  CHECK(folder.read("other/notes.txt") == "mine");
  CHECK(folder.read("named/summary.json") == "mine");
  CHECK(folder.read("file") == "mine");
}

namespace {

struct Wrong {
  Names arguments;
  std::string part;  ///< of the message
};

/// Exit code 2, one sentence that names the place, nothing on stdout and nothing written.
void check_refused(const TempFolder& folder, const Wrong& wrong) {
  const Names before = folder.names();
  const Outcome outcome =
      run_cleave(Names{"run"} + wrong.arguments + Names{"--out", folder.path("new/results")});
  INFO(wrong.part);
  INFO(outcome.err);
  CHECK(outcome.exit_code == 2);
  CHECK(outcome.out.empty());
  CHECK(outcome.err.starts_with("cleave: "));
  CHECK(lines(outcome.err) == 1);
  CHECK(contains(outcome.err, wrong.part));
  CHECK(folder.names() == before);
}

}  // namespace

TEST_CASE("run: bad settings") {
  const TempFolder folder;
  const std::vector<Wrong> table{
      {{"--set", "pools[0].machine=dgx-h10"},
       "pools[0].machine: unknown machine \"dgx-h10\"; did you mean \"dgx-h100\"?"},
      {{"--set", "llm=bloom-176"}, "llm: unknown LLM \"bloom-176\"; did you mean \"bloom-176b\"?"},
      {{"--set", "scheduler.polcy=jsq"},
       "scheduler: unknown key \"polcy\"; did you mean \"policy\"?"},
      {{"--set", "scheduler.policy=jqs"},
       "scheduler.policy: unknown scheduler \"jqs\"; did you mean"},
      {{"--set", "fabric.topology=fat_tre"}, "fabric.topology: unknown topology"},
      {{"--set", "slo=splitwize"}, "slo: unknown SLO \"splitwize\"; did you mean \"splitwise\"?"},
      {{"--preset", "splitwise"}, "--preset: unknown preset \"splitwise\""},
      {{"--trace", "azure-2023-cod"}, "workload.trace: unknown trace"},
      {{"--trace", "caf\xe9.csv"}, "--trace caf\xe9.csv: expected text in UTF-8"},
      {{"--set", "llm=\xff"}, "expected text in UTF-8"},
      {{"--set", "pools=[]"}, "pools: expected at least one pool"},
      {{"--set", "pools=3"}, "pools: expected a list of objects, found a number"},
      {{"--set", "pools[7].count=1"}, "--set pools[7].count: there is no entry 7; the list has 2"},
      {{"--set", "pools[0].tensor_parallel=1"}, "pools[0].machine: bloom-176b does not fit"},
      {{"--set", "pools[0].count"}, "--set pools[0].count: expected path=value"},
      {{"--set", "a..b=1"}, "--set a..b: expected a path like"},
      {{"--set", "faults=[{\"at_s\": 1, \"action\": \"stop\", \"machine\": 99}]"},
       "faults[0].machine: expected a number from 0 to 39, found 99"},
      {{"--set",
        "faults=[{\"at_s\": 1, \"action\": \"scale_link\", \"link\": \"x\", \"share\": 1}]"},
       "faults[0].link: no link \"x\""},
      {{"--set", "slo={\"limits\": {\"ttft\": {\"p42\": 1}}}"},
       "slo.limits.ttft: unknown key \"p42\""},
      {{"--set", "latency.engine=vlm"}, "latency.engine: unknown engine \"vlm\"; did you mean"},
      {{"--set", "latency.engine=vllm", "--set", "latency.policy=fitted"},
       "latency.engine: latency.policy \"fitted\" does not look at it"},
      {{"--set", "pools[0].data_parallel=2", "--set", "llm=llama3-8b"},
       "pools[0]: the roofline of 2023's software knows neither data_parallel"},
      {{"--set", "pools[0].expert_parallel=2"}, "expert_parallel: bloom-176b has no experts"},
      {{"--set", "weights.experts=fp8"}, "weights.experts: bloom-176b has no experts"},
      {{"--set", "kv_transfer.policy=pulll"},
       "kv_transfer.policy: unknown KV transfer policy \"pulll\"; did you mean \"pull\"?"},
      {{"--set", "kv_transfer.policy=pull", "--set", "kv_transfer.setup_s=-1"},
       "kv_transfer.setup_s: expected a number from 0"},
      {{"--set", "kv_transfer.policy=push", "--set", "kv_transfer.descriptor_s=2"},
       "kv_transfer.descriptor_s: expected a number from 0 to 1"},
      {{"--set", "kv_transfer.policy=pull", "--set", "kv_transfer.descriptors_per_block=0"},
       "kv_transfer.descriptors_per_block: expected a number from 0.001"},
      {{"--set", "workload.arrivals=closed"}, "workload.concurrency: is missing"},
      {{"--set", "workload.arrivals=infinite"}, "workload.requests: is missing"},
      {{"--set", "workload.think_s=1"}, "workload.think_s: is for arrivals \"closed\" only"},
      {{"--set", "workload.length_range=[1, 0.8]"},
       "workload.length_range: expected the least and the largest share"},
      {{"--set", "workload.warmup_requests=5", "--set", "results.warmup_s=5"},
       "results.warmup_s: contradicts workload.warmup_requests"},
      {{"--sett", "a=1"}, "--sett"},
      {{"a.json", "b.json"}, "b.json"}};
  for (const Wrong& wrong : table) check_refused(folder, wrong);
}

TEST_CASE("run: bad numbers") {
  const TempFolder folder;
  const Names wrong{"-1", "0", "NaN", "Infinity", "1e400", "1e300", "\"1\"", "true", "[1]", "{}"};
  for (const char* path :
       {"workload.rate_rps", "workload.duration_s", "pools[0].count", "pools[1].tensor_parallel",
        "batching.max_sequences", "batching.mixed_iteration_factor", "kv_transfer.poll_interval_s",
        "fabric.nic_gbps"}) {
    for (const std::string& number : wrong) {
      check_refused(folder, {{"--set", path + ("=" + number)}, std::string(path) + ": "});
    }
  }
  for (const char* path : {"pools[0].price_per_hour", "results.warmup_s", "workload.seed",
                           "fabric.latency_s", "scheduler.prompt_queue_limit_tokens"}) {
    for (const char* number : {"-1", "NaN", "1e400", "1e300"}) {
      check_refused(folder,
                    {{"--set", path + std::string("=") + number}, std::string(path) + ": "});
    }
  }
  check_refused(folder,
                {{"--set", "pools[0].count=1.5"}, "pools[0].count: expected a whole number"});
  check_refused(folder, {{"--set", "kv_transfer.poll_interval_s=1e-6"},
                         "kv_transfer.poll_interval_s: expected a number from 0.01"});
}

TEST_CASE("run: bad files") {
  const TempFolder folder;
  const auto file = [&](const std::string& text) { return folder.write("file", text); };
  const std::string header = "TIMESTAMP,ContextTokens,GeneratedTokens\n";
  const std::string row = "2023-11-16 18:00:05.0000000,100,10\n";

  check_refused(folder, {{folder.path("none.json")}, "none.json: cannot be read"});
  check_refused(folder, {{folder.path()}, "cannot be read"});
  check_refused(folder, {{file("{\"llm\":\n")}, "file: line 2: not valid JSON"});
  check_refused(folder, {{file("")}, "file: line 1: not valid JSON"});
  check_refused(folder, {{file("[1]")}, "file: expected a scenario (an object), found a list"});
  check_refused(folder, {{file("{\"llm\": \"\xff\"}")}, "file: line 1: not valid JSON"});
  check_refused(folder, {{file(R"({"workload": {"rate_rps": NaN}})")}, "file: line 1: not valid"});
  check_refused(folder, {{file(R"({"workload": {"rate_rps": 1e400}})")},
                         "file: the number '1e400' is too large"});
  check_refused(folder, {{file(R"({"scheduler": {"polcy": "jsq"}})")},
                         "scheduler: unknown key \"polcy\"; did you mean \"policy\"?"});
  check_refused(
      folder, {{file("{\"faults\": " + std::string(300000, '[') + std::string(300000, ']') + "}")},
               "file: lists or objects within each other"});
  check_refused(folder, {{"--preset", folder.path("none.json")}, "none.json: cannot be read"});

  check_refused(folder, {{"--trace", folder.path("none.csv")}, "none.csv: cannot be opened"});
  check_refused(folder, {{"--trace", folder.path()}, "is a directory"});
  check_refused(folder, {{"--trace", file("")}, "file: is empty"});
  check_refused(folder, {{"--trace", file(header)}, "file: empty trace"});
  check_refused(folder, {{"--trace", file("a,b\n1,2\n")}, "file:1: not a known trace format"});
  check_refused(folder, {{"--trace", file(header + row + "2023-11-16 18:00:01.0000000,200,20\n")},
                         "file:3: the time goes back by 4 s"});
  for (const char* tokens : {"0", "-1", "NaN", "1e3", "99999999999999999999", ""}) {
    check_refused(
        folder, {{"--trace", file(header + row + "2023-11-16 18:00:06.0000000,1," + tokens + "\n")},
                 "file:3: GeneratedTokens: expected a whole number of tokens"});
  }
}

TEST_CASE("run: power above what is provisioned is said") {
  const Names capped{"run",
                     "--set",
                     "workload.duration_s=5",
                     "--set",
                     "pools[0].power_cap=0.4",
                     "--set",
                     "pools[1].power_cap=0.4"};
  CHECK(contains(run_cleave(capped).out, "Power: the peak of "));
  CHECK_FALSE(contains(run_cleave(kShort).out, "Power: the peak of "));
}
