#include "sim/base/json_reader.h"
#include "tests/catch.h"
#include "tests/cli/refused.h"
#include "tests/cli/run_cleave.h"

using namespace cleave;
using namespace cleave::testing;

namespace {

using Names = std::vector<std::string>;

/// Five requests over 4 s.
const std::string kAzure =
    "TIMESTAMP,ContextTokens,GeneratedTokens\n"
    "2023-11-16 18:00:00.0000000,100,10\n"
    "2023-11-16 18:00:01.0000000,200,20\n"
    "2023-11-16 18:00:01.5000000,300,30\n"
    "2023-11-16 18:00:03.0000000,400,40\n"
    "2023-11-16 18:00:04.0000000,500,50\n";

const std::string kMooncake =
    R"({"timestamp": 0, "input_length": 1024, "output_length": 5, "hash_ids": [1, 2]})"
    "\n"
    R"({"timestamp": 2500, "input_length": 1000, "output_length": 7, "hash_ids": [1, 3]})"
    "\n";

void check_done(const Names& arguments) {
  const Outcome outcome = run_cleave(arguments);
  CHECK(outcome.exit_code == 0);
  CHECK(outcome.err.empty());
}

}  // namespace

TEST_CASE("trace info describes a trace") {
  const TempFolder folder;
  const std::string file = folder.write("azure.csv", kAzure);
  const Outcome outcome = run_cleave({"trace", "info", file});
  CHECK(outcome.exit_code == 0);
  CHECK(outcome.err.empty());
  for (const char* part :
       {"format            azure\n", "requests          5\n", "duration          4 s\n",
        "mean rate         1 requests/s\n", "peak rate         2 requests/s in one second\n",
        "burstiness        0.3536 ", "rank correlation  1 ",
        "prompt         300    141.4      100      300      500",
        "requests/s over time (a column is 0.1 s)",
        "\n    10 |#         #    #              #\n"}) {
    CHECK(contains(outcome.out, part));
  }
}

TEST_CASE("trace info describes what requests are drawn from") {
  const Outcome built_in = run_cleave({"trace", "info", "azure-2023-conv"});
  CHECK(built_in.exit_code == 0);
  for (const char* part :
       {"format            distribution of lengths\n", "requests          19,366, ",
        "mean rate         5.53 requests/s\n", "licence           CC-BY 4.0\n",
        "  prompt  1,155    2  1,020  2,735  4,083  4,142  14,050\n",
        "requests/s over time (a column is 1 min)"}) {
    CHECK(contains(built_in.out, part));
  }
  const TempFolder folder;
  const std::string mix = folder.write("mix.json", R"({"rate_bin_s": 60, "clients": [
    {"name": "few", "rates_rps": [0, 1], "gap_cv": 2, "prompt_quantiles": [100, 300],
     "output_quantiles": [10, 10, 40]},
    {"name": "many", "rates_rps": [3, 0], "prompt_quantiles": [50, 50],
     "output_quantiles": [1, 2]}]})");
  const Outcome clients = run_cleave({"trace", "info", mix});
  CHECK(clients.exit_code == 0);
  for (const char* part :
       {"format            mix of clients\n", "clients           2\n",
        "mean rate         2.00 requests/s, of all\n", "  many          1.50  75.0 %",
        "  few          0.500  25.0 %        2.00         200  298",
        "requests/s over time (a column is 1 min)\n     3 |#\n"}) {
    CHECK(contains(clients.out, part));
  }
  const Json json = Json::parse(run_cleave({"trace", "info", "--json", mix}).out);
  CHECK(json["mean_rate_rps"] == 2);
  CHECK(json["clients"][0]["prompt_tokens"]["mean"] == 200);
  CHECK(json["clients"][0]["output_tokens"]["mean"] == 17.5);
  CHECK(json["clients"][0]["output_tokens"]["p50"] == 10);
  const std::string broken =
      folder.write("broken.json", R"({"prompt_quantiles": [2, 1], "output_quantiles": [1, 2]})");
  const Outcome refused = run_cleave({"trace", "info", broken});
  CHECK(refused.exit_code == 2);
  CHECK(contains(refused.err, "prompt_quantiles: expected quantiles that never decrease"));
  const std::string line = R"({"timestamp": 0, "input_length": 5, "output_length": 2})"
                           "\n";
  const std::string lines = folder.write("lines.json", line + line);
  CHECK(contains(run_cleave({"trace", "info", lines}).out, "format            json-lines\n"));
}

TEST_CASE("trace info says how many blocks of prompts are shared") {
  const TempFolder folder;
  const std::string file = folder.write("mooncake.jsonl", kMooncake);
  CHECK(contains(run_cleave({"trace", "info", file}).out,
                 "25 % of 4 prompt blocks of 512 tokens were seen before"));
}

TEST_CASE("trace info --json prints JSON and nothing else") {
  const TempFolder folder;
  const std::string file = folder.write("mooncake.jsonl", kMooncake);
  const Outcome outcome = run_cleave({"trace", "info", file, "--json"});
  CHECK(outcome.exit_code == 0);
  CHECK(outcome.err.empty());
  const Json json = parse_json(outcome.out, "stdout");
  CHECK(json.at("file") == file);
  CHECK(json.at("format") == "mooncake");
  CHECK(json.at("requests") == 2);
  CHECK(json.at("duration_s") == 2.5);
  CHECK(json.at("mean_rate_rps") == 0.4);
  CHECK(json.at("prompt_tokens").at("max") == 1024);
  CHECK(json.at("output_tokens").at("mean") == 6);
  CHECK(json.at("prefix").at("share") == 0.25);
}

TEST_CASE("trace info reads any CSV file whose columns are named") {
  const TempFolder folder;
  const std::string file = folder.write("own.csv", "t,in,out,user\n500,7,2,a\n1500,9,3,\"b,c\"\n");
  const Json json = parse_json(run_cleave({"trace", "info", file, "--columns",
                                           "arrival=t,prompt=in,output=out,unit=ms", "--json"})
                                   .out,
                               "stdout");
  CHECK(json.at("format") == "CSV");
  CHECK(json.at("duration_s") == 1);
  CHECK(json.at("prompt_tokens").at("mean") == 8);

  check_refused({"trace", "info", file}, "own.csv:1: not a known trace format");
  check_refused({"trace", "info", "azure-2023-cod"},
                "FILE: unknown trace \"azure-2023-cod\"; did you mean \"azure-2023-code\"?");
  // Who reads requests takes files only.
  check_refused({"trace", "convert", "azure-2023-cod", "--format", "json-lines", "-o", "-"},
                "azure-2023-cod: cannot be opened");
  check_refused({"trace", "info", file, "--columns", "arrival=t,prompt=in,output=out,unit=mss"},
                "--columns: unknown time unit \"mss\"; did you mean \"ms\"?");
  check_refused({"trace", "info", file, "--columns", "arrival=t,prompt=in"}, "\"output\"");
  check_refused({"trace", "info", file, "--columns", "arrival=time,prompt=in,output=out"},
                "no column \"time\"");
}

TEST_CASE("trace convert writes each format, to a file or to stdout") {
  const TempFolder folder;
  const std::string file = folder.write("mooncake.jsonl", kMooncake);
  const std::string out = folder.path("out");
  const Outcome outcome = run_cleave({"trace", "convert", file, "--format", "azure", "-o", out});
  CHECK(outcome.exit_code == 0);
  CHECK(outcome.out == "wrote 2 requests to " + out + " (azure)\n");
  CHECK(folder.read("out") ==
        "TIMESTAMP,ContextTokens,GeneratedTokens\n"
        "2000-01-01 00:00:00.0000000,1024,5\n"
        "2000-01-01 00:00:02.5000000,1000,7\n");

  check_done({"trace", "convert", file, "--format", "splitwise-sim", "-o", out});
  CHECK(contains(folder.read("out"), "arrival_timestamp"));
  CHECK(contains(folder.read("out"), "\n1,2,0,2.5,1,1000,7\n"));

  const std::string lines =
      "{\"timestamp\": 0, \"input_length\": 1024, \"output_length\": 5}\n"
      "{\"timestamp\": 2500, \"input_length\": 1000, \"output_length\": 7}\n";
  const Outcome printed =
      run_cleave({"trace", "convert", out, "--format", "json-lines", "-o", "-"});
  CHECK(printed.exit_code == 0);
  CHECK(printed.out == lines);
  CHECK(printed.err.empty());
  CHECK(folder.names() == Names{"mooncake.jsonl", "out"});
}

TEST_CASE("trace cut keeps a window and the format") {
  const TempFolder folder;
  const std::string file = folder.write("azure.csv", kAzure);
  const std::string out = folder.path("part.csv");
  check_done({"trace", "cut", file, "--from", "1", "--to", "3", "-o", out});
  CHECK(folder.read("part.csv") ==
        "TIMESTAMP,ContextTokens,GeneratedTokens\n"
        "2000-01-01 00:00:00.0000000,200,20\n"
        "2000-01-01 00:00:00.5000000,300,30\n");
  check_done({"trace", "cut", file, "--from", "4", "--format", "json-lines", "--out", out});
  CHECK(folder.read("part.csv") ==
        "{\"timestamp\": 0, \"input_length\": 500, \"output_length\": 50}\n");

  const std::string lines = folder.write("mooncake.jsonl", kMooncake);
  CHECK(run_cleave({"trace", "cut", lines, "--to", "1", "-o", "-"}).out ==
        "{\"timestamp\": 0, \"input_length\": 1024, \"output_length\": 5, \"hash_ids\": [1, 2]}\n");
}

TEST_CASE("trace scale changes the rate, also of the file itself") {
  const TempFolder folder;
  const std::string file = folder.write("azure.csv", kAzure);
  check_done({"trace", "scale", file, "--rate", "4", "-o", file});
  CHECK(contains(folder.read("azure.csv"), "00:00:00.7500000,400,40\n"));
  CHECK(contains(folder.read("azure.csv"), "00:00:01.0000000,500,50\n"));
  check_refused({"trace", "scale", file, "--rate", "1e-10", "-o", folder.path("slow")},
                "--rate: the request of line 3 would arrive after more than 1e9 s");
  for (const char* rate : {"0", "-1", "nan", "inf"}) {
    check_refused({"trace", "scale", file, "--rate", rate, "-o", folder.path("slow")},
                  "--rate: expected a number above 0");
  }
  CHECK(folder.names() == Names{"azure.csv"});
}

TEST_CASE("trace fit writes a distribution with its origin") {
  const TempFolder folder;
  const std::string file = folder.write("azure.csv", kAzure);
  check_done({"trace", "fit", file, "-o", folder.path("fit.json"), "--source", "a \"test\"",
              "--licence", "CC0", "--cite", "nobody"});
  const Json json = parse_json(folder.read("fit.json"), "fit.json");
  CHECK(json.at("source") == "a \"test\"");
  CHECK(json.at("licence") == "CC0");
  CHECK(json.at("cite") == "nobody");
  CHECK(json.at("requests") == 5);
  CHECK(json.at("prompt_quantiles") == Json{100, 200, 300, 400, 500});
  CHECK(json.at("mean_rate_rps") == 1);
  CHECK(parse_json(run_cleave({"trace", "fit", file, "-o", "-"}).out, "stdout").at("requests") ==
        5);
  check_refused({"trace", "fit", file, "-o", folder.path("fit.txt")}, "ending with .json");
}

TEST_CASE("Wrong input to cleave trace is refused in one sentence") {
  const TempFolder folder;
  const std::string file = folder.write("azure.csv", kAzure);
  const std::string empty = folder.write("empty.csv", "");
  const std::string header = folder.write("header.csv", kAzure.substr(0, kAzure.find('\n') + 1));
  const std::string none = folder.path("none.csv");
  const std::string out = folder.path("out");
  check_refused({"trace", "convert", file, "--format", "azur", "-o", out},
                "--format: unknown trace format \"azur\"; did you mean \"azure\"?");
  for (const char* what : {"info", "fit"}) {
    Names arguments = {"trace", what, "", "-o", folder.path("out.json")};
    if (std::string(what) == "info") arguments.resize(3);
    for (const std::string& bad : {empty, header, none, folder.path()}) {
      arguments[2] = bad;
      check_refused(arguments, bad);
    }
  }
  check_refused({"trace", "cut", file, "--from", "5", "--to", "9", "-o", out},
                "azure.csv: no request arrives from 5 s on and before 9 s");
  check_refused({"trace", "cut", file, "-o", out}, "expected --from, --to or both");
  check_refused({"trace", "cut", file, "--from", "-1", "-o", out}, "--from: expected");
  check_refused({"trace", "cut", file, "--from", "3", "--to", "3", "-o", out}, "--to: expected");
  check_refused({"trace", "cut", file, "--from", "nan", "-o", out}, "--from: expected");
  check_refused({"trace", "cut", file, "--from", "x", "-o", out}, "--from");
  check_refused({"trace", "cut", file, "--from", "1"}, "--out");
  check_refused({"trace", "convert", file, "-o", out}, "--format");
  check_refused({"trace", "convert", file, "--format", "azure", "-o", folder.path("no/out")},
                folder.path("no/out") + ": cannot be written");
  check_refused({"trace", "convert", file, "--format", "azure", "-o", folder.path()},
                "expected the name of a file");
  check_refused({"trace"}, "subcommand");
  CHECK(folder.names() == Names{"azure.csv", "empty.csv", "header.csv"});
}

TEST_CASE("An error in the middle of a trace leaves what was there before") {
  const TempFolder folder;
  const std::string file = folder.write("bad.csv", kAzure + "2023-11-16 18:00:05.0000000,5,x\n");
  const std::string out = folder.write("out.json", "before");
  for (const Names& arguments :
       {Names{"convert", file, "--format", "json-lines"}, Names{"scale", file, "--rate", "2"},
        Names{"cut", file, "--from", "1"}, Names{"fit", file}}) {
    Names all = {"trace"};
    all.insert(all.end(), arguments.begin(), arguments.end());
    all.insert(all.end(), {"-o", out});
    check_refused(all, "bad.csv:7: GeneratedTokens: expected");
    CHECK(folder.read("out.json") == "before");
  }
  CHECK(folder.names() == Names{"bad.csv", "out.json"});
}

TEST_CASE("A link stays a link, and a disk that is full is an error") {
  const TempFolder folder;
  const std::string file = folder.write("azure.csv", kAzure);
  folder.write("target.csv", "before");
  std::filesystem::create_symlink("target.csv", folder.path("link.csv"));
  check_done({"trace", "convert", file, "--format", "azure", "-o", folder.path("link.csv")});
  CHECK(std::filesystem::is_symlink(folder.path("link.csv")));
  CHECK(contains(folder.read("target.csv"), "00:00:04.0000000,500,50\n"));
  if (std::filesystem::exists("/dev/full")) {
    check_refused({"trace", "convert", file, "--format", "azure", "-o", "/dev/full"},
                  "--out /dev/full: cannot be written");
    CHECK(std::filesystem::exists("/dev/full"));
  }
}

TEST_CASE("Each subcommand of cleave trace has help with an example") {
  for (const char* what : {"info", "prefixes", "convert", "cut", "scale", "fit"}) {
    const Outcome outcome = run_cleave({"trace", what, "--help"});
    CHECK(outcome.exit_code == 0);
    CHECK(contains(outcome.out, std::string("Example: cleave trace ").append(what)));
  }
}
