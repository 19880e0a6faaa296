#include "tests/fuzz/results.h"
#include "tests/fuzz/target.h"

namespace cleave::fuzz {

namespace {

const std::string& database() {
  static const std::string file = make_results("where.db", parse_json(R"({"points": [
      {"point": 0, "status": "done", "workload.rate_rps": 10, "llm": "llama2-70b", "ttft_p99": 0.5},
      {"point": 3, "status": "failed", "error": "no room", "workload.rate_rps": 20}]})",
                                                                      "rows"));
  return file;
}

/// A condition of cleave results --where; after a line end, columns to show and to sort by.
void feed(std::string_view input) {
  const std::size_t end = input.find('\n');
  std::vector<std::string> arguments = {"results", database(), "--json",
                                        "--where=" + std::string(input.substr(0, end))};
  if (end != std::string_view::npos) {
    arguments.push_back("--sort=" + std::string(input.substr(end + 1)));
    arguments.push_back("--columns=point," + std::string(input.substr(end + 1)));
  }
  run_cleave(arguments);
}

const Entry kEntry{"where", {Syntax::kBytes, feed}};

}  // namespace

}  // namespace cleave::fuzz
