// cleave._cleave: what the package takes from the library. JSON goes through as text.

#include <pthread.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <csignal>

#include "python/scheduler.h"
#include "sim/base/child_process.h"
#include "sim/base/program.h"
#include "sim/explore/plan.h"
#include "sim/explore/process_pool.h"
#include "sim/explore/sweep.h"
#include "sim/load_plugin.h"
#include "sim/simulation.h"

namespace py = pybind11;

namespace cleave::python {

namespace {

/// Whether a fork is one of ours: simulations run in children, as the network engine's clock starts
/// once per process. They have the interpreter as it is here, and so the schedulers written in
/// Python.
bool forking = false;

class Forking {
 public:
  Forking() {
    // What Python has buffered would be printed by the children too.
    flush();
    forking = true;
  }
  ~Forking() { forking = false; }
  Forking(const Forking&) = delete;
  Forking& operator=(const Forking&) = delete;

  static void flush() {
    for (const char* name : {"stdout", "stderr"}) {
      const py::object stream = py::module_::import("sys").attr(name);
      if (!stream.is_none()) stream.attr("flush")();
    }
  }
};

/// A child that belongs to Python ends by SIGINT, instead of noting it for a Python that waits.
void in_child_of_ours() {
  if (!forking) return;
  PyOS_AfterFork_Child();
  std::signal(SIGINT, SIG_DFL);
}

/// `work`, which forks. Ctrl-C ends the children; here it is a KeyboardInterrupt then.
template <class Work>
auto with_children(const Work& work) {
  const Forking guard;
  try {
    return work();
  } catch (const ChildDied&) {
    if (PyErr_CheckSignals() != 0) throw py::error_already_set();
    throw;
  }
}

std::string run(const std::string& changes, const std::string& folder) {
  const Json document = parse_json(changes, "scenario");
  return with_children([&] {
    return in_child([&] {
      Simulation simulation = Simulation::from(document);
      const std::string summary = simulation.results_in(folder).alone().run().dump();
      Forking::flush();
      return summary;
    });
  });
}

/// What a name or a JSON text stands for, and the place that messages name.
std::pair<Json, std::string> read_spec(const char* folder, const char* kind,
                                       const std::string& name, const std::string& text) {
  if (!name.empty()) return {load_profile(folder, kind, name, kind), name};
  return {parse_json(text, kind), kind};
}

/// How many points there are, and how many of them failed.
std::pair<std::uint64_t, std::uint64_t> sweep(const std::string& name, const std::string& text,
                                              const std::string& out, std::size_t parallel) {
  const auto [json, place] = read_spec("profiles/sweeps", "sweep", name, text);
  const SweepSpec spec(json, place);
  check_readable(spec);
  ResultsStore store(out, spec);
  PointQueue queue(spec, store, {}, [](const PointQueue&) {});
  with_children([&] {
    run_points(queue, parallel == 0 ? usable_cores() : parallel);
    return 0;
  });
  return {queue.total(), queue.failed()};
}

std::string plan(const std::string& name, const std::string& text, std::size_t parallel) {
  const auto [json, place] = read_spec("profiles/plans", "plan", name, text);
  const PlanSpec spec = read_plan(json, place);
  return with_children([&] {
    return find_plan(spec, parallel == 0 ? usable_cores() : parallel, [](std::size_t) {}).dump();
  });
}

}  // namespace

}  // namespace cleave::python

PYBIND11_MODULE(_cleave, module) {
  using namespace cleave;
  pthread_atfork(nullptr, nullptr, python::in_child_of_ours);
  py::register_exception<InputError>(module, "InputError", PyExc_ValueError).doc() =
      "What is wrong with a scenario, a plan or a file, in one sentence.";
  py::register_exception<BrokenInvariant>(module, "BrokenInvariant", PyExc_RuntimeError).doc() =
      "A mistake of Cleave's own.";
  python::add_scheduler_classes(module);
  module.def("register_scheduler", &python::register_scheduler);
  module.def("load_plugin", &load_plugin);
  module.def("version", &program_version);
  module.def("run", &python::run);
  module.def("sweep", &python::sweep);
  module.def("plan", &python::plan);
}
