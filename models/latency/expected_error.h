#pragma once

#include <optional>
#include <string>

#include "models/latency/engine_profile.h"

namespace cleave {

/// Median errors of TPOT and TTFT that an LLM on a GPU can be expected to have: where both were
/// among what the engine was fitted to, those of all of it; else the largest of those that were
/// left out in the same way, 30 runs and more. Nothing where the profile has no errors.
std::optional<EngineError> expected_error(const EngineProfile& engine, const std::string& llm,
                                          const std::string& gpu);

/// How many times as long as predicted a latency is at most, with this confidence, where its median
/// error is `median`. Logarithms of measured over predicted are taken as a Laplace distribution,
/// which has the long tails that measured errors have: (1 + median)^log2(0.5 / (1 - confidence)).
/// `confidence` from 0.5, of which the factor is 1, to below 1.
double longer_with(double confidence, double median);

}  // namespace cleave
