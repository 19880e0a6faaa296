// What the reference says readers look at is what they look at: while all that is built in, and
// documents with every other key, are read, a listener hears each key that readers ask for.

#include "sim/base/reference.h"

#include <map>
#include <regex>
#include <set>

#include "models/catalogue/hardware.h"
#include "models/catalogue/prices.h"
#include "models/latency/engine_profile.h"
#include "models/latency/instance_model.h"
#include "sim/base/builtin.h"
#include "sim/base/error.h"
#include "sim/explore/compare_policy.h"
#include "sim/explore/day_plan.h"
#include "sim/explore/plan_spec.h"
#include "sim/explore/sweep_spec.h"
#include "sim/scenario/resolve.h"
#include "tests/catch.h"
#include "tests/support/mix.h"
#include "tests/support/temp_folder.h"
#include "traces/arrivals.h"
#include "traces/client_mix.h"
#include "traces/distribution.h"

using namespace cleave;
using cleave::testing::TempFolder;

namespace {

/// "scenario: pools[].count".
using Keys = std::set<std::string>;

template <class Policies>
void add_policies(const std::string& section, Keys& keys, Keys& names) {
  for (const std::string& policy : Policies::names()) {
    for (const Setting& setting : Policies::settings(policy)) {
      keys.insert("scenario: " + section + "." + setting.name);
      names.insert(setting.name);
    }
  }
}

struct Known {
  Keys keys;
  Keys policy_settings;  ///< names alone
};

Known known() {
  Known known;
  auto& [keys, names] = known;
  for (const std::string& document : Reference::documents()) {
    for (const Section& section : Reference::sections(document)) {
      for (const Setting& setting : section.settings) {
        keys.insert(document + ": " + section.path + (section.path.empty() ? "" : ".") +
                    setting.name);
      }
    }
  }
  add_policies<Schedulers>("scheduler", keys, names);
  add_policies<LatencyPolicies>("latency", keys, names);
  add_policies<BatchingPolicies>("batching", keys, names);
  add_policies<MemoryPolicies>("batching", keys, names);
  add_policies<TransferPolicies>("kv_transfer", keys, names);
  add_policies<Admissions>("kv_transfer", keys, names);
  add_policies<ScalingPolicies>("scaling", keys, names);
  add_policies<ArrivalProcesses>("workload", keys, names);
  add_policies<Fabrics>("fabric", keys, names);
  return known;
}

/// A profile is read under its name: the section that describes it.
std::string profile_of(const std::string& path) {
  static const std::vector<std::pair<std::string, std::string>> folders{
      {"profiles/gpus", "profile: gpu"},       {"profiles/machines", "profile: machine"},
      {"profiles/llms", "profile: llm"},       {"profiles/engines", "profile: engine"},
      {"profiles/prices", "profile: prices"},  {"profiles/slos", "scenario: slo"},
      {"profiles/compare", "profile: compare"}};
  std::string found;
  std::size_t longest = 0;  // deepseek-v3.2 is not the key "2" of deepseek-v3
  for (const auto& [folder, section] : folders) {
    for (const std::string& name : builtin_names(folder)) {
      if (!path.starts_with(name) || name.size() < longest) continue;
      const std::string rest = path.substr(name.size());
      if (!rest.empty() && rest[0] != '.') continue;
      found = section + rest;
      longest = name.size();
    }
  }
  return found;
}

/// Where a reader at `path` is: its document, and the path in it with lists as "[]".
std::string place_of(std::string path) {
  path = std::regex_replace(path, std::regex(R"(\[\d+\])"), "[]");
  const auto in_file = [&](const std::string& folder, const std::string& section) {
    const std::size_t end = path.find(".json");
    const std::size_t rest = end == std::string::npos ? end : path.find(": ", end);
    if (!path.starts_with(folder)) return std::string();
    const std::string within = rest == std::string::npos ? "" : path.substr(rest + 2);
    return section + (section.ends_with(' ') || within.empty() ? "" : ".") + within;
  };
  const std::vector<std::pair<std::string, std::string>> files{{"profiles/plans/", "plan: "},
                                                               {"profiles/sweeps/", "sweep: "},
                                                               {"traces/mix", "profile: mix"},
                                                               {"traces/", "profile: workload"}};
  std::string place = profile_of(path);
  for (const auto& [folder, section] : files) {
    if (place.empty()) place = in_file(folder, section);
  }
  if (place.empty()) place = "scenario: " + path;
  // Sections that stand in more than one place.
  const std::vector<std::pair<std::string, std::string>> same{
      {R"(^scenario: classes\[\]\.(workload|slo))", "scenario: $1"},
      {R"(^plan: designs\[\]\.(mixed|prompt|token)(\[\])?$)", "scenario: pools[]"},
      {R"(^plan: scenario\.)", "scenario: "},
      {R"(^sweep: vary\..*)", "sweep: vary.PATH"},
      {R"(^profile: compare\.metrics\..*)", "profile: compare.metrics.PATH"}};
  for (const auto& [from, to] : same) place = std::regex_replace(place, std::regex(from), to);
  return place;
}

/// Keys of these are names of the user's own, or percentiles.
bool is_map(const std::string& place) {
  static const std::regex maps(
      R"(sweep: vary|profile: compare\.metrics|profile: prices\.machines|scenario: slo\.(limits|slowdown)\.\w+)");
  return std::regex_match(place, maps);
}

/// Files that cleave profile fit makes, and nobody writes.
bool is_made(const std::string& path) {
  return path.starts_with("profiles/latency") || path.starts_with("profiles/roofline") ||
         path.starts_with("profiles/operators");
}

/// Hears of all keys while it lives.
class Listener {
 public:
  Listener() {
    JsonReader::heard() = [this](const std::string& path, std::string_view key) {
      if (is_made(path)) return;
      const std::string place = place_of(path);
      const bool top = place.ends_with(": ");
      if (is_map(place)) return;
      // A policy made with its defaults reads them where no section is.
      if (path.empty() && known_.policy_settings.contains(std::string(key))) return;
      asked_.insert(place + (top ? "" : ".") + std::string(key));
    };
  }
  ~Listener() { JsonReader::heard() = nullptr; }
  Listener(const Listener&) = delete;
  Listener& operator=(const Listener&) = delete;

  const Keys& asked() const { return asked_; }

 private:
  Known known_ = known();
  Keys asked_;
};

void read_changed(const std::string& changes) {
  INFO(changes);
  read_scenario(complete_scenario(parse_json(changes, "test")));
}

void read_all_built_in() {
  for (const std::string& preset : builtin_names("profiles/presets")) {
    read_scenario(merge_scenario(ScenarioSources{{preset}, "", "", {}}));
  }
  for (const std::string& name : builtin_names("profiles/scenarios")) {
    read_scenario(merge_scenario(ScenarioSources{{}, name, "", {}}));
  }
  for (const std::string& name : builtin_names("profiles/sweeps")) load_sweep(name, {});
  for (const std::string& name : builtin_names("profiles/compare")) read_compare_policy(name);
  for (const std::string& name : builtin_names("profiles/prices")) load_prices(name, "test");
  for (const std::string& name : builtin_names("profiles/machines")) load_machine(name, "test");
  for (const std::string& name : builtin_names("profiles/llms")) load_llm(name, "test");
  for (const std::string& name : builtin_names("profiles/engines")) load_engine(name, "test");
  EngineProfile calibrated = load_engine("vllm", "test");
  calibrated.factors.memory = 0.9;
  read_engine(engine_json(calibrated), "vllm");
  for (const std::string& name : builtin_names("traces")) {
    read_distribution(load_profile("traces", "trace", name, "test"), "traces/" + name + ".json");
  }
}

/// What nothing built in says.
void read_rare_keys(const TempFolder& folder) {
  const std::string trace = folder.write("t.csv", "ts,in,out\n1,2,3\n");
  read_changed(R"({"workload": {"trace": ")" + trace +
               R"(", "columns": {"arrival": "ts", "prompt": "in", "output": "out"}}})");
  read_changed(R"({"workload": {"trace": "azure-2023-conv", "rate_rps": 1,
      "sessions": {"turns": [1, 2]}, "system_prompts": {"tokens": 10}, "rates": [[0, 1], [9, 2]]},
    "kv_cache": {"prefix_caching": true, "tiers": [{"tier": "host"}]},
    "batching": {"cuda_graph_sizes": [1], "eager_s": 0.1, "speculative_tokens": 2,
                 "acceptance_rate": 0.5, "mixed_iteration_factor": 1}})");
  read_changed(R"({"classes": [{"name": "a", "share": 1, "admission": {"rate_rps": 1},
                                "prompt_tokens": 1, "output_tokens": 1}]})");
  read_changed(R"({"power": {"budget_w": 1e6, "enforce": "tokens", "usd_per_kwh": 0.1}})");
  read_changed(R"({"slo": {"slowdown": {"reference": "dgx-h100", "ttft": {"p50": 2}},
                           "limits": {"ttft": {"p50": 2}}}})");
  read_changed(R"({"faults": [
    {"at_s": 1, "action": "stop", "machines": "0-1"}, {"at_s": 1, "action": "drain", "pool": 0},
    {"at_s": 1, "action": "start", "rack": 0, "machines_per_rack": 2},
    {"at_s": 1, "action": "slow", "machine": 0, "factor": 2},
    {"at_s": 1, "action": "interrupt", "machine": 0, "notice_s": 1, "back_s": 2},
    {"at_s": 1, "action": "stragglers", "pool": 0, "share": 0.5, "factor": 2},
    {"at_s": 1, "action": "failures", "pool": 0, "mtbf_h": 2, "repair_s": 9},
    {"at_s": 1, "action": "scale_link", "link": "machine-0-nic-up", "share": 0.5}]})");
  read_client_mix(testing::mix_of({testing::mix_client(10, {1})}), "traces/mix.json");
  const Json plan = parse_json(R"({"scenario": {}, "minimize": "cost", "seeds": [1],
    "designs": [{"name": "a", "mixed": {"machine": "dgx-h100", "tensor_parallel": 8}},
                {"name": "b", "prompt": "dgx-h100", "token": ["dgx-h100"]}]})",
                               "test");
  read_plan(plan, "profiles/plans/test.json");
  Json budget = plan;
  budget.erase("minimize");
  budget["maximize"] = "throughput";
  budget["budget"] = {{"power_w", 1e6}};
  read_plan(budget, "profiles/plans/test.json");
  Json day = plan;
  day["day"] = {{"scaling", Json::array()}};
  day["confidence"] = 0.9;
  CHECK_THROWS_AS(find_day_plan(day, "profiles/plans/test.json", 1, {}), InputError);
}

std::string difference(const Keys& some, const Keys& others) {
  std::string text;
  for (const std::string& key : some) {
    if (!others.contains(key)) text += key + '\n';
  }
  return text;
}

}  // namespace

TEST_CASE("the reference has every key that readers ask for, and no other") {
  const TempFolder folder;
  const Listener listener;
  read_all_built_in();
  read_rare_keys(folder);
  const Keys keys = known().keys;
  CHECK(keys.size() > 300);
  Keys asked = listener.asked();
  asked.erase("scenario: slo.slowdown.itl");  // to refuse it
  CHECK(difference(asked, keys) == "");
  asked.insert("scenario: summary");  // dropped before the rest is read
  Keys documents = keys;
  // The fields of lines, which no JsonReader reads: tests of the traces' readers name each.
  std::erase_if(documents, [](const std::string& key) { return key.starts_with("trace: "); });
  CHECK(difference(documents, asked) == "");
}

TEST_CASE("every key of the reference has a meaning and says what it takes") {
  for (const std::string& document : Reference::documents()) {
    for (const Section& section : Reference::sections(document)) {
      INFO(document << ": " << section.path);
      CHECK(section.meaning.ends_with("."));
      Keys names;
      for (const Setting& setting : section.settings) {
        INFO(setting.name);
        CHECK_FALSE(setting.meaning.empty());
        CHECK_FALSE(setting.accepts.text().empty());
        CHECK(names.insert(setting.name).second);
      }
    }
  }
}

TEST_CASE("what a setting takes is said as it is checked") {
  CHECK(in({0, 1, false}).text() == "from 0 to 1");
  CHECK(in(kPositive).text() == "above 0");
  CHECK(whole(1, 64).text() == "whole, from 1 to 64");
  CHECK(whole(1, 64).each().text() == "a list, each whole, from 1 to 64");
  CHECK(one_of({"drawn", "mean"}).text() == "drawn, mean");
  CHECK(true_or_false().text() == "true, false");
  CHECK(words("a text").text() == "a text");
  CHECK(over_time({1, 10, false}).text() ==
        "from 1 to 10, or a list of [seconds, value], or a CSV file");
}

TEST_CASE("a synonym is read as the name that it stands for") {
  const Setting role{
      "role", nullptr, "", "", {.names = {"prompt"}, .synonyms = {{"prefill", "prompt"}}}};
  const Json pool{{"role", "prefill"}};
  JsonReader reader(pool, "pools[0]");
  CHECK(role.choice(reader) == "prompt");
  CHECK(role.accepts.text() == "prompt; prefill is prompt");
}
