// Machines that stand for several servers: what moves between them, and what GPUs of one instance
// exchange over the links of its servers.

#include <functional>

#include "sim/fabric/server_fabric.h"
#include "sim/scenario/pool_latency.h"
#include "tests/catch.h"
#include "tests/support/policies.h"
#include "tests/support/seen_run.h"

namespace cleave {

namespace {

using Catch::Matchers::Contains;

/// Instances on whole machines of so many servers, which have a NIC of 1 GB/s each and exchange
/// with one another.
class Servers : TransferListener, public ExchangeListener {
 public:
  Servers(const std::vector<std::uint32_t>& servers, const std::string& topology, Json settings,
          bool all_to_all = false) {
    for (std::uint32_t machine = 0; machine < servers.size(); ++machine) {
      const std::uint32_t count = servers[machine];
      Endpoint endpoint{machine, 1.0 * count, 1e9};
      endpoint.servers = count;
      endpoint.on = {0, count - 1};
      if (count > 1) endpoint.exchanges = {endpoint.on};
      endpoint.all_to_all = all_to_all;
      endpoints_.push_back(endpoint);
    }
    settings["latency_s"] = 0;
    fabric_ = std::make_unique<ServerFabric>(FabricContext{engine_, endpoints_},
                                             policy<Fabrics>(topology, settings), *this);
  }

  void start(InstanceId from, InstanceId to, double bytes, double limit_bytes_per_s = 0) {
    last_ = fabric_->start(from, to, bytes, limit_bytes_per_s, *this, from);
  }
  void cancel() { fabric_->cancel(last_); }
  void run_until(double time_s) {
    engine_.at<&Servers::nothing>(time_s, this);
    engine_.run_until(time_s);
  }
  void run() { engine_.run(); }
  ServerFabric& fabric() { return *fabric_; }
  double exchange_gb_per_s(InstanceId instance) const {
    return fabric_->exchange_bytes_per_s(instance) / 1e9;
  }

  std::string ends;     ///< "0 at 2.000000\n"
  std::string changes;  ///< of instances that exchange, one letter each

 private:
  void nothing(std::uint64_t) {}
  void tell(std::uint64_t tag, const char* what) {
    ends += std::to_string(tag) + what + std::to_string(engine_.now()) + "\n";
  }
  void transfer_done(std::uint64_t tag) override { tell(tag, " at "); }
  void transfer_failed(std::uint64_t tag) override { tell(tag, " failed at "); }
  void exchange_changed(InstanceId instance) override { changes += std::to_string(instance); }

  Engine engine_;
  std::vector<Endpoint> endpoints_;
  std::unique_ptr<ServerFabric> fabric_;
  TransferId last_ = 0;
};

std::string star(const std::vector<std::uint32_t>& servers,
                 const std::function<std::string(Servers&)>& tell) {
  return in_child([&] {
    Servers all(servers, "star", Json::object());
    return tell(all);
  });
}

double tree_gb_per_s(std::uint32_t servers, std::uint32_t hosts_per_leaf, double oversubscription,
                     bool all_to_all) {
  return std::stod(in_child([&] {
    const Servers all(
        {servers}, "fat-tree",
        {{"hosts_per_leaf", hosts_per_leaf}, {"spines", 2}, {"oversubscription", oversubscription}},
        all_to_all);
    return std::to_string(all.exchange_gb_per_s(0));
  }));
}

/// Llama 3.1 70B over 16 GPUs in two servers, in the order of the pools' roles.
Json over_two_servers(const std::vector<const char*>& roles, const Json& fabric,
                      const Json& requests) {
  Json pools = Json::array();
  for (const char* role : roles) {
    pools.push_back(
        {{"role", role}, {"machine", "2x-dgx-h100"}, {"count", 1}, {"tensor_parallel", 16}});
  }
  return {{"llm", "llama3-70b"},
          {"latency", {{"engine", "vllm"}}},
          {"scheduler", {{"policy", roles.size() == 1 ? "token_jsq" : "mixed_pool"}}},
          {"kv_transfer", {{"policy", "serialized"}}},
          {"pools", pools},
          {"workload", {{"trace", requests}}},
          {"fabric", fabric}};
}

/// What an iteration of one prompt, or of one sequence, takes where each server sends so fast.
double iteration_s(const Json& changes, const BatchShape& shape, double bytes_per_s) {
  const auto latency = pool_latency(read_scenario(scenario_of(changes)), 0);
  const RunCost cost = latency->cost(shape);
  CHECK(cost.network_bytes > 0);
  return cost.first_s + std::max(0.0, cost.network_bytes / bytes_per_s - cost.network_s);
}
BatchShape prompt_of(std::uint32_t tokens) {
  return {tokens, 1.0 * tokens * tokens, 2.0 * tokens * tokens, 0, 0, 0, 1};
}

}  // namespace

TEST_CASE("servers: what moves is spread over the servers of both sides") {
  CHECK(star({2, 2}, [](Servers& all) {
          all.start(0, 1, 4e9);
          all.run();
          return all.ends;
        }) == "0 at 2.000000\n");
  // Both of the servers send to the only one there.
  CHECK(star({2, 1}, [](Servers& all) {
          all.start(0, 1, 4e9);
          all.run();
          return all.ends + std::to_string(all.fabric().ideal_s(0, 1, 4e9));
        }) == "0 at 4.000000\n2.000000");
  CHECK(star({2, 2}, [](Servers& all) {
          all.start(0, 1, 4e9, 1e9);
          all.run();
          return all.ends;
        }) == "0 at 4.000000\n");
}

TEST_CASE("servers: each has links of its own, which can be slow or cut") {
  const auto run = [](double share) {
    return star({2, 2, 1}, [&](Servers& all) {
      CHECK(all.fabric().scale_link("machine-0-server-1-nic-up", 1));
      CHECK_FALSE(all.fabric().scale_link("machine-0-nic-up", 1));
      CHECK(all.fabric().scale_link("machine-2-nic-up", 1));
      all.start(0, 1, 4e9);
      all.run_until(1);
      all.fabric().scale_link("machine-0-server-1-nic-up", share);
      all.run();
      return all.ends;
    });
  };
  CHECK(run(0.5) == "0 at 3.000000\n");
  CHECK(run(0) == "0 failed at 1.000000\n");
}

TEST_CASE("servers: an exchange has the narrowest link between them") {
  CHECK(tree_gb_per_s(2, 2, 1, false) == Approx(1));
  CHECK(tree_gb_per_s(2, 2, 4, false) == Approx(1));     // on one leaf
  CHECK(tree_gb_per_s(2, 1, 4, false) == Approx(0.25));  // on two
  // Two leaves of two: one of four hops around leaves each, 4/3 of what a server sends to all.
  CHECK(tree_gb_per_s(4, 2, 4, false) == Approx(0.5));
  CHECK(tree_gb_per_s(4, 2, 4, true) == Approx(0.375));
  CHECK(tree_gb_per_s(4, 2, 1, true) == Approx(1));
}

TEST_CASE("servers: transfers leave an exchange what they do not take, or its fair share") {
  CHECK(star({2, 2}, [](Servers& all) {
          std::string seen;
          const auto look = [&] { seen += std::to_string(all.exchange_gb_per_s(0)) + " "; };
          look();
          all.start(0, 1, 1e9, 0.5e9);  // a quarter of each NIC, until 2 s
          all.run_until(1);
          look();
          all.start(0, 1, 4e9);  // and all of the rest
          all.run_until(1.5);
          look();
          all.run();
          look();
          return seen;
        }) == "1.000000 0.750000 0.333333 1.000000 ");
}

TEST_CASE(
    "servers: instances that exchange are told when transfers come and go, and links change") {
  CHECK(star({2, 1, 2, 1}, [](Servers& all) {
          all.start(1, 3, 1e9);
          all.run_until(2);
          const std::string others = all.changes;
          all.start(0, 1, 2e9);
          const std::string begun = all.changes;
          all.run_until(5);
          all.fabric().scale_link("machine-3-nic-up", 0.5);
          return others + "|" + begun + "|" + all.changes;
        }) == "|0|00002");
  CHECK(star({2, 1}, [](Servers& all) {
          all.start(0, 1, 2e9);
          all.run_until(1);
          all.cancel();
          all.run();
          return all.ends + all.changes;
        }) == "00");
}

TEST_CASE("servers: iterations of an instance over several take the network's bandwidth") {
  const Json one = Json::array({{0, 2048, 3}});
  for (const double gbps : {400.0, 10.0}) {
    const Json changes = over_two_servers({"mixed"}, {{"nic_gbps", gbps}}, one);
    const double bytes_per_s = 8 * gbps * 1e9 / 8;
    const SeenRun run = see(changes);
    INFO(gbps);
    CHECK(run.segments.at(0).first_iteration_s ==
          Approx(iteration_s(changes, prompt_of(2048), bytes_per_s)));
    CHECK(run.segments.at(1).first_iteration_s ==
          Approx(iteration_s(changes, {0, 0, 0, 1, 2049, 1}, bytes_per_s)));
  }
  const Json tree{{"topology", "fat-tree"}, {"hosts_per_leaf", 1}, {"oversubscription", 20}};
  const Json changes = over_two_servers({"mixed"}, tree, one);
  CHECK(see(changes).segments.at(0).first_iteration_s ==
        Approx(iteration_s(changes, prompt_of(2048), 8 * 50e9 / 20)));
}

TEST_CASE("servers: an exchange beside a KV cache that leaves has half of the link, and that all") {
  const Json two = Json::array({{0, 8192, 2}, {0.001, 8192, 2}});
  const Json changes = over_two_servers({"prompt", "token"}, {{"nic_gbps", 5}}, two);
  const double bytes_per_s = 8 * 5e9 / 8;
  const SeenRun run = see(changes);
  // The second prompt is computed while the first one's cache leaves.
  std::vector<double> prompts;
  for (const Segment& segment : run.segments) {
    if (segment.prompts > 0) prompts.push_back(segment.first_iteration_s);
  }
  REQUIRE(prompts.size() >= 2);
  CHECK(prompts[0] == Approx(iteration_s(changes, prompt_of(8192), bytes_per_s)));
  CHECK(prompts[1] == Approx(iteration_s(changes, prompt_of(8192), bytes_per_s / 2)));
  const SeenTransfer& first = run.transfers.at(0);
  CHECK(first.end_s - first.start_s == Approx(first.ideal_s));
  CHECK(first.ideal_s == Approx(first.bytes / (2 * bytes_per_s)).epsilon(1e-4));
}

TEST_CASE("servers: a slow link slows the iterations from then on; one that is cut is refused") {
  const Json one = Json::array({{0, 16, 2000}});
  const auto decode_s = [&](double share) {
    Json changes = over_two_servers({"mixed"}, {{"nic_gbps", 10}}, one);
    changes["faults"] = {{{"at_s", 0.5},
                          {"action", "scale_link"},
                          {"link", "machine-0-server-0-nic-down"},
                          {"share", share}}};
    const SeenRun run = see(changes);
    CHECK(run.segments.size() <= 5);  // a run is one event, and the fault ends one
    return run.segments.back().first_iteration_s;
  };
  const Json changes = over_two_servers({"mixed"}, {{"nic_gbps", 10}}, one);
  const double full_s = iteration_s(changes, {0, 0, 0, 1, 1000, 1}, 10e9);
  const double slow_s = iteration_s(changes, {0, 0, 0, 1, 1000, 1}, 1e9);
  CHECK(decode_s(0.1) - decode_s(1) == Approx(slow_s - full_s).epsilon(1e-6));
  CHECK_THROWS_WITH(decode_s(0),
                    Contains("faults[0].share: expected more than 0: "
                             "\"machine-0-server-0-nic-down\" joins servers of one instance"));
}

TEST_CASE("servers: what the network holds up, slow GPUs do not hold up more") {
  Json changes = over_two_servers({"mixed"}, {{"nic_gbps", 10}}, Json::array({{0.1, 2048, 3}}));
  const double bytes_per_s = 8 * 10e9 / 8;
  const RunCost cost = pool_latency(read_scenario(scenario_of(changes)), 0)->cost(prompt_of(2048));
  const double held_up_s = cost.network_bytes / bytes_per_s - cost.network_s;
  REQUIRE(held_up_s > 0);
  changes["faults"] = {{{"at_s", 0}, {"action", "slow"}, {"machine", 0}, {"factor", 2}}};
  CHECK(see(changes).segments.at(0).first_iteration_s == Approx(2 * cost.first_s + held_up_s));
}

TEST_CASE("servers: an instance inside one takes nothing of the network") {
  const auto summary = [](const char* machine, double gbps) {
    return see({{"llm", "llama3-70b"},
                {"latency", {{"engine", "vllm"}}},
                {"scheduler", {{"policy", "token_jsq"}}},
                {"pools",
                 {{{"role", "mixed"}, {"machine", machine}, {"count", 1}, {"tensor_parallel", 8}}}},
                {"fabric", {{"nic_gbps", gbps}}},
                {"workload", {{"rate_rps", 2}, {"duration_s", 20}}}})
        .summary;
  };
  for (const char* machine : {"dgx-h100", "2x-dgx-h100"}) {
    CHECK(summary(machine, 400)["e2e"] == summary(machine, 1)["e2e"]);
  }
}

}  // namespace cleave
