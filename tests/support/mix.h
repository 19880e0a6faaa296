#pragma once

#include <string>
#include <vector>

#include "sim/base/json_reader.h"
#include "tests/support/temp_folder.h"

namespace cleave::testing {

/// A client of a mix all of whose prompts have one length, by which its requests are known.
inline Json mix_client(std::uint32_t prompt_tokens, const std::vector<double>& rates_rps,
                       double gap_cv = 1) {
  return {{"rates_rps", rates_rps},
          {"gap_cv", gap_cv},
          {"prompt_quantiles", {prompt_tokens, prompt_tokens}},
          {"output_quantiles", {1, 50}}};
}

inline Json mix_of(const std::vector<Json>& clients, double rate_bin_s = 600) {
  return {{"rate_bin_s", rate_bin_s}, {"clients", clients}};
}

}  // namespace cleave::testing
