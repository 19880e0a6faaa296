#pragma once

#include <optional>
#include <string>
#include <vector>

#include "models/catalogue/names.h"
#include "sim/base/json_reader.h"

namespace cleave {

/// Means over the requests of a measured run, where they were measured.
struct MeasuredFigures {
  std::optional<double> ttft_s;
  std::optional<double> tpot_s;
  std::optional<double> e2e_s;
  std::optional<double> output_tokens_per_s;
};

/// One measured run of a serving engine, and the scenario that is to repeat it.
struct MeasuredPoint {
  std::string id;
  std::string llm;                ///< as Cleave knows it, or the file where it does not
  std::string gpu;                ///< the same
  std::string engine;             ///< "vllm", "sglang", "trtllm"; "" where nothing says
  std::string layout;             ///< "tp4", "tp1 dp4 ep4", "split"
  std::uint32_t concurrency = 0;  ///< 0: open arrivals
  bool requests = false;          ///< a run of single requests, not a row of many
  std::string assumed;  ///< what the file leaves open, and what is taken instead; "": nothing
  MeasuredFigures measured;
  Json scenario;        ///< changes to the default scenario
  std::string why_not;  ///< why it cannot be described; "" where it can
};

/// What the command line says beside a file of measurements.
struct MeasuredSources {
  std::string scenario;               ///< a file; "": none
  std::vector<std::string> settings;  ///< path=value
};

/// A way to write measurements down; recognised by what a file holds.
struct MeasuredFormat {
  /// Whether `text`, the first 64 KiB of a file, is of this format.
  bool (*recognises)(const std::string& text);
  std::vector<MeasuredPoint> (*read)(const std::string& file, const MeasuredSources& sources);
};

/// The runs of a file. Throws InputError for what is no format that is known, naming those that
/// are.
std::vector<MeasuredPoint> read_measured(const std::string& file, const MeasuredSources& sources);

/// Rows of aiconfigurator's silicon_sample.csv: one closed loop each.
extern const MeasuredFormat kSiliconRows;
/// Throughput at saturation, as TensorRT-LLM publishes it.
extern const MeasuredFormat kThroughputRows;
/// JSON lines of a vLLM server, a request each, with meta.json beside them.
extern const MeasuredFormat kRequestLines;
/// What `vllm bench serve --save-result` writes; with --save-detailed, request by request.
extern const MeasuredFormat kBenchServe;
/// AIPerf's profile_export.jsonl, request by request, and profile_export_aiperf.json, means.
extern const MeasuredFormat kAiperfRequests;
extern const MeasuredFormat kAiperfMeans;
/// GuideLLM's benchmarks.json: runs, request by request where it kept all of them.
extern const MeasuredFormat kGuidellm;
/// BLIS's TraceV2, request by request.
extern const MeasuredFormat kBlisTrace;

/// The smallest machine with so many of this GPU without a power cap; "" where there is none.
std::string machine_with(const std::string& gpu, std::uint32_t gpus);

}  // namespace cleave
