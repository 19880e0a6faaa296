#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "models/catalogue/format.h"

namespace cleave {

/// One measured run of a batch of equal prompts, each generating up to `token_size` tokens.
struct Measurement {
  std::uint64_t line = 0;  ///< in its file, from 1
  std::string llm;
  std::string gpu;
  double power_cap = 1;
  std::uint32_t tensor_parallel = 0;
  Formats formats;
  double prompt_size = 0;
  double batch_size = 0;
  double token_size = 0;
  double prompt_s = 0;  ///< until the first token
  double token_s = 0;   ///< mean gap between tokens
  double e2e_s = 0;
  double peak_power = 0;     ///< of the GPU's TDP; 0: not measured
  double average_power = 0;  ///< over the run
  std::string left_out;      ///< why it does not count; "": it does

  double prompt_tokens() const { return prompt_size * batch_size; }
  double squared_prompt_tokens() const { return prompt_size * prompt_size * batch_size; }
  /// Tokens that each sequence really generated: runs end early where the LLM ends its answer.
  double generated() const;
  /// KV tokens that a decode iteration reads, on average over the run.
  double mean_kv_tokens() const { return batch_size * (prompt_size + generated() / 2); }
  /// "llama2-70b, a100-80gb, tensor parallel 2, weights in fp8"
  std::string configuration() const;
  std::string batch() const;  ///< "64 x 512 tokens"
};

/// JSON files of LLMs and GPUs that are not built in; each goes by its name without ".json".
struct OwnProfiles {
  std::vector<std::string> llms;
  std::vector<std::string> gpus;
};

struct Measurements {
  std::vector<Measurement> rows;
  std::string provenance;  ///< what the file's comments say, lines joined by "; "
};

/// Reads a CSV with the columns model, hardware, prompt_size, batch_size, token_size, peak_power,
/// average_power, prompt_time, token_time, e2e_time (ms), tensor_parallel, in any order, and, if
/// wanted, weight_format and kv_cache_format (else fp16); lines that begin with "#" are comments.
/// Hardware is the name of a GPU; "-pcap" at its end means a cap of
/// 70 %, "-cap55" one of 55 %. Throws InputError with every defect of the file, one a line.
Measurements read_measurements(const std::string& file, const OwnProfiles& own = {});

}  // namespace cleave
