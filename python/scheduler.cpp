#include "python/scheduler.h"

#include <map>
#include <optional>

#include "sim/base/error.h"
#include "sim/scheduling/scheduler.h"

namespace py = pybind11;

namespace cleave::python {

namespace {

/// By name. Never destroyed: the interpreter may have gone by then.
std::map<std::string, py::object>& factories() {
  static auto* const all = new std::map<std::string, py::object>;
  return *all;
}

/// What a scheduler in Python sees of the cluster. The loads are those of the cluster itself: they
/// change while it runs.
class Cluster {
 public:
  explicit Cluster(ClusterView& view) : view_(view) {
    for (const InstanceLoad& load : view.loads()) {
      loads_.append(py::cast(load, py::return_value_policy::reference));
    }
  }
  const py::list& loads() const { return loads_; }
  bool has_queue(InstanceId instance) const { return view_.has_queue(checked(instance)); }
  std::uint32_t cached_tokens(InstanceId instance, const Demand& demand) const {
    return view_.cached_tokens(checked(instance), demand);
  }

 private:
  InstanceId checked(InstanceId instance) const {
    if (instance < view_.loads().size()) return instance;
    throw py::index_error("instance " + std::to_string(instance) + " of " +
                          std::to_string(view_.loads().size()));
  }

  ClusterView& view_;
  py::list loads_;
};

/// Asks an object of Python.
class PythonScheduler : public Scheduler {
 public:
  PythonScheduler(std::string name, ClusterView& view)
      : name_(std::move(name)),
        instances_(view.loads().size()),
        object_(factories().at(name_)(Cluster(view))),
        place_(object_.attr("place")),
        load_changed_(optional("load_changed")),
        instance_free_(optional("instance_free")) {}

  Placement place(const Demand& demand) override {
    const py::object placed = place_(py::cast(demand, py::return_value_policy::reference));
    if (placed.is_none()) return {};
    if (py::isinstance<py::int_>(placed)) {
      const InstanceId both = instance(placed, placed);
      return {both, both};
    }
    if (!py::isinstance<py::tuple>(placed) || py::len(placed) != 2) refuse(placed);
    const auto pair = placed.cast<py::tuple>();
    return {instance(pair[0], placed), instance(pair[1], placed)};
  }
  void load_changed(InstanceId instance) override {
    if (load_changed_) (*load_changed_)(instance);
  }
  void instance_free(InstanceId instance) override {
    if (instance_free_) (*instance_free_)(instance);
  }

 private:
  std::optional<py::object> optional(const char* method) const {
    if (!py::hasattr(object_, method)) return {};
    return object_.attr(method);
  }
  InstanceId instance(const py::handle& number, const py::object& placed) const {
    if (!py::isinstance<py::int_>(number)) refuse(placed);
    const auto id = number.cast<long long>();
    if (id < 0 || static_cast<std::size_t>(id) >= instances_) refuse(placed);
    return static_cast<InstanceId>(id);
  }
  [[noreturn]] void refuse(const py::object& placed) const {
    throw InputError("scheduler " + name_ + ": place() gave " +
                     py::repr(placed).cast<std::string>() +
                     "; expected an instance, (prompt instance, token instance) or None, of " +
                     std::to_string(instances_) + " instances");
  }

  std::string name_;
  std::size_t instances_;
  py::object object_;
  py::object place_;
  std::optional<py::object> load_changed_;
  std::optional<py::object> instance_free_;
};

}  // namespace

void register_scheduler(const std::string& name, const std::string& summary,
                        const py::object& factory) {
  if (!factories().contains(name)) {
    const Schedulers::Entry entry(name, summary, [name](ClusterView& cluster) {
      return std::make_unique<PythonScheduler>(name, cluster);
    });
    if (!names_taken().empty()) {
      names_taken().clear();
      throw InputError("scheduler: \"" + name + "\" is one of Cleave's; expected another name");
    }
  }
  factories()[name] = factory;
}

void add_scheduler_classes(py::module_& module) {
  py::class_<InstanceLoad>(module, "Load", "What is on an instance, now.")
      .def_property_readonly("home", [](const InstanceLoad& load) { return role_name(load.home); })
      .def_property_readonly("up", &InstanceLoad::up)
      .def_readonly("pending_tokens", &InstanceLoad::pending_tokens)
      .def_readonly("reserved_tokens", &InstanceLoad::reserved_tokens)
      .def_readonly("capacity_tokens", &InstanceLoad::capacity_tokens)
      .def_readonly("requests", &InstanceLoad::requests)
      .def_readonly("machine", &InstanceLoad::machine);
  py::class_<Demand>(module, "Demand", "What a request asks for.")
      .def_readonly("prompt_tokens", &Demand::prompt_tokens)
      .def_readonly("output_tokens", &Demand::output_tokens)
      .def_readonly("output_limit", &Demand::output_limit)
      .def_property_readonly("prompt_kv_tokens", &Demand::prompt_kv_tokens)
      .def_property_readonly("kv_tokens", &Demand::kv_tokens)
      .def_property_readonly("most_kv_tokens", &Demand::most_kv_tokens);
  py::class_<Cluster>(module, "Cluster", "What a scheduler may see.")
      .def_property_readonly("loads", &Cluster::loads, "by instance; they change as it runs")
      .def("has_queue", &Cluster::has_queue, py::arg("instance"))
      .def("cached_tokens", &Cluster::cached_tokens, py::arg("instance"), py::arg("demand"));
}

}  // namespace cleave::python
