#pragma once

#include <string>

#include "sim/base/json_reader.h"

namespace cleave {

/// The profile of an LLM (as in profiles/llms) from its Hugging Face config.json, `document`:
/// Llama, Mistral, Mixtral, Qwen, Gemma, gpt-oss, DeepSeek, Kimi, GLM, MiniMax, GPT-2, OPT and
/// BLOOM, and others with the same fields; of one that takes images too, the decoder. Parameters
/// are counted from the sizes: embeddings, attention, MLPs with their experts. Throws InputError
/// naming `place`, also where the sizes are none that read_llm() takes, and where a field may
/// change what the LLM costs and is not known.
Json llm_from_config(const Json& document, const std::string& place);

}  // namespace cleave
