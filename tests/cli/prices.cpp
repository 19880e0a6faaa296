#include "sim/base/json_reader.h"
#include "tests/catch.h"
#include "tests/cli/refused.h"
#include "tests/cli/run_cleave.h"

using namespace cleave;
using namespace cleave::testing;

namespace {

using Names = std::vector<std::string>;

/// The cost of the default scenario's 16 + 24 machines under `settings`.
Json cost(const Names& settings) {
  Names arguments{"run", "--json", "--set", "workload.requests=20"};
  for (const std::string& setting : settings) arguments.insert(arguments.end(), {"--set", setting});
  const Outcome run = run_cleave(arguments);
  INFO(run.err);
  CHECK(run.exit_code == 0);
  return parse_json(run.out, "stdout")["cost"];
}

const char* const kOwn = R"({"provider": "us", "kind": "reserved", "date": "2026-11",
                             "machines": {"dgx-h100": 20, "8x-rtx-2080-ti": 1}})";

}  // namespace

TEST_CASE("prices: without a list each machine has its own, and nothing is named") {
  const Json usual = cost({});
  CHECK(usual["price_per_hour"] == 40 * 38);
  CHECK_FALSE(usual.contains("prices"));
}

TEST_CASE("prices: of one list, which the answer names") {
  const Json lambda = cost({"prices=lambda-on-demand"});
  CHECK(lambda["price_per_hour"].get<double>() == Approx(40 * 31.92));
  CHECK(lambda["prices"] == "lambda-on-demand (Lambda, on demand, 2026-11)");
  CHECK(cost({"prices=nebius-spot"})["price_per_hour"] == 40 * 10);
  const Outcome text =
      run_cleave({"run", "--set", "prices=nebius-spot", "--set", "workload.requests=20"});
  CHECK(contains(text.out, "Cost: 400 $/h; "));
  CHECK(contains(text.out, "prices of\n  nebius-spot (Nebius, spot, 2026-11)") +
            contains(text.out, "prices of nebius-spot (Nebius, spot, 2026-11)") ==
        1);
}

TEST_CASE("prices: what a list does not have is unknown, and a pool's own price goes before it") {
  const Names h200{"prices=lambda-on-demand", "pools[1].machine=dgx-h200"};
  CHECK(cost(h200)["price_per_hour"].is_null());
  const Outcome text =
      run_cleave({"run", "--set", h200[0], "--set", h200[1], "--set", "workload.requests=20"});
  std::string flat = text.out;
  for (std::size_t at = 0; (at = flat.find("\n  ", at)) != std::string::npos;)
    flat.replace(at, 3, " ");
  CHECK(contains(flat,
                 "Cost: unknown, as lambda-on-demand (Lambda, on demand, 2026-11) has no price "
                 "of it; give pools[1].price_per_hour (dgx-h200) in $/hour"));
  const Json given = cost({h200[0], h200[1], "pools[1].price_per_hour=50"});
  CHECK(given["price_per_hour"].get<double>() == Approx(16 * 31.92 + 24 * 50));
}

TEST_CASE("prices: of a file") {
  const TempFolder folder;
  const Json own = cost({"prices=" + folder.write("ours.json", kOwn)});
  CHECK(own["price_per_hour"] == 40 * 20);
  CHECK(own["prices"] == "ours (us, reserved, 2026-11)");
}

TEST_CASE("prices: a plan counts them, in its answer and against its budget") {
  const TempFolder folder;
  const auto plan = [&](const std::string& prices) {
    return Names{"plan", "--json", folder.write("plan.json", R"({
      "prices": ")" + prices + R"(", "minimize": "cost", "seeds": [1],
      "scenario": {"llm": "llama2-70b",
                   "workload": {"trace": "azure-2023-conv", "rate_rps": 20, "duration_s": 20}},
      "designs": [{"name": "split", "prompt": "dgx-h100", "token": "dgx-h100", "most": 6}]})")};
  };
  const Json answer = parse_json(run_cleave(plan("nebius-on-demand")).out, "stdout");
  CHECK(answer["prices"] == "nebius-on-demand (Nebius, on demand, 2026-11)");
  CHECK(answer["optimum"]["cost_per_hour"].get<double>() ==
        Approx(answer["optimum"]["machines"].get<double>() * 23.6));
  const std::string file = folder.path("plan.json");
  CHECK(
      contains(run_cleave({"plan", file}).out, "\nPrices: nebius-on-demand (Nebius, on demand, "));
  check_refused(
      {"plan", folder.write("plan.json", R"({"prices": "lambda-on-demand", "minimize": "cost",
      "scenario": {"llm": "llama2-70b", "workload": {"rate_rps": 20}},
      "designs": [{"name": "h200", "mixed": "dgx-h200"}]})")},
      "price_per_hour: is missing, and lambda-on-demand has no price of \"dgx-h200\"");
}

TEST_CASE("prices: a sweep varies them, and its conditions count them") {
  const TempFolder folder;
  const std::string spec = folder.write("sweep.json", R"({
    "scenario": {"workload": {"requests": 20}},
    "vary": {"prices": ["nebius-on-demand", "nebius-spot"], "pools[0].count": [1, 16], "pools[1].count": [9]},
    "where": ["cost_per_hour <= 580"]})");
  REQUIRE(run_cleave({"sweep", spec, "--quiet", "--out", folder.path("results.db")}).exit_code ==
          0);
  const Outcome rows = run_cleave({"results", folder.path("results.db"), "--csv", "--columns",
                                   "prices,pools[0].count,cost_per_hour"});
  CHECK(rows.out ==
        "prices,pools[0].count,cost_per_hour\nnebius-on-demand,1,236\n"
        "nebius-spot,1,100\nnebius-spot,16,250\n");
}

TEST_CASE("prices: the built-in lists name machines that there are, and their source") {
  const Outcome list = run_cleave({"list", "prices"});
  CHECK(contains(list.out, "lambda-on-demand"));
  CHECK(contains(list.out, "aws-capacity-blocks"));
  const std::string machines = run_cleave({"list", "machines"}).out;
  for (const char* name :
       {"lambda-on-demand", "nebius-on-demand", "nebius-spot", "aws-capacity-blocks"}) {
    INFO(name);
    const Json document = parse_json(run_cleave({"show", name}).out, name);
    CHECK_FALSE(document["source"].get<std::string>().empty());
    for (const auto& item : document["machines"].items()) CHECK(contains(machines, item.key()));
  }
}

TEST_CASE("prices: bad input") {
  const TempFolder folder;
  const auto refused = [&](const std::string& prices, const std::string& part) {
    check_refused({"run", "--set", "prices=" + prices}, part);
  };
  refused("lambda", "prices: unknown price list \"lambda\"");
  refused("lambda-on-demnad", "did you mean \"lambda-on-demand\"?");
  refused("[1]", "prices: expected a text");
  const auto file = [&](const char* key, const Json& value) {
    Json list = parse_json(kOwn, "own");
    list[key] = value;
    return folder.write("ours.json", list.dump());
  };
  refused(file("kind", "cheap"), "ours.json: kind: unknown kind of price \"cheap\"");
  refused(file("machines", Json::object()), "machines: expected at least one, in $/hour");
  refused(file("machines", {{"dgx-h100", -1}}), "machines.dgx-h100: expected a number");
  refused(file("discount", 0.5), "unknown key \"discount\"");
  refused(folder.path("none.json"), "none.json: cannot be read");
}
