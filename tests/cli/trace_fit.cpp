// cleave trace fit of clients: the mixes that it makes, and what runs make of them.

#include <numeric>

#include "sim/base/json_reader.h"
#include "tests/catch.h"
#include "tests/cli/refused.h"
#include "tests/cli/run_cleave.h"
#include "tests/support/servegen.h"

using namespace cleave;
using namespace cleave::testing;

namespace {

using Names = std::vector<std::string>;

const std::string kColumns = "arrival=t,prompt=in,output=out,client=user";

/// 400 requests over 200 s, three of four by a.
std::string two_users() {
  std::string text = "t,user,in,out\n";
  for (int i = 0; i < 400; ++i) {
    const std::string lengths = i % 4 == 0 ? ",b,2000," : ",a,100,";
    text += std::to_string(i / 2) + (i % 2 == 0 ? ".0" : ".5") + lengths;
    text += std::to_string(1 + i % 50) + "\n";
  }
  return text;
}

ServeGenFolder servegen() {
  ServeGenFolder folder;
  folder.add(0, "0,2,3,Weibull,0.5,0.2\n600,0,0,,0,0\n",
             {{"0", ServeGenFolder::lengths("{500: 1.0}", "{20: 1.0}")}});
  folder.add(1, "0,1,1,Gamma,1,1\n600,1,1,Gamma,1,1\n",
             {{"0",
               {{"input_tokens", "{90: 1.0}"},
                {"output_tokens", "{7: 1.0}"},
                {"reason_ratio", "{0.5: 1.0}"}}}});
  return folder;
}

}  // namespace

TEST_CASE("trace fit makes a mix of a trace whose client is named, and a run follows it") {
  const TempFolder folder;
  const std::string file = folder.write("t.csv", two_users());
  const std::string mix = folder.path("mix.json");
  const Outcome made = run_cleave({"trace", "fit", file, "--columns", kColumns, "--bin-s", "100",
                                   "-o", mix, "--source", "a test", "--licence", "CC0"});
  CHECK(made.err.empty());
  CHECK(made.out == "wrote the mix of 2 clients, 400 requests, to " + mix + "\n");
  const Json json = parse_json(folder.read("mix.json"), "mix.json");
  CHECK(json["source"] == "a test");
  CHECK(json["licence"] == "CC0");
  CHECK(json["rate_bin_s"] == 100);
  CHECK(json["clients"][0]["name"] == "a");
  CHECK(json["clients"][0]["rates_rps"] == Json{1.5, 1.5});
  CHECK(json["clients"][1]["rates_rps"] == Json{0.5, 0.5});
  CHECK(json["clients"][1]["requests"] == 100);

  const Outcome run = run_cleave({"run", "--trace", mix, "--set", "workload.duration_s=300",
                                  "--out", folder.path("results"), "--quiet"});
  CHECK(run.exit_code == 0);
  const Json summary = parse_json(folder.read("results/summary.json"), "summary.json");
  CHECK(std::abs(summary["requests"]["arrived"].get<double>() - 600) < 100);
  // Once more, the same.
  run_cleave({"run", "--trace", mix, "--set", "workload.duration_s=300", "--out",
              folder.path("again"), "--quiet"});
  CHECK(folder.read("again/requests.csv") == folder.read("results/requests.csv"));
}

TEST_CASE("trace fit makes a mix of a folder of ServeGen's data, and names what it leaves out") {
  const ServeGenFolder data = servegen();
  const TempFolder folder;
  const std::string mix = folder.path("mix.json");
  const Outcome made = run_cleave({"trace", "fit", data.path(), "-o", mix});
  CHECK(made.exit_code == 0);
  CHECK(made.out == "wrote the mix of 2 clients, 2400 requests, to " + mix + "\n");
  CHECK(made.err == "left out, as requests here have none: reason_ratio\n");
  const Json json = parse_json(folder.read("mix.json"), "mix.json");
  CHECK(json["clients"][0]["name"] == "chunk-0");
  CHECK(json["clients"][0]["gap_cv"] == 3);
  CHECK(json["clients"][0]["rates_rps"] == Json{2.0, 0.0});

  const Outcome one = run_cleave({"trace", "fit", data.path(), "--clients", "1", "-o", mix});
  CHECK(one.out ==
        "wrote the mix of 1 client and all others as one, 2400 requests, to " + mix + "\n");
  const Outcome part =
      run_cleave({"trace", "fit", data.path(), "--from", "600", "--to", "1200", "-o", "-"});
  CHECK(parse_json(part.out, "stdout")["clients"].size() == 1);
}

TEST_CASE("trace fit of a distribution takes a part of the trace") {
  const TempFolder folder;
  const std::string file = folder.write("t.csv", two_users());
  const std::string columns = "arrival=t,prompt=in,output=out";
  const auto fitted = [&](const Names& more) {
    Names arguments{"trace", "fit", file, "--columns", columns, "-o", "-"};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return parse_json(run_cleave(arguments).out, "stdout");
  };
  CHECK(fitted({})["requests"] == 400);
  CHECK(fitted({"--from", "50", "--to", "100"})["requests"] == 100);
}

TEST_CASE("trace fit refuses in one sentence what makes no mix, and writes nothing") {
  const TempFolder folder;
  const std::string file = folder.write("t.csv", two_users());
  const ServeGenFolder data = servegen();
  const std::string out = folder.path("out.json");
  const auto refused = [&](const Names& arguments, const std::string& part) {
    Names all{"trace", "fit", "-o", out};
    all.insert(all.end(), arguments.begin(), arguments.end());
    check_refused(all, part);
  };
  const std::string plain = "arrival=t,prompt=in,output=out";
  refused({file, "--columns", plain, "--clients", "3"},
          "--clients: needs to know who sent each request; expected --columns with client=NAME, or "
          "a folder of ServeGen's data");
  refused({file, "--columns", plain, "--bin-s", "3"}, "--bin-s: needs to know who");
  refused({file, "--columns", kColumns, "--clients", "0"}, "--clients: expected a whole number");
  refused({file, "--columns", kColumns, "--bin-s", "0"}, "--bin-s: expected a number of seconds");
  refused({file, "--columns", kColumns, "--from", "500"},
          "t.csv: no request arrives from 500 s on; cleave trace info shows how long the trace is");
  refused({file, "--columns", kColumns, "--from", "5", "--to", "5"}, "--to: expected");
  refused({file, "--columns", plain + ",client="}, "--columns: \"client\" is missing");
  refused({file, "--columns", plain + ",client=users"}, "no column \"users\"");
  refused({data.path(), "--columns", kColumns}, "--columns: is for a trace, not for a folder");
  refused({data.path(), "--skip-unreadable"}, "--skip-unreadable: is for a trace");
  refused({data.path(), "--bin-s", "60"}, "--bin-s: is for a trace");
  refused({folder.path()}, folder.path() + ": expected a trace file, or a folder of ServeGen's");
  check_refused({"trace", "info", file, "--columns", kColumns},
                "--columns: client is for cleave trace fit, which makes a mix of clients");
  CHECK(folder.names() == Names{"t.csv"});
}

TEST_CASE("a run refuses in one sentence what contradicts a mix") {
  const TempFolder folder;
  const std::string file = folder.write("t.csv", two_users());
  const std::string mix = folder.path("mix.json");
  run_cleave({"trace", "fit", file, "--columns", kColumns, "-o", mix});
  check_refused({"run", "--trace", mix, "--set", "workload.arrivals=poisson"},
                "workload.arrivals: \"poisson\" contradicts the mix of clients");
  check_refused({"run", "--set", "workload.arrivals=clients"},
                "workload.arrivals: \"clients\" needs a mix of clients");
  Json broken = parse_json(folder.read("mix.json"), "mix.json");
  broken["clients"][0]["gap_cv"] = -1;
  const std::string bad = folder.write("bad.json", broken.dump());
  check_refused({"run", "--trace", bad},
                "bad.json: clients[0].gap_cv: expected a number from 0.01");
}

TEST_CASE("trace fit says how many requests came behind the last whole bin") {
  const TempFolder folder;
  const std::string file = folder.write("t.csv", two_users());
  const Outcome made = run_cleave({"trace", "fit", file, "--columns", kColumns, "--bin-s", "80",
                                   "-o", folder.path("mix.json")});
  CHECK(made.exit_code == 0);
  // Two bins of 80 s have 320 of them.
  CHECK(made.err.find("left out: 80 requests behind the last whole bin") != std::string::npos);
}

TEST_CASE("trace fit refuses names that no JSON can hold, and a column for two things") {
  const TempFolder folder;
  const std::string odd = folder.write("odd.csv", "t,user,in,out\n1,\xff,5,5\n2,b,5,5\n");
  const Outcome name =
      run_cleave({"trace", "fit", odd, "--columns", kColumns, "-o", folder.path("mix.json")});
  CHECK(name.exit_code == 2);
  CHECK(name.err.find("UTF-8") != std::string::npos);
  const std::string file = folder.write("t.csv", two_users());
  const Outcome twice =
      run_cleave({"trace", "fit", file, "--columns", "arrival=t,prompt=in,output=out,client=in",
                  "-o", folder.path("mix.json")});
  CHECK(twice.exit_code == 2);
  CHECK(twice.err.find("column \"in\" is asked for twice") != std::string::npos);
}
