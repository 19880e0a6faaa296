// Prompt and token instances on the same machines: each on a part of the GPUs, KV caches over
// NVLink.

#include <algorithm>

#include "tests/catch.h"
#include "tests/support/seen_run.h"
#include "tests/support/simulation.h"

namespace cleave {

namespace {

/// Prompts on four GPUs of each machine, tokens on the other four.
Json side_by_side(int machines) {
  return {{"llm", "llama2-70b"},
          {"workload", {{"rate_rps", 2.0 * machines}, {"duration_s", 20}}},
          {"pools",
           {{{"role", "prompt"},
             {"machine", "dgx-h100"},
             {"count", machines},
             {"tensor_parallel", 4},
             {"instances_per_machine", 1}},
            {{"role", "token"},
             {"shares_machines_of", 0},
             {"tensor_parallel", 4},
             {"instances_per_machine", 1}}}},
          {"scheduler", {{"policy", "local_jsq"}}},
          {"kv_transfer", {{"policy", "serialized"}}}};
}

std::string error_of(const Json& changes) {
  try {
    read_scenario(merge_scenario(default_scenario(), changes));
  } catch (const InputError& error) {
    return error.what();
  }
  return "";
}

}  // namespace

TEST_CASE("shared machines: cost, power and GPUs count once") {
  const Json shared = simulate_changes(side_by_side(3));
  CHECK(shared["cost"]["price_per_hour"].get<double>() == Approx(3 * 38));
  CHECK(shared["power"]["provisioned_w"].get<double>() == Approx(3 * 11'000));
  double gpus = 0;
  for (const Json& pool : shared["pools"]) {
    gpus += pool["gpus"].get<double>();
    CHECK(pool["price_per_hour"].get<double>() == Approx(1.5 * 38));
  }
  CHECK(gpus == 24);
  // Idle, the machines draw as much as those of a single pool.
  const Json alone =
      simulate_changes({{"llm", "llama2-70b"},
                        {"workload", {{"rate_rps", 6}, {"duration_s", 20}}},
                        {"pools", {{{"role", "mixed"}, {"machine", "dgx-h100"}, {"count", 3}}}},
                        {"scheduler", {{"policy", "jsq"}}}});
  CHECK(shared["power"]["idle_w"].get<double>() == Approx(alone["power"]["idle_w"].get<double>()));
}

TEST_CASE("shared machines: shares follow the GPUs in use") {
  Json changes = side_by_side(2);
  changes["pools"][0]["tensor_parallel"] = 2;
  const Json summary = simulate_changes(changes);
  CHECK(summary["pools"][0]["price_per_hour"].get<double>() == Approx(2 * 38 / 3.0));
  CHECK(summary["pools"][1]["price_per_hour"].get<double>() == Approx(2 * 38 * 2 / 3.0));
  CHECK(summary["cost"]["price_per_hour"].get<double>() == Approx(2 * 38));
}

TEST_CASE("shared machines: KV caches cross the links between the GPUs") {
  Json changes = side_by_side(1);
  changes["workload"] = {{"prompt_tokens", 1000},
                         {"output_tokens", 10},
                         {"arrivals", "constant"},
                         {"rate_rps", 0.1},
                         {"requests", 3}};
  const SeenRun run = see(changes);
  REQUIRE(run.transfers.size() == 3);
  // Llama2-70B: 2 x 8 heads x 128 x 80 layers x 2 bytes a token; NVLink 4: 450 GB/s a GPU, four
  // GPUs send at once; 1 us of latency.
  const double kv_bytes = 1000 * 2.0 * 8 * 128 * 80 * 2;
  const double seconds = kv_bytes / (4 * 450e9);
  for (const SeenTransfer& transfer : run.transfers) {
    CHECK(transfer.bytes == Approx(kv_bytes));
    CHECK(transfer.end_s - transfer.start_s == Approx(seconds).margin(3e-6));
  }
  for (const Json& link : run.summary["links"]) {
    if (link["link"].get<std::string>().find("nic") != std::string::npos) {
      CHECK(link["bytes"].get<double>() == 0);
    }
  }
}

TEST_CASE("shared machines: local_jsq keeps a request on its machine") {
  const SeenRun run = see(side_by_side(4));
  REQUIRE(run.transfers.size() > 50);
  CHECK(run.summary["requests"]["completed"] == run.summary["requests"]["arrived"]);
  for (const SeenTransfer& transfer : run.transfers) {
    // Instances are numbered pool by pool, one of each pool on a machine.
    CHECK(transfer.to == transfer.from + 4);
  }
}

TEST_CASE("shared machines: what is wrong is said") {
  const auto refused = [](const char* key, const Json& value) {
    Json changes = side_by_side(2);
    changes["pools"][1][key] = value;
    return error_of(changes);
  };
  CHECK(error_of(side_by_side(2)).empty());
  CHECK(refused("shares_machines_of", 1) ==
        "pools[1].shares_machines_of: expected the index of a pool before this one that has "
        "machines of its own");
  for (const char* key : {"machine", "count", "price_per_hour"}) {
    const Json value = std::string(key) == "machine" ? Json("dgx-h100") : Json(2);
    CHECK(refused(key, value) ==
          "pools[1]." + std::string(key) +
              ": not expected beside shares_machines_of: the machines are those of pools[0]");
  }
  CHECK(refused("tensor_parallel", 8) ==
        "pools[1].tensor_parallel: its instances take 8 GPUs, but pools[0] leaves 4 of 8 on a "
        "machine; give instances_per_machine for both");
}

}  // namespace cleave
