// The one entry: a run at once, in steps, in another process; what it throws, what it leaves.

#include "sim/simulation.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <functional>
#include <thread>

#include "sim/base/child_process.h"
#include "sim/event_stream.h"
#include "sim/scenario/resolve.h"
#include "tests/catch.h"
#include "tests/support/event_log.h"
#include "tests/support/seen_run.h"
#include "tests/support/temp_folder.h"

namespace cleave {

namespace {

namespace fs = std::filesystem;
using Catch::Matchers::Contains;

const Json kShort{{"rate_rps", 12}, {"duration_s", 12}};

/// A star whose NICs are narrow enough for flows to share them, unless `changes` say otherwise.
Json small_cluster(const Json& changes = Json::object()) {
  Json all{{"workload", kShort},
           {"pools", {pool("prompt", 2), pool("token", 2)}},
           {"fabric", {{"nic_gbps", 40}}}};
  all.merge_patch(changes);
  return all;
}

Json faults(const std::vector<Json>& all) { return small_cluster({{"faults", all}}); }

std::vector<Json> many_kinds() {
  const Json stop{{"at_s", 2}, {"action", "stop"}, {"machine", 2}};
  const Json start{{"at_s", 5}, {"action", "start"}, {"machine", 2}};
  const auto link = [](double at_s, double share) -> Json {
    return {
        {"at_s", at_s}, {"action", "scale_link"}, {"link", "machine-0-nic-up"}, {"share", share}};
  };
  const Json mixed{{"pools", {pool("mixed", 3)}}, {"scheduler", {{"policy", "jsq"}}}};
  const Json constant{
      {"prompt_tokens", 1000}, {"output_tokens", 20}, {"arrivals", "constant"}, {"rate_rps", 4}};
  return {small_cluster(),
          small_cluster({{"fabric", {{"topology", "fat-tree"}}}}),
          small_cluster({{"fabric", {{"topology", "pipe"}}}}),
          small_cluster({{"kv_transfer", {{"policy", "serialized"}, {"admission", "poll"}}}}),
          small_cluster({{"kv_transfer", {{"policy", "layerwise"}}}, {"workload", constant}}),
          small_cluster({{"kv_cache", {{"blocks", 300}}}}),
          small_cluster(mixed),
          faults({stop, start}),
          faults({stop}),
          faults({link(1, 0.1), link(4, 1)}),
          faults({link(1, 0)})};
}

Simulation simulation_of(const Json& changes) {
  return Simulation(read_scenario(scenario_of(changes)));
}

/// What is heard of a run, and its summary; in steps of `width_s`, or at once.
std::string run(Simulation simulation, double width_s = 0) {
  EventLog log;
  simulation.watch(log);
  for (double time_s = 0; width_s > 0 && simulation.step_until(time_s);) time_s += width_s;
  const std::string summary = simulation.run().dump();
  return log.text() + summary;
}

/// Has SimGrid run in this process, so that what follows runs in others.
void use_up_this_process() { simulation_of({{"workload", {{"requests", 1}}}}).run(); }

/// What is thrown, by its type and words.
std::string thrown(const std::function<void()>& work) {
  try {
    work();
  } catch (const InputError& error) {
    return std::string("InputError: ") + error.what();
  } catch (const BrokenInvariant& error) {
    return std::string("BrokenInvariant: ") + error.what();
  } catch (const std::logic_error& error) {
    return std::string("logic_error: ") + error.what();
  } catch (const std::exception& error) {
    return std::string("exception: ") + error.what();
  }
  return "nothing";
}

/// The same in a process that SimGrid has not run in, and in one in which it has.
std::vector<std::string> here_and_apart(const std::function<std::string()>& work) {
  return {in_child(work), in_child([&] {
            use_up_this_process();
            return work();
          })};
}

std::string both(const std::function<std::string()>& work) {
  const std::vector<std::string> told = here_and_apart(work);
  CHECK(told[0] == told[1]);
  return told[0];
}

/// Processes of this program outside its session: the copy that a first run leaves, and runs.
std::vector<pid_t> processes_apart() {
  std::vector<pid_t> found;
  const fs::path program = fs::read_symlink("/proc/self/exe");
  for (const auto& entry : fs::directory_iterator("/proc")) {
    const pid_t pid = std::atoi(entry.path().filename().c_str());
    std::error_code error;
    if (pid > 0 && getsid(pid) != getsid(0) &&
        fs::read_symlink(entry.path() / "exe", error) == program) {
      found.push_back(pid);
    }
  }
  return found;
}

bool come_down_to(std::size_t count) {
  for (int tries = 0; tries < 500; ++tries) {
    if (processes_apart().size() == count) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return false;
}

std::size_t open_descriptors() {
  const fs::directory_iterator all("/proc/self/fd");
  return static_cast<std::size_t>(std::distance(begin(all), end(all)));
}

/// A scheduler with a mistake in it.
class Mistaken : public Scheduler {
 public:
  Placement place(const Demand&) override { broken_invariant("no idea where to"); }
};
struct Thrower : Observer {
  explicit Thrower(std::string where) : where_(std::move(where)) {}
  void arrived(double) override { at("arrived"); }
  void segment(const Segment&) override { at("segment"); }
  void transferred(InstanceId, InstanceId, double, double, double, double) override {
    at("transferred");
  }
  void link_used(const LinkUse&) override { at("link_used"); }

 private:
  void at(const std::string& here) const {
    if (here == where_) throw std::runtime_error("enough at " + here);
  }
  std::string where_;
};

}  // namespace

TEST_CASE("simulation: in steps it is the same, to the last bit, as at once") {
  for (const Json& kind : many_kinds()) {
    INFO(kind.dump());
    const std::string at_once = in_child([&] { return run(simulation_of(kind)); });
    for (const double width_s : {0.003, 0.25, 1.7, 1000.0}) {
      INFO("steps of " << width_s << " s");
      CHECK(in_child([&] { return run(simulation_of(kind), width_s); }) == at_once);
    }
  }
}

TEST_CASE("simulation: those after the first in a process are the same as alone") {
  const std::vector<Json> kinds = many_kinds();
  std::vector<std::string> alone;
  for (const Json& kind : kinds) {
    alone.push_back(in_child([&] { return run(std::move(simulation_of(kind).alone())); }));
  }
  const std::string different = in_child([&] {
    std::string text;
    for (std::size_t i = 0; i < kinds.size(); ++i) {
      for (const double width_s : {0.0, 0.1}) {
        if (run(simulation_of(kinds[i]), width_s) != alone[i]) text += kinds[i].dump() + "\n";
      }
    }
    return text;
  });
  CHECK(different == "");
}

TEST_CASE("simulation: every event that can be observed is passed on") {
  const auto count = [](const char* file, const std::string& what) {
    std::ifstream lines(std::string(CLEAVE_SOURCE_DIR "/sim/") + file);
    std::size_t found = 0;
    for (std::string line; std::getline(lines, line);)
      found += line.find(what) != std::string::npos;
    return found;
  };
  const std::size_t events = count("core/observer.h", "  virtual void ");
  CHECK(count("core/observer_list.h", "  void ") == events);
  CHECK(count("event_stream.h", " send<&Observer::") == events);
  CHECK(event_stream::kCount == events);
}

TEST_CASE("simulation: a step takes what happens up to its time, and at it") {
  const std::string found = both([] {
    struct Times : Observer {
      std::vector<double> arrivals_s;
      void arrived(double time_s) override { arrivals_s.push_back(time_s); }
    } times;
    const Json one_a_second{{"prompt_tokens", 100},
                            {"output_tokens", 2},
                            {"requests", 8},
                            {"arrivals", "constant"},
                            {"rate_rps", 1}};
    Simulation simulation = simulation_of(small_cluster({{"workload", one_a_second}}));
    simulation.watch(times);
    std::string text;
    for (const double until_s : {0.5, 1.0, 1.0, 2.99, 7.0, 100.0}) {
      const bool more = simulation.step_until(until_s);
      text += std::to_string(times.arrivals_s.size()) +
              (simulation.now() == until_s ? " at it " : " ") + (more ? "more, " : "over, ");
    }
    return text + Json(times.arrivals_s).dump() + (simulation.step_until(200) ? "!" : "");
  });
  CHECK(found ==
        "1 at it more, 2 at it more, 2 at it more, 3 at it more, 8 at it more, 8 over, "
        "[0.0,1.0,2.0,3.0,4.0,5.0,6.0,7.0]");
}

TEST_CASE("simulation: between steps a cluster shows its loads and queues") {
  const std::string seen = both([] {
    Simulation simulation = simulation_of(small_cluster({{"workload", {{"rate_rps", 20}}}}));
    std::string text;
    const auto look = [&] {
      const ClusterView& cluster = simulation.cluster();
      text += std::to_string(simulation.now());
      for (InstanceId id = 0; id < cluster.loads().size(); ++id) {
        const InstanceLoad& load = cluster.loads()[id];
        text += "; " + std::string(role_name(load.home)) + " " +
                std::to_string(load.pending_tokens) + " " + std::to_string(load.reserved_tokens) +
                " of " + std::to_string(load.capacity_tokens) + " " +
                std::to_string(load.requests) + (cluster.has_queue(id) ? " queue" : "");
      }
      text += '\n';
    };
    look();
    while (simulation.step_until(simulation.now() + 0.5)) look();
    simulation.run();
    look();
    return text;
  });
  CHECK_THAT(seen, Contains("0.000000; prompt 0 0 of ") && Contains(" queue"));
}

TEST_CASE("simulation: two go side by side") {
  const std::string alone = in_child([] { return run(simulation_of(small_cluster())); });
  const std::string together = in_child([&] {
    EventLog logs[2];
    Simulation first = simulation_of(small_cluster());
    Simulation second = simulation_of(small_cluster());
    first.watch(logs[0]);
    second.watch(logs[1]);
    for (double time_s = 0; first.step_until(time_s); time_s += 0.5) second.step_until(time_s);
    std::string text = logs[0].text();
    text = second.run().dump() + first.run().dump();
    return logs[0].text() == logs[1].text() ? logs[0].text() + first.run().dump() : "different";
  });
  CHECK(together == alone);
}

TEST_CASE("simulation: from JSON it is what a scenario file gives") {
  const testing::TempFolder folder;
  for (const Json& changes : {Json::object(), small_cluster(), Json{{"slo", "none"}}}) {
    ScenarioSources file;
    file.file = folder.write("scenario.json", changes.dump());
    CHECK(Simulation::from(changes).scenario().document.dump() == merge_scenario(file).dump());
  }
  CHECK_THROWS_WITH(Simulation::from(Json::array()), Contains("expected a scenario (an object)"));
  CHECK_THROWS_WITH(Simulation::from({{"pools", {pool("prompt", 1, "dgx-h10")}}}),
                    Contains("pools[0].machine: unknown machine \"dgx-h10\"; did you mean"));
}

TEST_CASE("simulation: what goes wrong in a run is thrown, wherever it runs") {
  const auto error_of = [](const Json& changes) {
    return both([&] {
      const std::string at_once = thrown([&] { simulation_of(changes).run(); });
      const std::string in_steps = thrown([&] {
        Simulation simulation = simulation_of(changes);
        while (simulation.step_until(simulation.now() + 1)) {
        }
      });
      return at_once == in_steps ? at_once : at_once + " or " + in_steps;
    });
  };
  CHECK_THAT(
      error_of(faults({{{"at_s", 1}, {"action", "scale_link"}, {"link", "none"}, {"share", 0}}})),
      Contains("InputError: faults[0].link: no link \"none\""));
  CHECK_THAT(error_of({{"workload", {{"trace", "no/such/trace.csv"}, {"arrivals", "replay"}}}}),
             Contains("InputError: no/such/trace.csv"));
  CHECK(in_child([&] {
          // In this child alone: other tests go through all the schedulers there are.
          const Schedulers::Entry mistaken{
              "mistaken", "of a test", [](ClusterView&) { return std::make_unique<Mistaken>(); }};
          return error_of(small_cluster({{"scheduler", {{"policy", "mistaken"}}}}));
        }) == "BrokenInvariant: no idea where to");
}

TEST_CASE("simulation: a watcher that throws ends the run, and nothing more can be done with it") {
  for (const char* where : {"arrived", "segment", "transferred", "link_used"}) {
    const std::string told = both([&] {
      const testing::TempFolder folder;
      std::string text;
      {
        Thrower thrower(where);
        Simulation simulation = simulation_of(small_cluster());
        simulation.watch(thrower).results_in(folder.path("results"));
        for (int i = 0; i < 2; ++i) text += thrown([&] { simulation.run(); }) + "; ";
        text += thrown([&] { simulation.step_until(1); }) + "; ";
      }
      return text + Json(folder.names()).dump();
    });
    CHECK(told == "exception: enough at " + std::string(where) +
                      "; logic_error: this simulation has ended with an error"
                      "; logic_error: this simulation has ended with an error; []");
  }
}

TEST_CASE("simulation: the results folder is the same, wherever it runs") {
  const testing::TempFolder folder;
  in_child([&] {
    for (const char* name : {"here", "apart"}) {
      simulation_of(small_cluster()).results_in(folder.path(name)).run();
    }
    return "";
  });
  CHECK(folder.names() == std::vector<std::string>{"apart", "here"});
  int files = 0;
  for (const auto& entry : fs::directory_iterator(folder.path("here"))) {
    const std::string name = entry.path().filename().string();
    CHECK(folder.read("here/" + name) == folder.read("apart/" + name));
    ++files;
  }
  CHECK(files == 6);
}

TEST_CASE("simulation: a brief summary is the whole one without what is drawn") {
  const auto summary = [](Simulation simulation) {
    return Json::parse(in_child([&] { return simulation.alone().run().dump(); }));
  };
  Json whole = summary(simulation_of(small_cluster()));
  Simulation one = simulation_of(small_cluster());
  one.brief();
  const Json brief = summary(std::move(one));
  CHECK(whole.erase("cdf") == 1);
  CHECK(whole.erase("units") == 1);
  for (Json& pool : whole["pools"]) {
    CHECK(pool.erase("over_time") == 1);
    CHECK(pool.erase("batch_tokens_cdf") == 1);
  }
  CHECK(brief == whole);
  const testing::TempFolder folder;
  CHECK(in_child([&] {
          Simulation with_files = simulation_of(small_cluster());
          with_files.brief().results_in(folder.path("out"));
          return thrown([&] { with_files.run(); });
        }) == "logic_error: result files need what brief() leaves out");
}

TEST_CASE("simulation: of objectives alone it says what the whole summary says") {
  const auto summary = [](Simulation simulation) {
    return Json::parse(in_child([&] { return simulation.alone().run().dump(); }));
  };
  const Json classes = {{{"name", "a"}, {"share", 1}}, {{"name", "b"}, {"share", 2}}};
  const Json gaps = {{"limits", {{"itl", {{"p99", 0.2}}}, {"tpot", {{"p90", 0.1}}}}}};
  for (const Json& more : {Json::object(), Json{{"classes", classes}}, Json{{"slo", gaps}}}) {
    Json changes = small_cluster();
    changes.update(more);
    const Json whole = summary(simulation_of(changes));
    Simulation one = simulation_of(changes);
    one.only_objectives();
    const Json objectives = summary(std::move(one));
    for (const char* key : {"requests", "e2e", "classes", "slo", "steady"}) {
      CHECK(objectives.contains(key) == whole.contains(key));
      if (whole.contains(key)) CHECK(objectives[key] == whole[key]);
    }
    for (const char* key : {"prompt", "output"}) {
      CHECK(objectives["tokens"][key] == whole["tokens"][key]);
    }
    CHECK_FALSE(objectives.contains("power"));
  }
  const testing::TempFolder folder;
  CHECK(in_child([&] {
          Simulation with_files = simulation_of(small_cluster());
          with_files.only_objectives().results_in(folder.path("out"));
          return thrown([&] { with_files.run(); });
        }) == "logic_error: result files need what only_objectives() leaves out");
}

TEST_CASE("simulation: its order is kept") {
  const std::string told = in_child([] {
    Simulation simulation = simulation_of(small_cluster());
    Observer nobody;
    simulation.step_until(1);
    std::string text = thrown([&] { simulation.watch(nobody); }) + "; ";
    const Json first = simulation.run();
    text += (simulation.run() == first ? "same, " : "other, ");
    return text + (simulation.step_until(1e9) ? "more" : "over");
  });
  CHECK(told == "logic_error: this simulation has started already; same, over");
  CHECK(in_child([] {
          simulation_of(small_cluster()).alone().run();
          return thrown([] { simulation_of(small_cluster()).run(); });
        }) == "logic_error: a second simulation in a process whose first was to be alone");
}

TEST_CASE("simulation: neither processes nor descriptors are left") {
  REQUIRE(come_down_to(0));
  const std::string told = in_child([] {
    use_up_this_process();
    const std::size_t open = open_descriptors();
    for (int i = 0; i < 3; ++i) {
      Simulation simulation = simulation_of(small_cluster());
      simulation.step_until(1);
      if (!come_down_to(2)) return std::string("not in a process of its own");
    }
    if (!come_down_to(1)) return std::string("a run goes on that nobody wants");
    if (open_descriptors() != open) return std::string("descriptors stay open");
    if (waitpid(-1, nullptr, WNOHANG) != -1) return std::string("children to wait for");
    return std::string();
  });
  CHECK(told == "");
  CHECK(come_down_to(0));
}

TEST_CASE("simulation: where its process is killed, it says so") {
  const std::string told = in_child([] {
    use_up_this_process();
    const std::vector<pid_t> before = processes_apart();
    Simulation simulation = simulation_of(small_cluster());
    simulation.step_until(1);
    for (const pid_t pid : processes_apart()) {
      if (std::find(before.begin(), before.end(), pid) == before.end()) kill(pid, SIGKILL);
    }
    return thrown([&] { simulation.run(); });
  });
  CHECK(told == "InputError: the run's process has died");
}

}  // namespace cleave
