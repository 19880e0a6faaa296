#include "sim/cli/trace_prefixes.h"

#include <algorithm>
#include <cmath>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "models/catalogue/llm.h"
#include "sim/base/error.h"
#include "sim/cli/output_file.h"
#include "sim/cli/trace_input.h"
#include "sim/report/table.h"
#include "traces/hit_curve.h"

namespace cleave {

namespace {

struct Options {
  TraceInput input;
  std::uint32_t block_tokens = 512;
  std::vector<std::uint64_t> sizes;
  std::string llm;
  std::string kv_format;
  bool json = false;
};

/// The bytes that one token takes in the KV cache of an LLM.
std::optional<double> bytes_per_token(const Options& options) {
  if (options.llm.empty()) {
    if (options.kv_format.empty()) return {};
    throw InputError("--kv-format: says nothing without --llm NAME");
  }
  Llm llm = load_llm(options.llm, "--llm");
  if (!options.kv_format.empty()) {
    const auto& known = format_names();
    if (std::find(known.begin(), known.end(), options.kv_format) == known.end()) {
      throw_unknown_name("--kv-format", "format", options.kv_format, known);
    }
    Formats formats = llm.formats;
    formats.kv_cache = format_of(options.kv_format);
    llm.store(formats);
  }
  return llm.kv_bytes_per_token;
}

/// How large the caches of a curve are.
struct Sizes {
  std::uint32_t block_tokens;
  std::optional<double> bytes_per_token;

  std::uint64_t tokens(const HitPoint& point) const { return point.blocks * block_tokens; }
  double gib(const HitPoint& point) const {
    return static_cast<double>(tokens(point)) * *bytes_per_token / 0x1p30;
  }
};

Json point_json(const HitCurve& curve, const HitPoint& point, const Sizes& sizes) {
  Json json{{"blocks", point.blocks}, {"tokens", sizes.tokens(point)}};
  if (sizes.bytes_per_token) json["gib"] = sizes.gib(point);
  json.update({{"hit_tokens", point.hit_tokens}, {"hit_rate", curve.rate(point)}});
  return json;
}

Json curve_json(const HitCurve& curve, const Sizes& sizes) {
  Json json{{"requests", curve.requests},
            {"prompt_tokens", curve.prompt_tokens},
            {"block_tokens", curve.block_tokens},
            {"distinct_blocks", curve.distinct_blocks},
            {"largest_request_blocks", curve.largest_request_blocks}};
  if (sizes.bytes_per_token) json["kv_bytes_per_token"] = *sizes.bytes_per_token;
  json["sizes"] = Json::array();
  for (const HitPoint& point : curve.points) {
    json["sizes"].push_back(point_json(curve, point, sizes));
  }
  json["unlimited"] = point_json(curve, curve.unlimited, sizes);
  return json;
}

std::string whole(std::uint64_t number) { return grouped(static_cast<double>(number)); }

std::string curve_text(const HitCurve& curve, const Sizes& sizes) {
  constexpr double kBar = 32;
  const double best = curve.rate(curve.unlimited);
  std::vector<std::string> header{"blocks", "tokens", "hit tokens", "hit rate", ""};
  if (sizes.bytes_per_token) header.insert(header.begin() + 2, "GiB");
  Table table(std::move(header), 0);
  const auto add = [&](const HitPoint& point) {
    const double length = best > 0 ? std::round(kBar * curve.rate(point) / best) : 0;
    std::string bar(static_cast<std::size_t>(length), '#');
    bar.resize(static_cast<std::size_t>(kBar), ' ');
    std::vector<std::string> row{whole(point.blocks), whole(sizes.tokens(point)),
                                 whole(point.hit_tokens), percent(curve.rate(point)), bar};
    if (sizes.bytes_per_token) row.insert(row.begin() + 2, figure(sizes.gib(point)));
    table.add(std::move(row));
  };
  for (const HitPoint& point : curve.points) add(point);
  add(curve.unlimited);
  return whole(curve.requests) + " requests with " + whole(curve.prompt_tokens) +
         " prompt tokens, the largest in " + whole(curve.largest_request_blocks) + " blocks of " +
         whole(curve.block_tokens) + " tokens\n" + "no cache finds more than one of " +
         whole(curve.unlimited.blocks) + " blocks\n\n" + table.text();
}

int show(const Options& options) {
  const Sizes sizes{options.block_tokens, bytes_per_token(options)};
  const HitCurve curve =
      measure_hits(*options.input.open(), options.block_tokens, options.input.file, options.sizes);
  OutputFile out("-", "");
  if (options.json) {
    Json json{{"file", options.input.file}, {"format", options.input.format()}};
    json.update(curve_json(curve, sizes));
    out.stream() << readable_json(json, 3) << '\n';
  } else {
    out.stream() << curve_text(curve, sizes);
  }
  out.commit();
  return 0;
}

}  // namespace

void add_trace_prefixes(CLI::App& trace, Action& action) {
  const auto options = std::make_shared<Options>();
  CLI::App* app =
      add_reading(trace, action, "prefixes",
                  with_example("Hit rate over the size of an instance's prefix cache, for a trace "
                               "with ids of\nprompt blocks whose requests are served one after "
                               "the other.",
                               "cleave trace prefixes conversation_trace.jsonl --block-tokens 16 "
                               "--llm llama3-70b"),
                  options->input, [options] { return show(*options); });
  app->add_option("--block-tokens", options->block_tokens, "tokens of a block of the cache")
      ->capture_default_str()
      ->check(WholeNumber(1));
  app->add_option("--blocks", options->sizes,
                  "sizes of the cache to show beside powers of two, as in 4000,16000")
      ->delimiter(',')
      ->check(WholeNumber(1));
  app->add_option("--llm", options->llm, "an LLM (cleave list llms), to say sizes in GiB too");
  app->add_option("--kv-format", options->kv_format, "of its KV cache, if not the profile's");
  app->add_flag("--json", options->json, "print JSON and nothing else");
}

}  // namespace cleave
