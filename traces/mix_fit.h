#pragma once

#include <cstddef>
#include <limits>
#include <optional>
#include <string>
#include <vector>

#include "traces/client_mix.h"
#include "traces/trace_reader.h"

namespace cleave {

/// What a mix is made of.
struct MixFitSettings {
  /// So many clients, those with most requests, stay apart; all others become one more, which sends
  /// as independent users do (gap_cv 1). Without: all of them, or the first kMostClients.
  std::optional<std::size_t> clients;
  double bin_s = 600;  ///< of the rates over time
  double from_s = 0;  ///< the part of the traffic: what arrives from here on, which becomes time 0,
  double to_s = std::numeric_limits<double>::infinity();  ///< and before this
};
inline constexpr std::size_t kMostClients = 100;
inline constexpr std::size_t kMixQuantiles = 101;

/// Who stays apart, by number, the one with most requests first; and who does not.
struct ChosenClients {
  std::vector<std::size_t> apart;
  std::vector<std::size_t> together;
};
/// Those who sent nothing are left out; of equal numbers of requests the first goes first.
ChosenClients choose_clients(const std::vector<double>& requests, std::optional<std::size_t> most);

/// A mix, and what did not go into it.
struct FittedMix {
  ClientMix mix;
  std::uint64_t behind = 0;           ///< requests behind the last whole bin
  std::vector<std::string> left_out;  ///< what clients say beside lengths, by name
};

/// The clients that the trace names (TraceReader::client()), by the requests of whole bins; of a
/// trace shorter than one, of all. A client's gap_cv is of its gaps in the time in which its rate
/// is 1, so that a rate that changes from bin to bin is no burstiness; the gap from its last
/// request to its first in the next round is one of them. It is 1 where there are fewer than three.
/// Throws InputError where no request is in the part asked for, or all arrive at once. Keeps 16
/// bytes a request.
FittedMix fit_clients(TraceReader& reader, const MixFitSettings& settings,
                      const std::string& place);

/// Reads a folder of ServeGen's data: of each client chunk-N-trace.csv, lines of
/// start_s,rate_rps,cv,pattern,parameters, and chunk-N-dataset.json, probabilities of lengths by
/// the second from which on they hold. Rates are as they stand there (bin_s is not looked at). cv
/// is the mean of the lines', weighted by their requests: a Weibull pattern is drawn as a gamma
/// process of the same cv. Lengths are weighted by the requests sent while they hold; windows that
/// say none, or only lengths of 0, have those of the window before (of the first that says any).
/// How prompts and outputs go together is not known: rank_correlation is 0. Prompts are
/// "input_tokens", or "text_tokens" where those are missing. Throws InputError.
FittedMix fit_servegen(const std::string& folder, const MixFitSettings& settings);

}  // namespace cleave
