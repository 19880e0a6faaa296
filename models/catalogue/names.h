#pragma once

#include <string>

namespace cleave {

/// The catalogue's name for what others call an LLM ("meta-llama/Llama-3.1-8B-Instruct") or a GPU
/// ("h100_sxm"); "" where there is none.
std::string known_llm(const std::string& name);
std::string known_gpu(const std::string& name);

}  // namespace cleave
