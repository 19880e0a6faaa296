// Input that no program expects ends in one sentence, with exit code 2.

#include "tests/catch.h"
#include "tests/cli/refused.h"
#include "tests/cli/run_cleave.h"

using namespace cleave::testing;

namespace {

using Names = std::vector<std::string>;

/// Measurements that can be fitted, but for a first line.
std::string measurements(const std::string& first_line) {
  std::string text =
      first_line +
      "\nmodel,hardware,prompt_size,batch_size,token_size,peak_power,average_power,prompt_time,"
      "token_time,e2e_time,tensor_parallel\n";
  for (const char* row : {"512,1,128,0.6,0.5,60,20,2600,8", "1024,1,128,0.6,0.5,100,20,2640,8"}) {
    text += std::string("llama2-70b,h100-80gb,") + row + "\n";
  }
  return text;
}

}  // namespace

TEST_CASE("hostile: names that cannot be looked up") {
  const TempFolder folder;
  const std::string page = folder.path("page.html");
  const std::string loop = folder.path("loop");
  std::filesystem::create_symlink("loop", loop);
  const std::string long_name(300, 'a');
  check_refused({"run", "--trace", long_name}, "unknown trace");
  check_refused({"run", "--trace", loop}, "cannot be opened");
  check_refused({"run", "--set", "workload.duration_s=1", "--out", loop}, "loop: cannot be made");
  for (const std::string& name : {long_name, loop}) {
    check_refused({"report", name, "-o", page}, "no such file or folder");
    check_refused({"results", "merge", name, folder.path("none.db")}, name + ": cannot be written");
  }
  check_refused({"compare", "none.json", "none.json", "--junit", loop}, "--junit " + loop);
}

TEST_CASE("hostile: a link that leads to nothing is written through") {
  const TempFolder folder;
  std::filesystem::create_symlink("there", folder.path("link"));
  CHECK(
      run_cleave({"run", "--set", "workload.duration_s=1", "--quiet", "--out", folder.path("link")})
          .exit_code == 0);
  CHECK(std::filesystem::is_symlink(folder.path("link")));
  CHECK(std::filesystem::is_regular_file(folder.path("there/summary.json")));
  std::filesystem::create_symlink("page.html", folder.path("page"));
  CHECK(run_cleave({"report", folder.path("there"), "-o", folder.path("page")}).exit_code == 0);
  CHECK(std::filesystem::is_symlink(folder.path("page")));
  CHECK(std::filesystem::is_regular_file(folder.path("page.html")));
}

TEST_CASE("hostile: text that is not UTF-8") {
  const TempFolder folder;
  const std::string good = folder.write("good.csv", measurements("# measured here"));
  const std::string latin = folder.write("latin.csv", measurements("# mesur\xe9 ici"));
  for (const char* command : {"fit", "roofline"}) {
    check_refused({"profile", command, latin, "--out", folder.path("out")},
                  "a comment that is not in UTF-8");
    check_refused({"profile", command, good, "--out", folder.path("out"), "--source", "\xff"},
                  "--source \xff: expected text in UTF-8");
  }
  const std::string trace = folder.write(
      "t.csv", "TIMESTAMP,ContextTokens,GeneratedTokens\n2023-11-16 18:00:05.0000000,100,10\n");
  check_refused({"trace", "fit", trace, "-o", folder.path("d.json"), "--licence", "\xff"},
                "--licence \xff: expected text in UTF-8");
  check_refused(
      {"sweep", "h100-splits-of-40", "--set", "workload.trace=\xff", "--out", folder.path("s.db")},
      "expected text in UTF-8");
  CHECK(folder.names() == Names{"good.csv", "latin.csv", "t.csv"});
}

TEST_CASE("hostile: a folder whose name is not UTF-8 has a report all the same") {
  const TempFolder folder;
  const std::string results = folder.path("caf\xe9");
  CHECK(run_cleave({"run", "--set", "workload.duration_s=1", "--quiet", "--out", results})
            .exit_code == 0);
  CHECK(run_cleave({"report", results, "-o", folder.path("page.html")}).exit_code == 0);
}

TEST_CASE("hostile: JSON of another shape than expected") {
  const TempFolder folder;
  for (const char* scenario : {"\"x\"", "5", "[]"}) {
    check_refused(
        {"plan",
         folder.write("plan.json", std::string(R"({"minimize": "cost", "scenario": )") + scenario +
                                       R"(, "designs": [{"name": "a", "mixed": "dgx-h100"}]})")},
        "plan.json: scenario: expected an object");
  }
  const Outcome profile = run_cleave({"show", "llama2-70b_h100-80gb_tp8"});
  std::string text = profile.out;
  const std::size_t from = text.find("\"left_out\"");
  REQUIRE(from != std::string::npos);
  text.insert(from, "\"left_out\": [1],");
  text.replace(text.find("\"left_out\"", from + 12), 10, "\"summary\"");
  check_refused({"run", "--set", "latency.profiles=[\"" + folder.write("k.json", text) + "\"]"},
                "k.json: left_out[0]: expected a text, found a number");
  const std::string plan = R"({"kind": "plan", "goal": "speed", "scenario": {"workload": {}},
                               "budget": {}, "seeds": [1], "candidates": [{}]})";
  check_refused({"report", folder.write("answer.json", plan), "-o", folder.path("page.html")},
                "answer.json: goal: unknown goal \"speed\"");
}

TEST_CASE("hostile: more than the memory holds") {
  const Outcome outcome = run_program(
      "/bin/sh", {"-c", "ulimit -v 150000; " + shell_quoted(CLEAVE_BINARY) +
                            " run --set pools[0].count=50000 --set pools[1].count=40000"});
  CHECK(outcome.exit_code == 2);
  CHECK(contains(outcome.err, "cleave: the memory ran out"));
}

TEST_CASE("hostile: where addresses are limited, a run is the same") {
  const std::string run = shell_quoted(CLEAVE_BINARY) + " run --json --set workload.requests=300";
  const Outcome limited = run_program("/bin/sh", {"-c", "ulimit -v 2000000; " + run});
  CHECK(limited.exit_code == 0);
  CHECK(limited.out == run_program("/bin/sh", {"-c", run}).out);
}

TEST_CASE("hostile: numbers of options below what they can be") {
  const TempFolder folder;
  check_refused({"sweep", "h100-splits-of-40", "--out", folder.path("s.db"), "-j", "-1"},
                "-j: expected a whole number, at least 1, found -1");
  check_refused({"plan", "hh-code-70", "-j", "0"}, "-j: expected a whole number, at least 1");
  check_refused({"results", folder.path("s.db"), "--limit", "-1"},
                "--limit: expected a whole number, at least 0, found -1");
}

TEST_CASE("hostile: a scheduler that takes no notice of roles is called so") {
  const std::vector<std::string> run{"run", "--set", "workload.requests=50", "--set"};
  const auto told = [&](const std::string& setting) {
    std::vector<std::string> arguments = run;
    arguments.push_back(setting);
    const Outcome outcome = run_cleave(arguments);
    CHECK(outcome.exit_code == 0);
    return contains(outcome.out, "Roles: no request was split between the pools");
  };
  CHECK(told("scheduler.policy=token_jsq"));
  CHECK_FALSE(told("scheduler.policy=kv_jsq"));
  CHECK_FALSE(told("scheduler.policy=mixed_pool"));
}

TEST_CASE("hostile: pools that together cannot serve a request, or not be simulated") {
  const auto pools = [](const char* role, const char* count) {
    return std::string("pools=[{\"role\": \"") + role + R"(", "machine": "dgx-h100", "count": )" +
           count + "}]";
  };
  check_refused({"run", "--set", pools("prompt", "2")}, "pools: none takes the token phase");
  check_refused({"run", "--set", pools("token", "2")}, "pools: none takes prompts");
  check_refused({"run", "--set", "pools[0].count=60000", "--set", "pools[1].count=60000"},
                "pools: have 120000 machines; expected at most 100000");
}

TEST_CASE("hostile: networks that SimGrid cannot build, or nobody can wait for") {
  const auto fabric = [](const char* settings) {
    return Names{"run", "--set", "workload.duration_s=1", "--set",
                 std::string("fabric={\"latency_s\": 1e-6, ") + settings + "}"};
  };
  check_refused(
      fabric(R"("topology": "dragonfly", "groups": 9, "chassis": 2, "routers": 4, "nodes": 9)"),
      "fabric.groups: expected at most chassis x routers, 8");
  check_refused(
      fabric(R"("topology": "dragonfly", "groups": 100, "chassis": 64, "routers": 64, "nodes": 1)"),
      "fabric.groups: the network has more than 500000 links");
  check_refused(
      fabric(R"("topology": "fat-tree", "hosts_per_leaf": 8, "spines": 4, "oversubscription": 1,
                          "down": [4096, 4096, 4096], "up": [1, 4, 4])"),
      "fabric.down: the network has more than 500000 links");
}

TEST_CASE("hostile: a line that cannot be read while transfers are under way is one sentence") {
  const TempFolder folder;
  std::string trace = "arrival_timestamp,prompt_size,token_size\n";
  for (int i = 0; i < 50; ++i) trace += std::to_string(0.01 * i) + ",1500,50\n";
  const Outcome outcome =
      run_cleave({"run", "--trace", folder.write("trace.csv", trace + "x,y,z\n")});
  CHECK(outcome.exit_code == 2);
  CHECK(outcome.err.starts_with("cleave: "));
  CHECK(std::count(outcome.err.begin(), outcome.err.end(), '\n') == 1);
}
