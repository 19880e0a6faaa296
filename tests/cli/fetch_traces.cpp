#include "tests/catch.h"
#include "tests/cli/run_cleave.h"

using namespace cleave::testing;

namespace {

using Names = std::vector<std::string>;

const std::string kText = "0123456789";
const std::string kSum = "84d89877f0d4041efb6bf91a16f0248f2fd573e6af05c19f96bedb9f882f7882";

Outcome fetch(const Names& arguments) {
  return run_program(CLEAVE_SOURCE_DIR "/scripts/fetch_traces", arguments);
}

/// A list of one trace, `digits.csv`, which is published as the file `published`.
std::string write_catalogue(const TempFolder& folder, const std::string& published) {
  std::string line = "# a comment\n\ndigits.csv ";
  line.append(kSum).append(" file://").append(published).append(" CC0; cite nobody\n");
  return folder.write("list.txt", line);
}

bool has_curl() { return run_program("sh", {"-c", "command -v curl"}).exit_code == 0; }

}  // namespace

TEST_CASE("Traces are copied from a folder and verified") {
  const TempFolder work;
  const TempFolder offline;
  const TempFolder to;
  const std::string list = write_catalogue(work, "/nowhere/published.csv");
  const Names arguments = {"--catalogue", list, "--from", offline.path(), "--to", to.path("new")};

  Outcome outcome = fetch(arguments);
  CHECK(outcome.exit_code == 1);
  CHECK(contains(outcome.err, "digits.csv: not in " + offline.path()));
  CHECK(to.names().empty());

  // Also under the name it is published by.
  offline.write("published.csv", kText);
  outcome = fetch(arguments);
  CHECK(outcome.exit_code == 0);
  CHECK(outcome.err.empty());
  CHECK(contains(outcome.out, "digits.csv: verified. Licence: CC0; cite nobody\n"));
  CHECK(contains(outcome.out, "1 of 1 traces are there and verified"));
  CHECK(to.read("new/digits.csv") == kText);

  CHECK(contains(fetch(arguments).out, "digits.csv: already there, verified"));
  CHECK(contains(fetch({"--catalogue", list, "--to", to.path("new"), "--list"}).out,
                 "digits.csv (in " + to.path("new")));
}

TEST_CASE("A trace with a wrong checksum is refused and leaves nothing") {
  const TempFolder offline;
  const TempFolder to;
  const Names names = {"mooncake_synthetic.jsonl", "AzureLLMInferenceTrace_code.csv"};
  for (const std::string& name : names) offline.write(name, kText);
  Names arguments = {"--from", offline.path(), "--to", to.path("new")};
  arguments.insert(arguments.end(), names.begin(), names.end());

  Outcome outcome = fetch(arguments);
  CHECK(outcome.exit_code == 1);
  for (const std::string& name : names) CHECK(contains(outcome.err, name + ": wrong checksum"));
  CHECK(contains(outcome.err, "0 of 2 traces are there"));
  CHECK(to.names().empty());

  // What the user had under that name stays.
  to.write("new/mooncake_synthetic.jsonl", "mine");
  outcome = fetch(arguments);
  CHECK(outcome.exit_code == 1);
  CHECK(contains(outcome.out, "what is there is not the published trace"));
  CHECK(to.read("new/mooncake_synthetic.jsonl") == "mine");
}

TEST_CASE("Downloads go on where they stopped") {
  if (!has_curl()) {
    WARN("skipped: curl is not installed");
    return;
  }
  const TempFolder web;
  const TempFolder work;
  const TempFolder to;
  const std::string list = write_catalogue(work, web.path("published.csv"));
  const Names arguments = {"--catalogue", list, "--to", to.path()};

  Outcome outcome = fetch(arguments);
  CHECK(outcome.exit_code == 1);
  CHECK(contains(outcome.err, "the download failed"));
  CHECK(to.names().empty());

  // A part that is a beginning of the file, one that is not, a whole file, and a part too long.
  web.write("published.csv", kText);
  for (const char* part : {"", "0123", "abcd", "0123456789", "0123456789abc"}) {
    INFO("part: " << part);
    if (*part != '\0') to.write("digits.csv.part", part);
    outcome = fetch(arguments);
    INFO(outcome.err);
    CHECK(outcome.exit_code == 0);
    CHECK(contains(outcome.out, *part == '\0' ? "downloading" : "going on with the download"));
    CHECK(to.names() == Names{"digits.csv"});
    CHECK(to.read("digits.csv") == kText);
    std::filesystem::remove(to.path("digits.csv"));
  }

  web.write("published.csv", "something else");
  outcome = fetch(arguments);
  CHECK(outcome.exit_code == 1);
  CHECK(contains(outcome.err, "digits.csv: wrong checksum"));
  CHECK(to.names().empty());
}

TEST_CASE("fetch_traces lists the public traces and refuses wrong arguments") {
  const TempFolder to;
  const Outcome list = fetch({"--list", "--to", to.path()});
  CHECK(list.exit_code == 0);
  for (const char* part : {"AzureLLMInferenceTrace_code.csv (not fetched)", "CC-BY 4.0",
                           "AzureLLMInferenceTrace_conv.csv", "mooncake_conversation.jsonl",
                           "mooncake_synthetic.jsonl", "Apache 2.0", "https://"}) {
    CHECK(contains(list.out, part));
  }
  CHECK(contains(fetch({"--help"}).out, "Example: scripts/fetch_traces"));
  for (const Names& wrong :
       {Names{"--form", "x"}, Names{"--from"}, Names{"--from", to.path("none")},
        Names{"nothing.csv"}, Names{"--catalogue", to.path("none")},
        Names{"--catalogue", to.write("list.txt", "../evil 12 file:///x CC0\n")}}) {
    const Outcome outcome = fetch(wrong);
    CHECK(outcome.exit_code == 2);
    CHECK(outcome.out.empty());
    CHECK(contains(outcome.err, "fetch_traces: "));
  }
}
