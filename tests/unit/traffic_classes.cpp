// Classes of requests: what each sends, who goes first, who is sent away, and what each gets.

#include <cmath>
#include <map>
#include <set>

#include "sim/traffic_gate.h"
#include "tests/catch.h"
#include "tests/support/mix.h"
#include "tests/support/seen_run.h"
#include "tests/support/temp_folder.h"
#include "tests/unit/traces_support.h"

using namespace cleave;
using cleave::testing::error_of;
using cleave::testing::mix_client;
using cleave::testing::mix_of;
using cleave::testing::TempFile;
using cleave::testing::TempFolder;

namespace {

Json cluster(const Json& classes, const Json& more = Json::object()) {
  Json scenario{{"workload",
                 {{"prompt_tokens", 1000},
                  {"output_tokens", 10},
                  {"arrivals", "constant"},
                  {"rate_rps", 10},
                  {"duration_s", 100}}},
                {"pools", {pool("mixed", 2)}},
                {"scheduler", {{"policy", "jsq"}}},
                {"classes", classes},
                {"slo", "none"},
                {"results", {{"warmup_s", 0}}}};
  scenario.merge_patch(more);
  return scenario;
}

const Json& of(const SeenRun& run, const std::string& name) {
  for (const Json& each : run.summary["classes"]) {
    if (each["name"] == name) return each;
  }
  FAIL("no class " << name);
  return run.summary;
}

std::string error_of_run(const Json& changes) {
  return error_of([&] { read_scenario(scenario_of(changes)); });
}

}  // namespace

TEST_CASE("classes: requests are of each as often as their shares say, with lengths of their own") {
  const SeenRun run = see(
      cluster({{{"name", "chat"}, {"share", 3}},
               {{"name", "long"}, {"share", 1}, {"prompt_tokens", 3000}, {"output_tokens", 5}}}));
  std::array<int, 2> seen{};
  for (const FinishedRequest& request : run.finished) {
    ++seen[request.traffic_class];
    CHECK(request.prompt_tokens == (request.traffic_class == 0 ? 1000 : 3000));
  }
  CHECK(seen[0] + seen[1] == 1000);
  CHECK(std::abs(seen[0] - 750) < 4 * std::sqrt(1000 * 0.75 * 0.25));
  CHECK(of(run, "chat")["arrived"] == seen[0]);
  CHECK(of(run, "long")["prompt_tokens"] == 3000 * seen[1]);
}

TEST_CASE("classes: requests of their own come at their own rates, beside the others") {
  const Json batch{{"prompt_tokens", 500},
                   {"output_tokens", 2},
                   {"arrivals", "constant"},
                   {"rates", {{0, 0}, {100, 4}}}};
  const SeenRun run =
      see(cluster({{{"name", "chat"}, {"share", 1}}, {{"name", "batch"}, {"workload", batch}}}));
  CHECK(of(run, "chat")["arrived"] == 1000);
  CHECK(of(run, "batch")["arrived"] == 200);
  for (const FinishedRequest& request : run.finished) {
    CHECK(request.prompt_tokens == (request.traffic_class == 1 ? 500 : 1000));
  }
}

TEST_CASE("classes: of a mix of clients they have shares, or a mix of their own") {
  const TempFile shared(mix_of({mix_client(1000, {5}), mix_client(2000, {5})}).dump(), "mix.json");
  const TempFile own(mix_of({mix_client(300, {2}, 2)}).dump(), "mix.json");
  const Json scenario{{"workload", {{"trace", shared.path()}, {"duration_s", 60}}},
                      {"pools", {pool("mixed", 2)}},
                      {"scheduler", {{"policy", "jsq"}}},
                      {"classes",
                       {{{"name", "half"}, {"share", 1}},
                        {{"name", "rest"}, {"share", 1}},
                        {{"name", "own"}, {"workload", {{"trace", own.path()}}}}}},
                      {"slo", "none"}};
  const SeenRun run = see(scenario);
  std::map<std::uint32_t, std::size_t> classes;
  for (const FinishedRequest& request : run.finished) {
    ++classes[request.traffic_class];
    CHECK((request.prompt_tokens == 300) == (request.traffic_class == 2));
  }
  const auto all = static_cast<double>(classes[0] + classes[1]);
  CHECK(std::abs(all - 600) < 4 * std::sqrt(600));
  CHECK(std::abs(static_cast<double>(classes[0]) - 300) < 4 * std::sqrt(300));
  CHECK(std::abs(static_cast<double>(classes[2]) - 120) < 4 * 2 * std::sqrt(120));

  Json lengths = scenario;
  lengths["classes"][0]["trace"] = own.path();
  CHECK(error_of([&] { read_scenario(scenario_of(lengths)); }) ==
        "classes[0].trace: is a mix of clients; expected a distribution of lengths, or the mix in "
        "a workload of the class's own");
}

TEST_CASE("classes: where all bring their own requests, the workload says for how long") {
  const Json own{{"prompt_tokens", 500}, {"output_tokens", 2}, {"arrivals", "constant"}};
  Json slow = own;
  slow["rate_rps"] = 1;
  Json fast = own;
  fast["rate_rps"] = 3;
  Json scenario =
      cluster({{{"name", "slow"}, {"workload", slow}}, {{"name", "fast"}, {"workload", fast}}});
  scenario["workload"] = {{"duration_s", 50}};
  const SeenRun run = see(scenario);
  CHECK(of(run, "slow")["arrived"] == 50);
  CHECK(of(run, "fast")["arrived"] == 150);
  // The document with all defaults gives the same again.
  const Json document = complete_scenario(scenario);
  CHECK(complete_scenario(document) == document);
}

TEST_CASE("classes: with equal processes they do not come in step") {
  const Json own{{"prompt_tokens", 500}, {"output_tokens", 2}, {"rate_rps", 2}, {"duration_s", 50}};
  Json scenario = cluster({{{"name", "a"}, {"workload", own}}, {{"name", "b"}, {"workload", own}}});
  scenario["workload"] = {{"seed", 5}};
  const SeenRun run = see(scenario);
  std::set<double> times;
  for (const FinishedRequest& request : run.finished) times.insert(request.arrival_s);
  CHECK(times.size() == run.finished.size());
}

TEST_CASE("classes: by priority the first wait less, by arrival all alike") {
  const Json classes = {{{"name", "first"}, {"share", 1}, {"priority", 0}},
                        {{"name", "last"}, {"share", 1}, {"priority", 5}}};
  Json scenario = cluster(classes, {{"workload", {{"arrivals", "poisson"}, {"rate_rps", 22}}},
                                    {"batching", {{"queue_order", "priority"}}}});
  const SeenRun ranked = see(scenario);
  const auto wait_s = [&](const SeenRun& run, const char* name) {
    return of(run, name)["queueing"]["mean"].get<double>();
  };
  CHECK(wait_s(ranked, "first") < 0.5 * wait_s(ranked, "last"));
  CHECK(ranked.summary["requests"]["completed"] == ranked.summary["requests"]["arrived"]);
}

TEST_CASE("classes: by slack the one whose first token is due first goes first") {
  // One prompt runs; behind it wait, in the order of arrival, one that may take 100 s and one that
  // may take 1 s.
  const auto limit = [](double seconds) {
    return Json{{"limits", {{"ttft", {{"p99", seconds}}}}}};
  };
  const auto one = [](double at_s) {
    return Json{{"trace", Json::array({Json::array({at_s, 2000, 2})})}};
  };
  Json scenario = cluster({{{"name", "running"}, {"workload", one(0)}, {"slo", limit(50)}},
                           {{"name", "patient"}, {"workload", one(0.01)}, {"slo", limit(100)}},
                           {{"name", "urgent"}, {"workload", one(0.02)}, {"slo", limit(1)}}},
                          {{"pools", {pool("mixed", 1)}}});
  scenario["workload"] = Json::object();
  const auto order = [&](const char* queue_order) {
    scenario["batching"] = {{"queue_order", queue_order}, {"max_prompt_tokens", 2048}};
    std::vector<std::pair<double, std::uint32_t>> starts;
    for (const FinishedRequest& request : see(scenario).finished) {
      starts.emplace_back(request.prompt_start_s, request.traffic_class);
    }
    std::sort(starts.begin(), starts.end());
    return std::vector<std::uint32_t>{starts[0].second, starts[1].second, starts[2].second};
  };
  CHECK(order("arrival") == std::vector<std::uint32_t>{0, 1, 2});
  CHECK(order("slack") == std::vector<std::uint32_t>{0, 2, 1});
}

TEST_CASE("classes: a bucket lets in its burst, and then its rate") {
  std::vector<ClassSpec> classes(2);
  classes[1].most_rps = 2;
  classes[1].burst = 3;
  TrafficGate gate(classes);
  CHECK(gate.lets_in(0, 0));
  CHECK(gate.lets_in(1, 0));
  CHECK(gate.lets_in(1, 0));
  CHECK(gate.lets_in(1, 0));
  CHECK_FALSE(gate.lets_in(1, 0));
  CHECK_FALSE(gate.lets_in(1, 0.4));
  CHECK(gate.lets_in(1, 0.5));
  CHECK_FALSE(gate.lets_in(1, 0.5));
  CHECK(gate.lets_in(1, 100));
  CHECK(gate.lets_in(1, 100));
  CHECK(gate.lets_in(1, 100));
  CHECK_FALSE(gate.lets_in(1, 100));
}

TEST_CASE("classes: what is over its rate is sent away at once, and counted") {
  const Json own{
      {"prompt_tokens", 500}, {"output_tokens", 2}, {"arrivals", "constant"}, {"rate_rps", 10}};
  const Json bucket{{"rate_rps", 1}};
  const SeenRun run =
      see(cluster({{{"name", "free"}, {"share", 1}},
                   {{"name", "limited"}, {"workload", own}, {"admission", bucket}}}));
  const Json& limited = of(run, "limited");
  CHECK(limited["completed"] == 100);  // at 0, 1, 2 and so on
  CHECK(limited["over_rate"] == 900);
  CHECK(run.summary["requests"]["over_rate"] == 900);
  CHECK(run.summary["requests"]["rejected"] == 900);
  CHECK(of(run, "free")["over_rate"] == 0);
  // 1 and 0.1: (1.1)^2 / (2 x 1.01).
  CHECK(run.summary["fairness"]["service"].get<double>() == Approx(1.21 / 2.02));
}

TEST_CASE("classes: who still waits when the first token is due is sent away") {
  const Json slo{{"limits", {{"ttft", {{"p99", 2.0}}}}}};
  const SeenRun run = see(
      cluster(Json::array({{{"name", "chat"}, {"share", 1}, {"slo", slo}, {"shed_late", true}}}),
              {{"workload", {{"rate_rps", 60}}}, {"pools", {pool("mixed", 1)}}}));
  const Json& chat = of(run, "chat");
  CHECK(chat["late"].get<int>() > 0);
  CHECK(chat["arrived"] == chat["completed"].get<int>() + chat["late"].get<int>());
  for (const SeenRejection& each : run.rejected) CHECK(each.request.refusal == Refusal::kLate);
  for (const FinishedRequest& request : run.finished) {
    CHECK(request.prompt_start_s - request.arrival_s <= 2 + 1e-9);
  }
}

TEST_CASE("classes: each has its own SLO, attainment and goodput") {
  const auto slo = [](double seconds) { return Json{{"limits", {{"e2e", {{"p90", seconds}}}}}}; };
  const SeenRun run = see(cluster({{{"name", "easy"}, {"share", 1}, {"slo", slo(1000)}},
                                   {{"name", "hard"}, {"share", 1}, {"slo", slo(1e-3)}}}));
  CHECK(of(run, "easy")["attainment"] == 1);
  CHECK(of(run, "easy")["holds"] == true);
  CHECK(of(run, "hard")["attainment"] == 0);
  CHECK(run.summary["fairness"]["attainment"] == 0.5);
  const double rate = of(run, "easy")["arrived"].get<double>() / 100;
  CHECK(of(run, "easy")["goodput_rps"].get<double>() == Approx(rate).epsilon(0.01));
}

TEST_CASE("classes: what cannot be is said in a sentence") {
  const Json chat{{"name", "chat"}, {"share", 1}};
  CHECK(error_of_run(cluster({chat, chat})) ==
        "classes[1].name: \"chat\" is the name of a class before this one");
  CHECK(error_of_run(cluster(Json::array())) == "classes: expected one class at least, found []");
  const auto error_with = [&](const char* key, const Json& value) {
    Json changed = chat;
    changed[key] = value;
    return error_of_run(cluster(Json::array({changed})));
  };
  const auto begins = [&](const std::string& error, const char* text) {
    CAPTURE(error);
    CHECK(error.find(text) == 0);
  };
  begins(error_with("workload", Json::object()), "classes[0].share: contradicts workload");
  begins(error_with("shed_late", true), "classes[0].shed_late: needs a limit of ttft");
  begins(error_with("priority", 1), "classes[0].priority: nobody looks at priorities");
  begins(error_with("shares", 1), "classes[0]: unknown key \"shares\"");
  begins(error_with("share", 0), "classes[0].share: expected a number");
  begins(error_with("slo", {{"limits", {{"itl", {{"p90", 1}}}}}}),
         "classes[0].slo: has a limit of itl");
  begins(error_with("admission", {{"rate_rps", 1}, {"burst", 0}}), "classes[0].admission.burst: ");
  const Json talks{{"workload", {{"sessions", {{"turns", 3}}}}}};
  begins(error_of_run(cluster(Json::array({chat}), talks)), "classes: with shares contradict");
  const Json slack{{"batching", {{"queue_order", "slack"}}}};
  begins(error_of_run(cluster(Json::array({chat}), slack)),
         "batching.queue_order: \"slack\" is the time left");
}

TEST_CASE("classes: a column of the trace says of which class a request is") {
  const TempFolder folder;
  const std::string csv = folder.write("mine.csv",
                                       "ts;tenant;in;out\n"
                                       "0;chat;1000;10\n"
                                       "1;\"batch\";3000;5\n"
                                       "2;chat;900;10\n");
  const std::string lines =
      folder.write("mine.jsonl",
                   "{\"ts\": 0, \"in\": 1000, \"out\": 10, \"tenant\": \"chat\"}\n"
                   "{\"ts\": 1, \"in\": 3000, \"out\": 5, \"tenant\": \"batch\"}\n"
                   "{\"ts\": 2, \"in\": 900, \"out\": 10, \"tenant\": \"chat\"}\n");
  const Json classes{{{"name", "batch"}, {"priority", 3}}, {{"name", "chat"}}};
  for (const std::string& file : {csv, lines}) {
    INFO(file);
    Json scenario = cluster(classes, {{"batching", {{"queue_order", "priority"}}}});
    scenario["workload"] = {
        {"trace", file},
        {"columns", {{"arrival", "ts"}, {"prompt", "in"}, {"output", "out"}, {"class", "tenant"}}}};
    const SeenRun run = see(scenario);
    REQUIRE(run.finished.size() == 3);
    CHECK(run.finished[0].traffic_class == 1);
    CHECK(run.finished[1].traffic_class == 0);
    CHECK(run.finished[1].priority == 3);
    CHECK(of(run, "chat")["arrived"] == 2);
    CHECK(of(run, "batch")["prompt_tokens"] == 3000);
    scenario["classes"] = {{{"name", "chat"}}, {{"name", "other"}}};
    const std::string error = error_of([&] { see(scenario); });
    CHECK(error.find("tenant: expected the name of a class of the scenario, \"chat\", \"other\", "
                     "found") != std::string::npos);
    scenario["classes"] = {{{"name", "chat"}, {"share", 1}}, {{"name", "batch"}}};
    CHECK(error_of_run(scenario) ==
          "classes[0].share: contradicts workload.columns.class: the trace says which requests are "
          "of this class, and their lengths");
    scenario.erase("classes");
    CHECK(error_of_run(scenario) == "workload.columns.class: has no meaning without classes");
  }
}
