#include "sim/cli/trace_fit.h"

#include <algorithm>
#include <filesystem>
#include <iostream>
#include <memory>
#include <optional>
#include <string>
#include <system_error>

#include "sim/base/error.h"
#include "sim/cli/output_file.h"
#include "sim/cli/trace_input.h"
#include "traces/distribution.h"
#include "traces/mix_fit.h"
#include "traces/transform.h"

namespace cleave {

namespace {

constexpr double kLongestBinS = 1e9;

struct Options {
  TraceInput input;
  TraceWindow window;
  std::optional<std::int64_t> clients;
  std::optional<double> bin_s;
  std::string out;
  DistributionOrigin origin;
};

void check(const Options& options) {
  if (options.out != "-" && !options.out.ends_with(".json")) {
    throw InputError("--out " + options.out + ": expected a name ending with .json");
  }
  options.window.check();
  if (options.clients && *options.clients < 1) {
    throw InputError("--clients: expected a whole number, at least 1");
  }
  if (options.bin_s && !(*options.bin_s > 0 && *options.bin_s <= kLongestBinS)) {
    throw InputError("--bin-s: expected a number of seconds, above 0 to 1e9");
  }
  require_utf8(options.origin.source, "--source");
  require_utf8(options.origin.licence, "--licence");
  require_utf8(options.origin.cite, "--cite");
}

/// Writes `json`; says on standard output that it was `what`.
void write(const Options& options, const Json& json, const std::string& what) {
  OutputFile file(options.out, "--out");
  file.stream() << distribution_text(json);
  file.commit();
  if (!file.is_stdout()) std::cout << "wrote " << what << " to " << file.name() << '\n';
}

void refuse_with_folder(const Options& options) {
  if (!options.input.columns.empty()) {
    throw InputError("--columns: is for a trace, not for a folder of ServeGen's data");
  }
  if (options.input.skip) {
    throw InputError("--skip-unreadable: is for a trace, not for a folder of ServeGen's data");
  }
  if (options.bin_s) {
    throw InputError("--bin-s: is for a trace; ServeGen's data has bins of its own");
  }
}

[[noreturn]] void refuse_without_names(const std::string& option) {
  throw InputError(option +
                   ": needs to know who sent each request; expected --columns with client=NAME, or "
                   "a folder of ServeGen's data");
}

SourcePtr open_part(const Options& options) {
  return cut_window(options.input.open(), options.window.begin_s(), options.window.end_s());
}

/// "the mix of 100 clients and all others as one, 2400 requests,".
std::string description(const ClientMix& mix, const MixFitSettings& settings) {
  std::uint64_t requests = 0;
  for (const MixClient& client : mix.clients) requests += client.requests;
  const std::size_t most = settings.clients.value_or(kMostClients);
  const std::size_t apart = std::min(mix.clients.size(), most);
  return "the mix of " + std::to_string(apart) + (apart == 1 ? " client" : " clients") +
         (mix.clients.size() > most ? " and all others as one" : "") + ", " +
         std::to_string(requests) + " requests,";
}

int fit_mix(const Options& options, bool folder) {
  MixFitSettings settings;
  if (options.clients) settings.clients = static_cast<std::size_t>(*options.clients);
  if (options.bin_s) settings.bin_s = *options.bin_s;
  settings.from_s = options.window.begin_s();
  settings.to_s = options.window.end_s();
  FittedMix made;
  if (folder) {
    made = fit_servegen(options.input.file, settings);
  } else {
    made = fit_clients(*options.input.open(), settings, options.input.file);
  }
  write(options, client_mix_json(made.mix, options.origin), description(made.mix, settings));
  if (made.behind > 0) {
    std::cerr << "left out: " << made.behind
              << " requests behind the last whole bin; --bin-s takes shorter ones\n";
  }
  if (!made.left_out.empty()) {
    std::string names;
    for (const std::string& name : made.left_out) names += (names.empty() ? "" : ", ") + name;
    std::cerr << "left out, as requests here have none: " << names << '\n';
  }
  return 0;
}

int fit(Options& options) {
  check(options);
  std::error_code unknown;
  const bool folder = std::filesystem::is_directory(options.input.file, unknown);
  if (folder) refuse_with_folder(options);
  Request first;
  if (!folder && options.window.given() && !open_part(options)->next(first)) {
    throw InputError(options.window.nothing_in(options.input.file));
  }
  const bool named = !options.input.columns.empty() &&
                     !parse_columns(options.input.columns, "--columns").client.empty();
  if (folder || named) return fit_mix(options, folder);
  if (options.clients) refuse_without_names("--clients");
  if (options.bin_s) refuse_without_names("--bin-s");
  const Json distribution = fit_distribution(*open_part(options), options.origin);
  write(options, distribution,
        "the distribution of " + distribution.at("requests").dump() + " requests");
  return 0;
}

}  // namespace

void add_trace_fit(CLI::App& trace, Action& action) {
  const auto options = std::make_shared<Options>();
  options->input.by_client = true;
  CLI::App* app = add_reading(
      trace, action, "fit",
      with_example(
          "Writes what cleave generates traffic from (as workload.trace of a scenario): the "
          "distribution of a trace's lengths and its rate over time or, where the trace says who "
          "sent each request, a mix of clients, each with its own. FILE can be a folder of "
          "ServeGen's data.",
          "cleave trace fit conv.csv -o conv.json --licence \"CC-BY 4.0\""),
      options->input, [options] { return fit(*options); });
  app->add_option("-o,--out", options->out, "file to write (.json); - is standard output")
      ->required();
  app->add_option("--clients", options->clients,
                  "of a mix: how many stay apart, those with most requests; all\n"
                  "others become one more; if left out, all or 100");
  app->add_option("--bin-s", options->bin_s,
                  "of a mix: seconds of each rate over time; 600 if left out");
  add_window(app, options->window);
  app->add_option("--source", options->origin.source, "where the trace comes from");
  app->add_option("--licence", options->origin.licence, "its licence");
  app->add_option("--cite", options->origin.cite, "the publication to cite");
}

}  // namespace cleave
