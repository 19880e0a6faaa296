#pragma once

#include <pybind11/pybind11.h>

#include <string>

namespace cleave::python {

/// Makes `factory` known to scenarios as the scheduler `name`: a callable that takes a Cluster and
/// gives an object with place(demand). A name that Python registered before now means `factory`;
/// throws InputError for one of Cleave's own.
void register_scheduler(const std::string& name, const std::string& summary,
                        const pybind11::object& factory);

/// The classes that schedulers in Python see: Cluster, Load, Demand.
void add_scheduler_classes(pybind11::module_& module);

}  // namespace cleave::python
