#include "sim/scenario/llms.h"

#include <algorithm>

#include "sim/base/error.h"
#include "sim/base/reference.h"

namespace cleave {

namespace {

const Setting kFormat{"format", "fp16", "", "of weights, as published", any_format()};
const Setting kExperts{"experts", nullptr, "", "format of experts' weights; that of the others",
                       any_format()};
const Setting kActivations{"activations", nullptr, "",
                           "format that products are computed in; that of the weights",
                           any_format()};
const Setting kSize{"size", nullptr, "",
                    "of the weights, from their shape or as the published simulator has it",
                    one_of({"exact", "published"})};
const Reference::Entry kWeights{
    {"scenario", "weights", "How weights are stored.", {kFormat, kExperts, kActivations, kSize}}};

void read_formats(JsonReader& weights, Format kv_format, Llm& llm) {
  Formats formats(read_format(weights, kFormat.name), kv_format);
  if (kExperts.given(weights)) {
    formats.experts = read_format(weights, kExperts.name);
    if (llm.experts == 1) weights.fail(kExperts.name, llm.name + " has no experts");
  }
  if (kActivations.given(weights)) {
    formats.activations = read_format(weights, kActivations.name);
  }
  llm.store(formats);
  if (kSize.choice(weights, "size") == "published") {
    if (llm.published_weight_bytes == 0 || llm.formats.weights != Format::kFp16) {
      weights.fail(kSize.name, "the published simulator does not know \"" + llm.name + "\" in " +
                                   format_name(llm.formats.weights) + "; expected \"exact\"");
    }
    llm.weight_bytes = llm.published_weight_bytes;
  }
  weights.finish();
}

/// What a pool says of its LLM, with what the scenario says where it says nothing.
Json own_weights(JsonReader& pool, const Json& document, const Llm& llm) {
  Json weights = document["weights"];
  if (llm.experts == 1) weights.erase(kExperts.name);
  const Json& own = pool.value("weights");
  if (!own.is_object()) pool.fail("weights", "expected an object, found " + json_kind(own));
  weights.merge_patch(own);
  return weights;
}

bool kept_alike(const Llm& a, const Llm& b) {
  return a.weight_bytes == b.weight_bytes && a.kv_bytes_per_token == b.kv_bytes_per_token &&
         a.formats.weights == b.formats.weights && a.formats.kv_cache == b.formats.kv_cache &&
         a.formats.experts == b.formats.experts && a.formats.activations == b.formats.activations;
}

std::string names_of(const std::vector<Llm>& llms) {
  std::string names;
  for (const Llm& llm : llms) names += (names.empty() ? "\"" : ", \"") + llm.name + '"';
  return names;
}

}  // namespace

std::size_t read_pool_llm(JsonReader& pool, Scenario& scenario) {
  JsonReader whole(scenario.document, "");
  const bool own = kPoolLlm.given(pool);
  for (const Setting* of_own : {&kPoolWeights, &kPoolKvFormat}) {
    if (of_own->given(pool) && !own) {
      pool.fail(of_own->name, "has no meaning without llm beside it");
    }
  }
  Llm llm = own ? load_llm(kPoolLlm.text(pool), pool.path_of(kPoolLlm.name))
                : load_llm(whole.text("llm"), whole.path_of("llm"));
  JsonReader cache = whole.object("kv_cache");
  const Format kv_format = kPoolKvFormat.given(pool) ? read_format(pool, kPoolKvFormat.name)
                                                     : read_format(cache, "format");
  if (kPoolWeights.given(pool)) {
    const Json merged = own_weights(pool, scenario.document, llm);
    JsonReader weights(merged, pool.path_of("weights"));
    read_formats(weights, kv_format, llm);
  } else {
    JsonReader weights = whole.object("weights");
    read_formats(weights, kv_format, llm);
  }
  if (!cache.boolean("grouped_query")) llm.kv_bytes_per_token = llm.ungrouped_kv_bytes_per_token();
  std::vector<Llm>& llms = scenario.llms;
  const auto same = std::find_if(llms.begin(), llms.end(),
                                 [&](const Llm& other) { return other.name == llm.name; });
  const auto number = static_cast<std::size_t>(same - llms.begin());
  if (same == llms.end()) {
    llms.push_back(llm);
  } else if (!kept_alike(*same, llm)) {
    pool.fail(pool.has("weights") ? "weights" : "kv_format",
              "another pool keeps " + llm.name + " in other formats; expected the same in all");
  } else if (number + 1 < llms.size()) {
    pool.fail("llm",
              "pools of " + llm.name + " stand apart; expected those of one LLM side by side");
  }
  return number;
}

void check_weights(JsonReader& scenario) {
  JsonReader weights = scenario.object("weights");
  for (const Setting* known : {&kFormat, &kExperts, &kActivations, &kSize}) known->given(weights);
  weights.finish();
}

std::size_t read_class_llm(JsonReader& reader, const Scenario& scenario) {
  const std::vector<Llm>& llms = scenario.llms;
  const std::string asked =
      load_llm(reader.text(kClassLlm.name, scenario.document["llm"].get<std::string>()),
               reader.path_of("llm"))
          .name;
  for (std::size_t i = 0; i < llms.size(); ++i) {
    if (llms[i].name == asked) return i;
  }
  reader.fail("llm", "no pool serves \"" + asked + "\"; expected " + names_of(llms));
}

void check_llms(const Scenario& scenario) {
  std::vector<bool> asked(scenario.llms.size());
  for (const ClassSpec& each : scenario.classes) asked[each.llm] = true;
  if (scenario.classes.empty()) {
    const std::string name = load_llm(scenario.document["llm"].get<std::string>(), "llm").name;
    for (std::size_t i = 0; i < asked.size(); ++i) asked[i] = scenario.llms[i].name == name;
  }
  for (std::size_t i = 0; i < scenario.pools.size(); ++i) {
    const std::size_t llm = scenario.pools[i].llm;
    if (asked[llm]) continue;
    throw InputError("pools[" + std::to_string(i) + "].llm: nobody asks for \"" +
                     scenario.llms[llm].name +
                     "\"; expected classes with \"llm\", one of them this one");
  }
  if (scenario.llms.size() == 1) return;
  if (!scenario.kv_cache.tiers.empty()) {
    throw InputError("kv_cache.tiers: keep blocks of one LLM, but the pools serve " +
                     names_of(scenario.llms) + "; expected none");
  }
  if (scenario.kv_cache.blocks) {
    throw InputError("kv_cache.blocks: is one number for all pools, which serve " +
                     names_of(scenario.llms) + "; expected pools[].kv_blocks");
  }
}

}  // namespace cleave
