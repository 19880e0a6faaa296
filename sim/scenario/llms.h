#pragma once

#include "sim/base/setting.h"
#include "sim/scenario/scenario.h"

namespace cleave {

inline const Setting kPoolLlm{"llm", nullptr, "", "that it serves; the scenario's",
                              words("a name, also of Hugging Face, or a .json file")};
inline const Setting kPoolWeights{"weights", nullptr, "",
                                  "how those of its own LLM are stored, where that is not as the "
                                  "scenario's are",
                                  words("as the scenario's weights")};
inline const Setting kPoolKvFormat{
    "kv_format", nullptr, "", "of keys and values of its own LLM; kv_cache.format", any_format()};
inline const Setting kClassLlm{"llm", nullptr, "", "that it asks for; the scenario's",
                               words("one that a pool serves")};

/// The LLM of a pool, which names one or serves the scenario's, with the formats that it is kept
/// in: its own "weights" and "kv_format", or the scenario's. Adds it to scenario.llms where no pool
/// before this one has it, and gives its number.
std::size_t read_pool_llm(JsonReader& pool, Scenario& scenario);

/// Throws InputError where the scenario's "weights" has a key that nobody knows.
void check_weights(JsonReader& scenario);

/// The LLM that a class names, or the scenario's. Throws InputError where no pool serves it.
std::size_t read_class_llm(JsonReader& reader, const Scenario& scenario);

/// Throws InputError where a pool serves an LLM that nobody asks for, or a setting is for one
/// alone.
void check_llms(const Scenario& scenario);

}  // namespace cleave
