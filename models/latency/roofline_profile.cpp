#include "models/latency/roofline.h"
#include "sim/base/builtin.h"

namespace cleave {

namespace {

constexpr const char* kBuiltin = "profiles/roofline/measured.json";

using Names = std::array<const char*, kRooflineTerms>;

Json factors_json(const Names& names, const RooflineTerms& factors) {
  Json json;
  for (std::size_t i = 0; i < names.size(); ++i) json[names[i]] = factors[i];
  return json;
}

RooflineTerms read_factors(JsonReader reader, const Names& names) {
  RooflineTerms factors{};
  for (std::size_t i = 0; i < names.size(); ++i) {
    factors[i] = reader.number(names[i], kNonNegative);
  }
  reader.finish();
  return factors;
}

}  // namespace

const Names& prefill_term_names() {
  static constexpr Names kNames{"matrix_products",        "attention",     "all_reduce_bytes",
                                "large_all_reduce_bytes", "weights_read",  "s_ghz_per_layer",
                                "s_ghz_per_all_reduce",   "s_ghz_per_step"};
  return kNames;
}

const Names& decode_term_names() {
  static constexpr Names kNames{"weights_read",
                                "kv_read",
                                "matrix_products",
                                "all_reduce_bytes",
                                "s_ghz_per_layer",
                                "s_ghz_per_all_reduce",
                                "s_ghz_per_all_reduce_hop",
                                "s_ghz_per_sequence"};
  return kNames;
}

Json roofline_json(const Roofline& roofline) {
  Json json{{"source", roofline.source},
            {"licence", roofline.licence},
            {"prefill", factors_json(prefill_term_names(), roofline.prefill)},
            {"decode", factors_json(decode_term_names(), roofline.decode)},
            {"power_cap",
             {{"exponent", roofline.cap_exponent}, {"decode_flat_to", roofline.cap_decode_flat}}},
            {"errors", Json::array()}};
  for (const Roofline::Error& error : roofline.errors) {
    json["errors"].push_back({{"what", error.what},
                              {"rows", error.rows},
                              {"prefill", error.prefill},
                              {"decode", error.decode}});
  }
  return json;
}

Roofline read_roofline(const Json& json, const std::string& place) {
  JsonReader reader(json, place);
  Roofline roofline;
  roofline.source = reader.text("source", "");
  roofline.licence = reader.text("licence", "");
  roofline.prefill = read_factors(reader.object("prefill"), prefill_term_names());
  roofline.decode = read_factors(reader.object("decode"), decode_term_names());
  JsonReader cap = reader.object("power_cap");
  roofline.cap_exponent = cap.number("exponent", {0, 10, false});
  roofline.cap_decode_flat = cap.number("decode_flat_to", kFraction);
  cap.finish();
  for (JsonReader& error : reader.objects("errors")) {
    roofline.errors.push_back(
        {error.text("what"), static_cast<std::uint64_t>(error.integer("rows", 0, 1'000'000'000)),
         error.number("prefill", kNonNegative), error.number("decode", kNonNegative)});
    error.finish();
  }
  reader.finish();
  return roofline;
}

Roofline load_roofline() {
  return read_roofline(parse_json(*builtin_file(kBuiltin), kBuiltin), kBuiltin);
}

}  // namespace cleave
