#include <cmath>
#include <iostream>
#include <memory>
#include <utility>

#include "sim/base/error.h"
#include "sim/cli/command.h"
#include "sim/cli/fitted_info.h"
#include "sim/cli/output_file.h"
#include "sim/cli/trace_fit.h"
#include "sim/cli/trace_info.h"
#include "sim/cli/trace_input.h"
#include "sim/cli/trace_prefixes.h"
#include "traces/statistics.h"
#include "traces/transform.h"
#include "traces/write.h"

namespace cleave {

namespace {

struct Output {
  std::string file;
  std::string format;
};

/// Requests as they pass, refusing times that no reader would take back.
class Checked final : public RequestSource {
 public:
  Checked(SourcePtr source, std::string place)
      : source_(std::move(source)), place_(std::move(place)) {}
  bool next(Request& request) override {
    if (!source_->next(request)) return false;
    if (!(request.arrival_s <= kMaxArrivalS)) {
      throw InputError(place_ + ": the request of line " + std::to_string(request.line) +
                       " would arrive after more than 1e9 s; expected a larger rate");
    }
    return true;
  }

 private:
  SourcePtr source_;
  std::string place_;
};

/// The format asked for, otherwise the input's if it can be written, otherwise JSON lines.
std::string output_format(const TraceInput& input, const Output& output) {
  if (!output.format.empty()) return output.format;
  const std::string format = input.format();
  for (const std::string& writable : writable_formats()) {
    if (writable == format) return format;
  }
  return "json-lines";
}

int write(const TraceInput& input, RequestSource& source, const Output& output,
          const std::string& if_empty) {
  const std::string format = output_format(input, output);
  OutputFile file(output.file, "--out");
  const std::uint64_t count = write_trace(source, format, file.stream(), "--format");
  if (count == 0) throw InputError(if_empty);
  file.commit();
  if (!file.is_stdout()) {
    std::cout << "wrote " << count << " requests to " << file.name() << " (" << format << ")\n";
  }
  return 0;
}

int info(const TraceInput& input, bool json) {
  const auto fitted = input.columns.empty() ? fitted_info(input.file, json) : std::nullopt;
  if (fitted) {
    OutputFile out("-", "");
    out.stream() << *fitted;
    out.commit();
    return 0;
  }
  const auto reader = input.open();
  const TraceStatistics statistics = measure_trace(*reader);
  const std::string format = input.format();
  OutputFile out("-", "");
  if (json) {
    Json all{{"file", input.file}, {"format", format}};
    all.update(statistics_json(statistics));
    out.stream() << readable_json(all, 2) << '\n';
  } else {
    const auto again = input.open();
    out.stream() << trace_info_text(statistics, input.file, format,
                                    rate_over_time(statistics, *again));
  }
  out.commit();
  return 0;
}

int convert(const TraceInput& input, const Output& output) {
  return write(input, *input.open(), output, input.file + ": holds no request");
}

int cut(const TraceInput& input, const TraceWindow& window, const Output& output) {
  if (!window.given()) throw InputError("cut: expected --from, --to or both");
  window.check();
  const SourcePtr source = cut_window(input.open(), window.begin_s(), window.end_s());
  return write(input, *source, output, window.nothing_in(input.file));
}

int scale(const TraceInput& input, double rate, const Output& output) {
  if (!(rate > 0 && std::isfinite(rate))) throw InputError("--rate: expected a number above 0");
  Checked source(scale_rate(input.open(), rate), "--rate");
  return write(input, source, output, input.file + ": holds no request");
}

struct Options {
  TraceInput input;
  Output output;
  bool json = false;
  TraceWindow window;
  double rate = 1;
};
using OptionsPtr = std::shared_ptr<Options>;

std::string format_names() {
  std::string names;
  for (const std::string& name : writable_formats()) names += (names.empty() ? "" : ", ") + name;
  return names;
}

void add_output(CLI::App* app, const OptionsPtr& options) {
  app->add_option("-o,--out", options->output.file, "file to write; - is standard output")
      ->required();
}

void add_format(CLI::App* app, const OptionsPtr& options) {
  app->add_option("--format", options->output.format,
                  format_names() +
                      "; if left out, FILE's where it is one of these,\n"
                      "otherwise json-lines");
}

void add_info(CLI::App& trace, Action& action) {
  const auto options = std::make_shared<Options>();
  CLI::App* app = add_reading(
      trace, action, "info",
      with_example(
          "Describes a trace: rates, burstiness, lengths, shared prefixes; of a distribution or a\n"
          "mix of clients, what is drawn from it.",
          "cleave trace info requests.csv --columns arrival=ts,prompt=in,output=out,unit=ms"),
      options->input, [options] { return info(options->input, options->json); });
  app->add_flag("--json", options->json, "print JSON, with the rate over time, and nothing else");
}

void add_writing(CLI::App& trace, Action& action) {
  auto options = std::make_shared<Options>();
  CLI::App* app = add_reading(
      trace, action, "convert",
      with_example("Writes a trace in another format. Block ids of prompts are not kept; azure\n"
                   "counts times from the first request.",
                   "cleave trace convert conversation_trace.jsonl --format azure -o conv.csv"),
      options->input, [options] { return convert(options->input, options->output); });
  add_output(app, options);
  app->add_option("--format", options->output.format, format_names())->required();

  options = std::make_shared<Options>();
  app = add_reading(
      trace, action, "cut",
      with_example(
          "Writes the requests that arrive in a window of time, whose beginning becomes 0.",
          "cleave trace cut conv.csv --from 600 --to 1200 -o ten-minutes.csv"),
      options->input, [options] { return cut(options->input, options->window, options->output); });
  add_window(app, options->window);
  add_output(app, options);
  add_format(app, options);

  options = std::make_shared<Options>();
  app = add_reading(trace, action, "scale",
                    with_example("Writes the same requests faster or slower.",
                                 "cleave trace scale conv.csv --rate 2.5 -o faster.csv"),
                    options->input,
                    [options] { return scale(options->input, options->rate, options->output); });
  app->add_option("--rate", options->rate,
                  "factor of the arrival rate: 2 halves every arrival time")
      ->required();
  add_output(app, options);
  add_format(app, options);
}

void add_trace(CLI::App& app, Action& action) {
  CLI::App* trace = app.add_subcommand(
      "trace", with_example("Trace files: describe, convert, cut and scale them, fit "
                            "distributions and mixes of clients to them.",
                            "cleave trace info AzureLLMInferenceTrace_conv.csv"));
  trace->require_subcommand(1);
  add_info(*trace, action);
  add_trace_prefixes(*trace, action);
  add_writing(*trace, action);
  add_trace_fit(*trace, action);
}

const Command kCommand{50, add_trace};

}  // namespace

}  // namespace cleave
