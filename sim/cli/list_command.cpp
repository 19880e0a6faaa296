#include <functional>
#include <iostream>
#include <map>
#include <memory>

#include "models/catalogue/hardware.h"
#include "models/catalogue/llm.h"
#include "sim/base/builtin.h"
#include "sim/base/json_reader.h"
#include "sim/cli/command.h"
#include "sim/cli/policy_text.h"
#include "sim/explore/metric_columns.h"
#include "sim/report/aiperf_metrics.h"
#include "sim/report/figure_text.h"
#include "sim/report/table.h"

namespace cleave {

namespace {

void print_gpus() {
  Table table({"GPU", "memory, GB", "kind", "GB/s", "FP16 TFLOP/s", "TDP, W", "link"});
  for (const std::string& name : builtin_names("profiles/gpus")) {
    const Gpu gpu = load_gpu(name, "gpu");
    const Json json = load_profile("profiles/gpus", "GPU", name, "gpu");
    table.add({name, figure(gpu.memory_bytes / 1e9), json["memory_kind"].get<std::string>(),
               figure(gpu.memory_bandwidth_bytes_per_s / 1e9), figure(gpu.fp16_flops / 1e12),
               figure(gpu.tdp_w), json["link"].get<std::string>()});
  }
  std::cout << table.text();
}

void print_machines() {
  Table table({"machine", "GPUs", "NICs, Gb/s", "provisioned, kW", "$/h"}, 2);
  for (const std::string& name : builtin_names("profiles/machines")) {
    const Machine machine = load_machine(name, "machine");
    table.add(
        {name, std::to_string(machine.gpu_count) + " x " + machine.gpu.name,
         std::to_string(machine.nic_count) + " x " + figure(machine.nic_bytes_per_s * 8 / 1e9),
         figure(machine.provisioned_at_cap_w() / 1e3),
         machine.has_price() ? figure(machine.price_per_hour) : "unknown"});
  }
  std::cout << table.text();
}

void print_llms() {
  Table table({"LLM", "parameters, 10^9", "used by a token", "weights, GB", "KV, kB/token"});
  for (const std::string& name : builtin_names("profiles/llms")) {
    const Llm llm = load_llm(name, "llm");
    table.add({name, figure(llm.parameters / 1e9), figure(llm.parameters_used(1) / 1e9),
               figure(llm.weight_bytes / 1e9), figure(llm.kv_bytes_per_token / 1e3)});
  }
  std::cout << table.text() << "Weights and KV cache in FP16.\n";
}

/// The names of a folder, each with what it says of itself.
void print_folder(const std::string& folder) {
  for (const std::string& name : builtin_names(folder)) {
    const Json json = parse_json(*builtin_file(folder + "/" + name + ".json"), name);
    std::cout << wrapped("  " + name + ": " + json.value("summary", "") + "\n", 80, 4);
  }
}

void print_policies() {
  for (const PolicyFamily& family : policy_families()) std::cout << policies_text(family);
}

void print_fabrics() {
  std::cout << policies_text(fabric_family()) << "--preset\n";
  print_folder("profiles/presets");
}

void print_figures() { std::cout << figures_text(figure_groups()); }

/// Those of docs/output.md and docs/sweeps.md.
void print_tables_of_figures() {
  for (const FigureGroup& group : figure_groups()) std::cout << figures_markdown(group) << '\n';
  std::cout << columns_markdown(figures_with_columns());
}

void print_aiperf() { std::cout << aiperf_names(); }

using Kinds = std::map<std::string, std::function<void()>>;

const Kinds& kinds() {
  static const Kinds all{{"gpus", print_gpus},
                         {"machines", print_machines},
                         {"llms", print_llms},
                         {"policies", print_policies},
                         {"aiperf", print_aiperf},
                         {"workloads", [] { print_folder("traces"); }},
                         {"fabrics", print_fabrics},
                         {"figures", print_figures},
                         {"engines", [] { print_folder("profiles/engines"); }},
                         {"plans", [] { print_folder("profiles/plans"); }},
                         {"scenarios", [] { print_folder("profiles/scenarios"); }},
                         {"prices", [] { print_folder("profiles/prices"); }},
                         {"sweeps", [] { print_folder("profiles/sweeps"); }}};
  return all;
}

const Kinds& kinds_with_tables() {
  static const Kinds all{{"figures", print_tables_of_figures},
                         {"aiperf", [] { std::cout << aiperf_markdown(); }}};
  return all;
}

void add_list(CLI::App& app, Action& action) {
  auto kind = std::make_shared<std::string>();
  CLI::App* list = app.add_subcommand(
      "list", with_example("Lists the names that scenarios and commands know, a line each.",
                           "cleave list gpus"));
  std::vector<std::string> names;
  for (const auto& [name, print] : kinds()) names.push_back(name);
  std::string all;
  for (const std::string& name : names) all += (all.empty() ? "" : ", ") + name;
  list->add_option("KIND", *kind, "what to list: " + all)->required();
  auto markdown = std::make_shared<bool>(false);
  list->add_flag("--markdown", *markdown, "aiperf or figures as the tables of the documentation");
  list->callback([kind, markdown, names, &action] {
    action = [kind, markdown, names] {
      if (!kinds().contains(*kind)) throw_unknown_name("list", "kind", *kind, names);
      if (*markdown && !kinds_with_tables().contains(*kind)) {
        throw InputError("list " + *kind +
                         " --markdown: expected figures or aiperf, which alone have tables");
      }
      (*markdown ? kinds_with_tables() : kinds()).at (*kind)();
      return 0;
    };
  });
}

const Command kCommand{80, add_list};

}  // namespace

}  // namespace cleave
