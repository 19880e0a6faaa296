// cleave profile fit: what users measured themselves, from the CSV to a run.

#include "sim/base/json_reader.h"
#include "tests/catch.h"
#include "tests/cli/run_cleave.h"

using namespace cleave;
using namespace cleave::testing;

namespace {

const std::string kHeader =
    "model,hardware,prompt_size,batch_size,token_size,peak_power,average_power,prompt_time,"
    "token_time,e2e_time,tensor_parallel\n";

std::string row(const std::string& names, int prompt, int batch, double prompt_ms, double token_ms,
                const std::string& power = "0.9,0.5") {
  std::ostringstream line;
  line << names << ',' << prompt << ',' << batch << ",128," << power << ',' << prompt_ms << ','
       << token_ms << ',' << prompt_ms + 127 * token_ms << ",1\n";
  return line.str();
}

/// Three rows of each batch, of an LLM and a GPU that follow straight lines.
std::string clean_rows(const std::string& names) {
  std::string rows;
  for (const int prompt : {128, 512, 1024, 2048}) {
    for (const int batch : {1, 2, 4}) {
      for (int i = 0; i < 3; ++i) {
        rows += row(names, prompt, batch, 20 + 0.05 * prompt * batch, 10 + batch);
      }
    }
  }
  return rows;
}

const std::string kLlm = R"({"layers": 16, "hidden_size": 2048, "attention_heads": 32,
  "kv_heads": 8, "mlp_size": 8192, "mlp_matrices": 3, "vocabulary": 32000, "parameters": 1.2e9})";
const std::string kGpu = R"({"memory_gib": 24, "memory_gb_per_s": 1008, "fp16_tflops": 165,
  "tdp_w": 450, "idle_w": 20, "link_gb_per_s": 32})";

std::string machine(const TempFolder& folder) {
  return R"({"gpu": ")" + folder.path("garage-gpu.json") + R"(", "gpu_count": 1, "nic_count": 1,
    "nic_gbps": 100, "max_w": 800, "price_per_hour": 1, "kv_sync_s": 0.005})";
}

struct Fitted {
  Outcome outcome;
  TempFolder folder;

  explicit Fitted(const std::string& csv) {
    folder.write("small-llm.json", kLlm);
    folder.write("garage-gpu.json", kGpu);
    outcome = run_cleave({"profile", "fit", folder.write("m.csv", csv), "--llm",
                          folder.path("small-llm.json"), "--gpu", folder.path("garage-gpu.json"),
                          "--out", folder.path("fitted")});
  }
  /// The lines of the error, each without the folder's name.
  std::string error() const {
    std::string text = outcome.err;
    const std::string prefix = folder.path() + "/";
    for (std::size_t at = 0; (at = text.find(prefix)) != std::string::npos;) {
      text.erase(at, prefix.size());
    }
    return text;
  }
  void check_refused(const std::vector<std::string>& parts) const {
    INFO(error());
    CHECK(outcome.exit_code == 2);
    CHECK_FALSE(std::filesystem::exists(folder.path("fitted")));
    for (const std::string& part : parts) {
      INFO(part);
      CHECK(contains(error(), part));
    }
  }
};

const std::string kOwn = "small-llm,garage-gpu";

std::size_t lines(const std::string& text) {
  return static_cast<std::size_t>(std::count(text.begin(), text.end(), '\n'));
}

}  // namespace

TEST_CASE("profile fit: a GPU and an LLM of one's own, from the measurements to a run") {
  const Fitted fitted("# device: mine\n#\n" + kHeader + "# PyTorch\n" + clean_rows(kOwn));
  INFO(fitted.outcome.err);
  REQUIRE(fitted.outcome.exit_code == 0);
  CHECK(fitted.outcome.err.empty());
  CHECK(fitted.folder.names() ==
        std::vector<std::string>{"fitted", "garage-gpu.json", "m.csv", "small-llm.json"});
  const std::string profile = fitted.folder.path("fitted/small-llm_garage-gpu_tp1.json");
  CHECK(load_json(profile).at("source") == "device: mine; PyTorch");

  Json scenario = {{"llm", fitted.folder.path("small-llm.json")},
                   {"latency", {{"profiles", {profile}}}},
                   {"pools",
                    {{{"role", "mixed"},
                      {"machine", fitted.folder.write("garage.json", machine(fitted.folder))},
                      {"count", 2}}}},
                   {"scheduler", {{"policy", "token_jsq"}}},
                   {"workload", {{"rate_rps", 0.2}, {"duration_s", 100}}},
                   {"slo", "none"}};
  const Outcome run = run_cleave({"run", fitted.folder.write("s.json", scenario.dump()), "--json"});
  INFO(run.err);
  REQUIRE(run.exit_code == 0);
  const Json summary = parse_json(run.out, "summary");
  // Mostly alone on a machine: a gap takes the 11 ms that one sequence took, up to 14 for four.
  CHECK(summary.at("tpot").at("p50").get<double>() == Approx(0.0115).margin(0.0006));

  scenario["latency"] = {{"policy", "fitted"}};
  const Outcome without =
      run_cleave({"run", fitted.folder.write("s.json", scenario.dump()), "--json"});
  CHECK(without.exit_code == 2);
  CHECK(contains(without.err, "nothing was measured for small-llm_garage-gpu_tp1"));
  CHECK_FALSE(summary.at("estimated").get<bool>());
  for (const char* profiles : {"\"a.json\"", "[1]", "[\"none.json\"]"}) {
    const Outcome refused =
        run_cleave({"run", "--set", std::string("latency.profiles=") + profiles});
    INFO(profiles << ": " << refused.err);
    CHECK(refused.exit_code == 2);
    CHECK(contains(refused.err, "expected a"));
  }
}

TEST_CASE("profile fit: formats go with the measurements, and a profile is used where they match") {
  const auto with_formats = [](std::string text) {
    for (std::size_t at = 0; (at = text.find('\n', at)) != std::string::npos; at += 10) {
      text.insert(at, ",fp8,int8");
    }
    return text;
  };
  std::string header = kHeader;
  header.insert(header.size() - 1, ",weight_format,kv_cache_format");
  const Fitted fitted(header + with_formats(clean_rows(kOwn)));
  INFO(fitted.outcome.err);
  REQUIRE(fitted.outcome.exit_code == 0);
  const std::string profile =
      fitted.folder.path("fitted/small-llm_garage-gpu_fp8_kv-int8_tp1.json");
  CHECK(load_json(profile).at("weight_format") == "fp8");
  CHECK(load_json(profile).at("kv_cache_format") == "int8");

  Json scenario = {{"llm", fitted.folder.path("small-llm.json")},
                   {"latency", {{"profiles", {profile}}}},
                   {"weights", {{"format", "fp8"}}},
                   {"kv_cache", {{"format", "int8"}}},
                   {"pools",
                    {{{"role", "mixed"},
                      {"machine", fitted.folder.write("garage.json", machine(fitted.folder))},
                      {"count", 2}}}},
                   {"scheduler", {{"policy", "token_jsq"}}},
                   {"workload", {{"rate_rps", 0.2}, {"duration_s", 100}}},
                   {"slo", "none"}};
  const auto run = [&] {
    return run_cleave({"run", fitted.folder.write("s.json", scenario.dump()), "--json"});
  };
  const Outcome matching = run();
  INFO(matching.err);
  REQUIRE(matching.exit_code == 0);
  const Json summary = parse_json(matching.out, "summary");
  CHECK_FALSE(summary.at("estimated").get<bool>());
  CHECK(summary.at("tpot").at("p50").get<double>() == Approx(0.0115).margin(0.0006));

  // Used nowhere: an error that says why.
  const auto refused = [&](const std::string& why) {
    const Outcome outcome = run();
    CHECK(outcome.exit_code == 2);
    INFO(outcome.err);
    CHECK(contains(outcome.err, profile + " is used nowhere: " + why));
  };
  scenario["weights"]["format"] = "fp16";
  refused(
      "it holds small-llm_garage-gpu_fp8_kv-int8_tp1, but pools[0] asks for "
      "small-llm_garage-gpu_kv-int8_tp1");
  scenario["weights"]["format"] = "fp8";
  scenario["latency"]["profiles"].push_back(profile);
  CHECK(run().exit_code == 0);  // the same file twice is one
  // A sweep needs it for some of its points only, and a plan for some of its designs.
  scenario["latency"]["profiles"].erase(1);
  Json sweep{{"scenario", scenario}, {"vary", {{"weights.format", {"fp16", "fp8"}}}}};
  const auto swept = [&](const std::string& name) {
    return run_cleave({"sweep", fitted.folder.write(name + ".json", sweep.dump()), "--out",
                       fitted.folder.path(name + ".db"), "--quiet"});
  };
  CHECK(swept("some").exit_code == 0);
  sweep["vary"]["weights.format"] = {"fp16", "int4"};
  const Outcome none = swept("none");
  CHECK(none.exit_code == 2);
  CHECK(contains(none.err, "is used nowhere"));

  Fitted(header + with_formats(clean_rows(kOwn)) + kOwn +
         ",512,1,128,0.9,0.5,45,11,1000,1,fp9,fp16\n")
      .check_refused(
          {"m.csv:38: weight_format: expected one of fp16, fp8, int8, int4, nvfp4, mxfp4, found "
           "\"fp9\""});
}

TEST_CASE("latency.profiles: a roofline looks at no measured latencies") {
  const Fitted fitted(kHeader + clean_rows(kOwn));
  const std::string file = fitted.folder.path("fitted/small-llm_garage-gpu_tp1.json");
  Json profile = load_json(file);
  profile.erase("power");
  const Json scenario = {
      {"llm", fitted.folder.path("small-llm.json")},
      {"latency",
       {{"policy", "roofline"}, {"profiles", {fitted.folder.write("p.json", profile.dump())}}}},
      {"pools",
       {{{"role", "mixed"},
         {"machine", fitted.folder.write("garage.json", machine(fitted.folder))},
         {"count", 1}}}},
      {"workload", {{"rate_rps", 0.2}, {"duration_s", 10}}},
      {"slo", "none"}};
  const Outcome outcome = run_cleave({"run", fitted.folder.write("s.json", scenario.dump())});
  CHECK(outcome.exit_code == 2);
  CHECK(contains(outcome.err, "latency.policy \"roofline\" does not look at it"));
}

TEST_CASE("profile fit: an outlier is left out, with a warning that names it") {
  std::string rows = clean_rows(kOwn);
  const Fitted fitted(kHeader + rows + row(kOwn, 512, 2, 71.2, 48));
  CHECK(fitted.outcome.exit_code == 0);
  CHECK(contains(fitted.error(),
                 "left out: m.csv:38: token_time 48 is 4 times more than the median 12 ms of the 4 "
                 "rows of 2 x 512 tokens\n"));
  const Json profile = load_json(fitted.folder.path("fitted/small-llm_garage-gpu_tp1.json"));
  CHECK(profile.at("left_out").size() == 1);
  CHECK(profile.at("rows") == 36);
}

TEST_CASE("profile fit: rows in another unit are defects") {
  const std::string rows = kHeader + clean_rows(kOwn);
  Fitted(rows + row(kOwn, 512, 2, 0.0712, 12))
      .check_refused({"m.csv:38: prompt_time 0.0712 is 1000 times less than the median 71.2 ms",
                      "expected all rows in ms"});
  // A whole batch in seconds: faster than the weights can be read.
  Fitted(rows + row(kOwn, 512, 8, 0.3, 0.018))
      .check_refused({"m.csv:38: token_time 0.018 is less than the 0.298 ms in which the GPU could "
                      "read the LLM's weights; expected times in ms"});
  Fitted(rows + row(kOwn, 512, 8, 300, 18, "400,300"))
      .check_refused({"m.csv:38: expected peak_power and average_power as a fraction"});
}

TEST_CASE("profile fit: the header names each column once, without units") {
  std::string header = kHeader;
  header.replace(header.find("prompt_time"), 11, "prompt_time_s");
  header.replace(header.find("tensor_parallel"), 15, "model");
  Fitted(header + clean_rows(kOwn))
      .check_refused({"m.csv:1: column model is there twice",
                      "m.csv:1: column prompt_time is missing; found prompt_time_s, expected "
                      "prompt_time in ms",
                      "m.csv:1: column tensor_parallel is missing"});
  Fitted(kHeader + clean_rows(kOwn) + kHeader + clean_rows(kOwn))
      .check_refused({"m.csv:38: the header again"});
  Fitted("").check_refused({"m.csv: holds no measurements"});
  Fitted(kHeader).check_refused({"m.csv: holds no measurements"});
}

TEST_CASE("profile fit: numbers that are none are named, each with its line") {
  Fitted(kHeader + clean_rows(kOwn) + kOwn + ",512,1,128,0,0,nan,-3,1e999,1.5\n" + kOwn +
         ",512,1\n")
      .check_refused({"m.csv:38: prompt_time: expected a number above 0, found \"nan\"",
                      "m.csv:38: token_time: expected a number above 0, found \"-3\"",
                      "m.csv:38: e2e_time: expected a number above 0, found \"1e999\"",
                      "m.csv:38: tensor_parallel: expected a whole number above 0, found \"1.5\"",
                      "m.csv:39: expected 11 fields, as in the header, found 4"});
}

TEST_CASE("profile fit: unknown names come with the nearest known ones") {
  const Fitted fitted(kHeader + clean_rows(kOwn) + clean_rows("small-lm,h100-80bg"));
  fitted.check_refused(
      {"m.csv:38: unknown LLM \"small-lm\" (36 of 72 rows); did you mean \"small-llm\"?",
       "m.csv:38: unknown GPU \"h100-80bg\" (36 of 72 rows); did you mean \"h100-80gb\"?"});
  CHECK(lines(fitted.error()) == 2);
  Fitted(kHeader + clean_rows("small-llm,something-else"))
      .check_refused({"a100-40gb, a100-80gb, ", "garage-gpu", "--gpu FILE"});
}

TEST_CASE("profile fit: too few sizes are refused, for every LLM and GPU at once") {
  std::string rows;
  for (int i = 0; i < 10; ++i) {
    rows += row(kOwn, 512, 1 + i % 2, 60, 12) + row("small-llm,h100-80gb", 128 << i % 4, 1, 60, 12);
  }
  const Fitted fitted(kHeader + rows);
  fitted.check_refused(
      {"m.csv: small-llm, garage-gpu, tensor parallel 1: too few measurements to fit; expected at "
       "least 3 prompt sizes, 2 batch sizes and 10 rows, found 1, 2 and 10\n",
       "m.csv: small-llm, h100-80gb, tensor parallel 1: too few measurements",
       "found 4, 1 and 10"});
  CHECK(lines(fitted.error()) == 2);
}

TEST_CASE("profile fit: of many defects, 20 are named and the others counted") {
  std::string rows = kHeader + clean_rows(kOwn);
  for (int i = 0; i < 25; ++i) rows += kOwn + ",512,1,128,0,0,x,12,1000,1\n";
  const Fitted fitted(rows);
  fitted.check_refused({"m.csv:57: prompt_time", "and 5 more\n"});
  CHECK(lines(fitted.error()) == 21);
}
