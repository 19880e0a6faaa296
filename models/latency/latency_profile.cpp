#include "models/latency/latency_profile.h"

#include <algorithm>
#include <cmath>

#include "sim/base/builtin.h"
#include "sim/base/error.h"

namespace cleave {

namespace {

Json line_json(const PiecewiseLinear& line, const char* x, const char* y) {
  return {{x, line.x()}, {y, line.y()}};
}

PiecewiseLinear read_line(JsonReader reader, const char* x, const char* y) {
  std::vector<double> xs = reader.numbers(x, kNonNegative);
  std::vector<double> ys = reader.numbers(y, kNonNegative);
  if (xs.empty() || xs.size() != ys.size()) {
    reader.fail(y, "expected as many values as " + std::string(x) + ", and at least one");
  }
  for (std::size_t i = 1; i < xs.size(); ++i) {
    if (xs[i] <= xs[i - 1]) reader.fail(x, "expected ascending values");
  }
  return {std::move(xs), std::move(ys)};
}

Json error_json(const FitError& error) {
  return {{"all", error.all}, {"split", error.split}, {"leave_one_out", error.leave_one_out}};
}

FitError read_error(JsonReader reader) {
  FitError error;
  error.all = reader.number("all", kNonNegative);
  error.split = reader.number("split", kNonNegative);
  error.leave_one_out = reader.number("leave_one_out", kNonNegative);
  reader.finish();
  return error;
}

}  // namespace

PrefillCost PrefillFit::cost(double tokens, double pairs, double decodes) const {
  const double one_prompt = tokens * tokens;
  PrefillCost cost{std::max(0.0, by_tokens(tokens + decodes)) + per_squared_token_s * pairs +
                       per_shared_token_s * shared_tokens(tokens, pairs),
                   per_squared_token_s};
  if (pairs < one_prompt) {
    cost.per_pair_s -= per_shared_token_s / tokens;
    cost.most_pairs = one_prompt;
  }
  return cost;
}

DecodeCost DecodeFit::cost(double sequences) const {
  return {std::max(0.0, by_sequences(sequences)), per_kv_token_s};
}

std::string latency_profile_name(const std::string& llm, const std::string& gpu, double power_cap,
                                 std::uint32_t tensor_parallel, Formats formats) {
  std::string name = llm + "_" + gpu;
  if (power_cap < 1) name += "_cap" + std::to_string(std::lround(power_cap * 100));
  if (formats.weights != Format::kFp16) name += "_" + format_name(formats.weights);
  if (formats.experts != formats.weights) name += "_experts-" + format_name(formats.experts);
  if (formats.kv_cache != Format::kFp16) name += "_kv-" + format_name(formats.kv_cache);
  return name + "_tp" + std::to_string(tensor_parallel);
}

std::string LatencyProfile::name() const {
  return latency_profile_name(llm, gpu, power_cap, tensor_parallel, formats);
}

Accepts any_format() {
  Accepts accepts = one_of(format_names());
  // Of the same size, and computed at the same speed.
  accepts.synonyms = {{"bf16", "fp16"}, {"bfloat16", "fp16"}, {"float16", "fp16"}};
  return accepts;
}

Format read_format(JsonReader& reader, std::string_view key) {
  if (!reader.has(key)) return Format::kFp16;
  const Accepts accepts = any_format();
  return format_of(accepts.meant(reader.name(key, "format", accepts.all_names())));
}

Json latency_profile_json(const LatencyProfile& profile) {
  Json json{{"llm", profile.llm},
            {"gpu", profile.gpu},
            {"power_cap", profile.power_cap},
            {"tensor_parallel", profile.tensor_parallel},
            {"weight_format", format_name(profile.formats.weights)},
            {"kv_cache_format", format_name(profile.formats.kv_cache)},
            {"source", profile.source},
            {"licence", profile.licence},
            {"software", profile.software},
            {"rows", profile.rows},
            {"left_out", profile.left_out}};
  json["prefill"] = line_json(profile.prefill.by_tokens, "tokens", "seconds");
  json["prefill"]["per_squared_token_s"] = profile.prefill.per_squared_token_s;
  json["prefill"]["per_shared_token_s"] = profile.prefill.per_shared_token_s;
  json["prefill"]["error"] = error_json(profile.prefill_error);
  json["decode"] = line_json(profile.decode.by_sequences, "sequences", "seconds");
  json["decode"]["per_kv_token_s"] = profile.decode.per_kv_token_s;
  json["decode"]["error"] = error_json(profile.decode_error);
  json["medians"] = {{"tokens", profile.median_prompt_s.x()},
                     {"prompt_s", profile.median_prompt_s.y()},
                     {"token_s", profile.median_token_s.y()}};
  if (profile.power) {
    json["power"] = {{"prompt", line_json(profile.power->prompt, "tokens", "of_tdp")},
                     {"decode_of_tdp", profile.power->decode}};
  }
  return json;
}

LatencyProfile read_latency_profile(const Json& json, const std::string& place) {
  JsonReader reader(json, place);
  LatencyProfile profile;
  profile.llm = reader.text("llm");
  profile.gpu = reader.text("gpu");
  profile.power_cap = reader.number("power_cap", kFraction);
  profile.tensor_parallel = static_cast<std::uint32_t>(reader.integer("tensor_parallel", 1, 4096));
  profile.formats = {read_format(reader, "weight_format"), read_format(reader, "kv_cache_format")};
  profile.source = reader.text("source", "");
  profile.licence = reader.text("licence", "");
  profile.software = reader.text("software", "");
  profile.rows = static_cast<std::uint64_t>(reader.integer("rows", 0, 1'000'000'000));
  profile.left_out = reader.texts("left_out");
  JsonReader prefill = reader.object("prefill");
  profile.prefill = {read_line(prefill, "tokens", "seconds"),
                     prefill.number("per_squared_token_s", kNonNegative),
                     prefill.number("per_shared_token_s", kNonNegative)};
  profile.prefill_error = read_error(prefill.object("error"));
  JsonReader decode = reader.object("decode");
  profile.decode = {read_line(decode, "sequences", "seconds"),
                    decode.number("per_kv_token_s", kNonNegative)};
  profile.decode_error = read_error(decode.object("error"));
  JsonReader medians = reader.object("medians");
  profile.median_prompt_s = read_line(medians, "tokens", "prompt_s");
  profile.median_token_s = read_line(medians, "tokens", "token_s");
  if (reader.has("power")) {
    JsonReader power = reader.object("power");
    profile.power = PhasePower{read_line(power.object("prompt"), "tokens", "of_tdp"),
                               power.number("decode_of_tdp", kFraction)};
  }
  reader.finish();
  return profile;
}

std::optional<LatencyProfile> find_latency_profile(const std::string& name,
                                                   const std::vector<LatencyProfile>& own) {
  for (const LatencyProfile& profile : own) {
    if (profile.name() == name) return profile;
  }
  const std::string path = "profiles/latency/" + name + ".json";
  const auto text = builtin_file(path);
  if (!text) return {};
  return read_latency_profile(parse_json(*text, path), path);
}

}  // namespace cleave
