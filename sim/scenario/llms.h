#pragma once

#include "sim/scenario/scenario.h"

namespace cleave {

/// The LLM of a pool, which names one or serves the scenario's, with the formats that it is kept
/// in: its own "weights" and "kv_format", or the scenario's. Adds it to scenario.llms where no pool
/// before this one has it, and gives its number.
std::size_t read_pool_llm(JsonReader& pool, Scenario& scenario);

/// The LLM that a class names, or the scenario's. Throws InputError where no pool serves it.
std::size_t read_class_llm(JsonReader& reader, const Scenario& scenario);

/// Throws InputError where a pool serves an LLM that nobody asks for, or a setting is for one
/// alone.
void check_llms(const Scenario& scenario);

}  // namespace cleave
