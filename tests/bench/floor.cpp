// What SimGrid alone costs: the same number of timers and the same flows as a run, and no logic of
// ours, beside the run itself. Prints one "name value" line a figure.
//     bench_floor [REQUESTS] [ROUNDS] [path=value]...
#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <iostream>
#include <simgrid/kernel/Timer.hpp>
#include <simgrid/kernel/resource/Model.hpp>
#include <simgrid/kernel/resource/NetworkModelIntf.hpp>
#include <simgrid/s4u.hpp>

#include "sim/base/child_process.h"
#include "sim/scenario/resolve.h"
#include "sim/simulation.h"

namespace {

using namespace cleave;
namespace sg = simgrid::s4u;
using simgrid::kernel::timer::Timer;

struct Flow {
  double start_s;
  double bytes;
  double rate_bytes_per_s;  ///< what limits it: 0 for the link alone
  std::uint32_t from;
  std::uint32_t to;
};

struct FlowList : Observer {
  std::vector<Flow> flows;
  void transferred(InstanceId from, InstanceId to, double start_s, double end_s, double bytes,
                   double ideal_s) override {
    constexpr double kSlower = 1.05;
    const bool limited = end_s - start_s > kSlower * ideal_s;
    flows.push_back({start_s, bytes, limited ? bytes / (end_s - start_s) : 0, from, to});
  }
};

Json scenario_document(double requests, const std::vector<std::string>& settings) {
  ScenarioSources sources;
  sources.settings = {"workload.requests=" + std::to_string(static_cast<long>(requests)),
                      "workload.duration_s=1e9"};
  sources.settings.insert(sources.settings.end(), settings.begin(), settings.end());
  return merge_scenario(sources);
}

/// Of a processor, so that a busy machine gives the same.
double seconds_of(const std::function<void()>& work) {
  const std::clock_t start = std::clock();
  work();
  return static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
}

/// SimGrid with a star of machines and, for each request, a chain of timers of which one starts its
/// flow.
class Floor {
 public:
  Floor(std::vector<Flow> flows, std::uint64_t timers, double end_s, std::uint32_t machines,
        double nic_bytes_per_s)
      : flows_(std::move(flows)),
        chain_(flows_.empty() ? 0 : timers / flows_.size()),
        timers_(timers) {
    static int argc = 1;
    static char name[] = "floor";
    static char* argv[] = {name, nullptr};
    static sg::Engine engine(&argc, argv);
    engine_ = &engine;
    sg::Engine::set_config("network/model:CM02");
    sg::Engine::set_config("network/crosstraffic:0");
    sg::Engine::set_config("network/TCP-gamma:0");
    sg::NetZone* zone = sg::create_star_zone("star");
    for (std::uint32_t i = 0; i < machines; ++i) {
      sg::Host* host = zone->create_host("h" + std::to_string(i), 1e9)->seal();
      sg::SplitDuplexLink* link =
          zone->create_split_duplex_link("l" + std::to_string(i), nic_bytes_per_s);
      link->set_latency(1e-6);
      link->seal();
      zone->add_route(host->get_netpoint(), nullptr, nullptr, nullptr,
                      {sg::LinkInRoute(link, sg::LinkInRoute::Direction::UP)}, true);
      hosts_.push_back(host);
    }
    zone->seal();
    for (auto* model : engine.get_all_models()) {
      if (dynamic_cast<simgrid::kernel::resource::NetworkModelIntf*>(model) != nullptr)
        network_ = model;
    }
    std::sort(flows_.begin(), flows_.end(),
              [](const Flow& a, const Flow& b) { return a.start_s < b.start_s; });
    if (flows_.empty()) gap_s_ = end_s / static_cast<double>(timers_);
  }

  void run() {
    if (flows_.empty()) {
      Timer::set(0, [this] { tick(); });
    } else {
      next_flow();
    }
    engine_->run();
  }

 private:
  void tick() {
    if (--timers_ > 0) Timer::set(sg::Engine::get_clock() + gap_s_, [this] { tick(); });
  }

  void next_flow() {
    const Flow& flow = flows_[next_];
    Timer::set(flow.start_s, [this, &flow] {
      sg::CommPtr comm = sg::Comm::sendto_init();
      comm->set_source(hosts_[flow.from])->set_destination(hosts_[flow.to]);
      comm->set_payload_size(static_cast<std::uint64_t>(flow.bytes));
      const std::size_t others = network_->get_started_action_set()->size();
      comm->detach();
      if (flow.rate_bytes_per_s > 0 && network_->get_started_action_set()->size() > others) {
        network_->get_started_action_set()->back().set_bound(flow.rate_bytes_per_s);
      }
      if (++next_ < flows_.size()) next_flow();
      chain(chain_ > 0 ? chain_ - 1 : 0);
    });
  }

  /// The rest of a request's timers, spread over the seconds that a request takes.
  void chain(std::uint64_t left) {
    if (left == 0) return;
    constexpr double kRequestS = 12;
    Timer::set(sg::Engine::get_clock() + kRequestS / static_cast<double>(chain_),
               [this, left] { chain(left - 1); });
  }

  sg::Engine* engine_;
  simgrid::kernel::resource::Model* network_ = nullptr;
  std::vector<sg::Host*> hosts_;
  std::vector<Flow> flows_;
  std::uint64_t chain_;
  std::uint64_t timers_;
  double gap_s_ = 0;
  std::size_t next_ = 0;
};

double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

}  // namespace

int main(int argc, char** argv) {
  const double requests = argc > 1 ? std::atof(argv[1]) : 1e6;
  const int rounds = argc > 2 ? std::atoi(argv[2]) : 3;
  const Json document =
      scenario_document(requests, std::vector<std::string>(argv + std::min(argc, 3), argv + argc));
  const Scenario scenario = read_scenario(document);
  std::uint32_t machines = 0;
  for (const PoolSpec& pool : scenario.pools) machines += pool.count;
  const Machine& machine = scenario.pools.front().machine;

  struct Recorded {
    double timers;
    double end_s;
  } recorded{};
  std::vector<Flow> flows;
  const std::string bytes = in_child([&] {
    FlowList list;
    const Json summary = Simulation(scenario).alone().watch(list).run();
    if (scenario.fabric.name == "pipe") list.flows.clear();
    const Recorded r{summary["events"].get<double>(), summary["duration_s"].get<double>()};
    std::string text(reinterpret_cast<const char*>(&r), sizeof r);
    return text.append(reinterpret_cast<const char*>(list.flows.data()),
                       list.flows.size() * sizeof(Flow));
  });
  std::memcpy(&recorded, bytes.data(), sizeof recorded);
  flows.resize((bytes.size() - sizeof recorded) / sizeof(Flow));
  if (!flows.empty()) {
    std::memcpy(flows.data(), bytes.data() + sizeof recorded, flows.size() * sizeof(Flow));
  }

  std::vector<double> run_s;
  std::vector<double> floor_s;
  std::vector<double> ratios;
  for (int i = 0; i < rounds; ++i) {
    floor_s.push_back(std::stod(in_child([&] {
      Floor floor(flows, static_cast<std::uint64_t>(recorded.timers), recorded.end_s, machines,
                  machine.nic_bytes_per_s * machine.nic_count);
      return std::to_string(seconds_of([&] { floor.run(); }));
    })));
    run_s.push_back(std::stod(in_child(
        [&] { return std::to_string(seconds_of([&] { Simulation(scenario).alone().run(); })); })));
    ratios.push_back(run_s.back() / floor_s.back());
  }
  std::cout << "timers_per_request " << recorded.timers / requests << '\n'
            << "flows_per_request " << static_cast<double>(flows.size()) / requests << '\n'
            << "floor_requests_per_s " << requests / median(floor_s) << '\n'
            << "requests_per_s " << requests / median(run_s) << '\n'
            << "floor_ratio " << median(ratios) << '\n';
}
