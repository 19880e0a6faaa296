#include "sim/report/deployment.h"

#include <algorithm>
#include <cctype>
#include <set>

#include "sim/base/error.h"
#include "sim/base/program.h"
#include "sim/report/table.h"
#include "sim/scenario/resolve.h"

namespace cleave {

namespace {

/// The optimum as a scenario of its own.
Scenario scenario_of(const Json& plan, const std::string& place) {
  const Json& optimum = plan.at("optimum");
  if (optimum.is_null()) throw InputError(place + ": the plan has no answer; expected an optimum");
  Json document = merge_scenario(plan.at("scenario"), optimum.at("settings"));
  document["scheduler"]["policy"] = optimum["scheduler"];
  document["pools"] = optimum["pools"];
  // What comes in changes nothing of how workers are started, and its files may be gone.
  document["workload"] = {{"prompt_tokens", 1}, {"output_tokens", 1}, {"arrivals", "poisson"},
                          {"rate_rps", 1},      {"duration_s", 1},    {"seed", 1}};
  document["faults"] = Json::array();
  document.erase("classes");
  try {
    return read_scenario(document);
  } catch (const InputError& error) {
    throw InputError(place + ": its optimum is no scenario here: " + error.what());
  }
}

/// What an LLM profile's source calls it: "huggingface.co/Qwen/Qwen3-32B config.json, ...".
std::string published_name(const Json& llm) {
  if (!llm.is_string()) return "";
  const auto name = llm.get<std::string>();
  if (name.ends_with(".json")) return "";
  const std::string source = load_profile("profiles/llms", "LLM", name, "llm").value("source", "");
  const std::string site = "huggingface.co/";
  if (!source.starts_with(site)) return "";
  return source.substr(site.size(), source.find_first_of(" ,;", site.size()) - site.size());
}

/// As Kubernetes takes it: small letters, digits and hyphens.
std::string kubernetes_name(const std::string& text) {
  constexpr std::size_t kMost = 40;
  std::string name;
  for (const char c : text) {
    const auto letter = static_cast<unsigned char>(c);
    const bool fits = letter < 128 && std::isalnum(letter) != 0;
    if (fits) name += static_cast<char>(std::tolower(letter));
    if (!fits && !name.empty() && name.back() != '-') name += '-';
  }
  name.resize(std::min(name.size(), kMost));
  while (!name.empty() && name.back() == '-') name.pop_back();
  return name.empty() ? "llm" : name;
}

std::string seconds_text(double seconds) {
  return seconds < 1 ? figure(1000 * seconds) + " ms" : figure(seconds) + " s";
}

/// "TTFT P90 76.1 ms of at most 2.00 s".
std::string limit_text(const Json& limit) {
  std::string what =
      limit.at("metric").get<std::string>() + " " + limit.at("percentile").get<std::string>();
  std::transform(what.begin(), what.end(), what.begin(),
                 [](unsigned char c) { return static_cast<char>(std::toupper(c)); });
  const bool times = limit.at("kind") == "slowdown";
  const auto value = [&](const char* key) {
    if (!limit[key].is_number()) return std::string("-");
    return times ? figure(limit[key].get<double>()) + " times"
                 : seconds_text(limit[key].get<double>());
  };
  return what + " " + value("value") + " of at most " + value("limit");
}

std::string pools_text(const Json& found) {
  std::string text;
  for (const Json& pool : found.at("pools")) {
    text += (text.empty() ? "" : " + ") + std::to_string(pool.at("count").get<int>()) + " " +
            pool.at("role").get<std::string>() + " " + pool.at("machine").get<std::string>();
  }
  return text;
}

std::vector<std::string> prediction_of(const Json& plan) {
  const Json& optimum = plan.at("optimum");
  std::string cost = "price unknown";
  if (optimum.at("cost_per_hour").is_number()) {
    cost = figure(optimum.at("cost_per_hour").get<double>()) + " $/h";
    if (plan.contains("prices"))
      cost += " at the prices of " + plan.at("prices").get<std::string>();
  }
  std::vector<std::string> lines{"Prediction: " + pools_text(optimum) + " for " +
                                 figure(optimum.at("rate_rps").get<double>()) + " requests/s, " +
                                 cost + "."};
  std::string limits;
  for (const Json& limit : plan.value("slo", Json::object()).value("limits", Json::array())) {
    limits += (limits.empty() ? "" : "; ") + limit_text(limit);
  }
  if (!limits.empty()) lines.push_back("Latencies: " + limits + ".");
  const auto sure = optimum.at("how_sure").get<std::string>();
  if (!optimum.at("estimated").get<bool>()) {
    lines.emplace_back("How sure: latencies were measured, and fitted.");
  } else {
    lines.push_back("How sure: latencies are estimated" + (sure.empty() ? "" : ", " + sure) + ".");
  }
  const Json& longer = plan.value("sure", Json());
  if (longer.is_object() && longer.at("optimum").is_object()) {
    lines.push_back("To be " + percent(longer.at("confidence").get<double>()) +
                    " sure: " + pools_text(longer.at("optimum")) + ".");
  }
  return lines;
}

/// "prefill", and "prefill-2" where another pool has the same role.
std::string worker_name(WorkerRole role, const std::vector<Worker>& before) {
  const std::string name = role == WorkerRole::kPrefill  ? "prefill"
                           : role == WorkerRole::kDecode ? "decode"
                                                         : "worker";
  const auto same = std::count_if(before.begin(), before.end(),
                                  [&](const Worker& other) { return other.role == role; });
  return same == 0 ? name : name + "-" + std::to_string(same + 1);
}

Worker worker_of(const Scenario& scenario, const PoolSpec& pool,
                 const std::vector<Worker>& before) {
  const WorkerRole role = pool.role == PoolRole::kPrompt  ? WorkerRole::kPrefill
                          : pool.role == PoolRole::kToken ? WorkerRole::kDecode
                                                          : WorkerRole::kBoth;
  const std::uint32_t gpus = pool.gpus_per_instance();
  const std::uint32_t linked = std::max(1U, pool.machine.linked_gpus);
  const std::uint32_t nodes = gpus <= linked ? 1 : (gpus + linked - 1) / linked;
  return {worker_name(role, before),
          role,
          pool.instances(),
          gpus / nodes,
          nodes,
          pool.machine.name + ": " + std::to_string(pool.machine.gpu_count) + " x " +
              pool.machine.gpu.name,
          engine_flags(scenario, pool)};
}

/// Comments end with their line, whatever a name has in it.
std::string one_line(std::string text) {
  std::replace_if(
      text.begin(), text.end(), [](unsigned char c) { return c < 32 || c == 127; }, ' ');
  return text;
}

}  // namespace

Deployment deployment_of(const Json& plan, const DeployNames& names) {
  const Scenario scenario = scenario_of(plan, names.place);
  Deployment deployment;
  deployment.name = "cleave-" + kubernetes_name(scenario.llms.front().name);
  deployment.model =
      names.model.empty() ? published_name(plan.at("scenario").at("llm")) : names.model;
  deployment.image = names.image;
  deployment.weight_bytes = scenario.llms.front().weight_bytes;
  deployment.scheduler = scenario.scheduler.policy.name;
  deployment.prediction = prediction_of(plan);
  std::set<std::string> known;
  for (const PoolSpec& pool : scenario.pools) {
    deployment.workers.push_back(worker_of(scenario, pool, deployment.workers));
    for (const std::string& note : deployment.workers.back().flags.notes) {
      if (known.insert(note).second) deployment.notes.push_back(note);
    }
  }
  if (deployment.model.empty()) {
    deployment.model = "MODEL";
    deployment.notes.emplace_back("Put the model's name in the place of MODEL (or give --model).");
  }
  if (deployment.image == "IMAGE") {
    deployment.notes.emplace_back(
        "Put the engine's container image in the place of IMAGE (or give --image).");
  }
  return deployment;
}

std::string deployment_heading(const Deployment& deployment, const std::string& command) {
  std::string text = "Written by Cleave " + std::string(program_version()) + "; " + command + "\n";
  for (const std::string& line : deployment.prediction) text += one_line(line) + "\n";
  for (const std::string& note : deployment.notes) text += "Yours: " + one_line(note) + "\n";
  std::string comment = "# ";
  constexpr std::size_t kWidth = 98;
  for (const char c : wrapped(text, kWidth)) {
    comment += c;
    if (c == '\n') comment += "# ";
  }
  comment.resize(comment.size() - 2);
  return comment;
}

std::string quoted_yaml(const std::string& text) { return readable_json(Json(text)); }

std::string indented(const std::vector<std::string>& lines, std::size_t by) {
  std::string text;
  for (const std::string& line : lines) text += std::string(by, ' ') + line + "\n";
  return text;
}

std::string yaml_list(const std::vector<std::string>& arguments, std::size_t by) {
  std::vector<std::string> items;
  items.reserve(arguments.size());
  for (const std::string& argument : arguments) items.push_back("- " + quoted_yaml(argument));
  return indented(items, by);
}

}  // namespace cleave
