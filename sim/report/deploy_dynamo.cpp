#include "sim/base/error.h"
#include "sim/report/deployment.h"

namespace cleave {

namespace {

/// Where engines' configuration files are mounted.
constexpr const char* kSettings = "/etc/cleave";

void check(const Deployment& deployment, const std::string& place) {
  bool split = false;
  bool mixed = false;
  for (const Worker& worker : deployment.workers) {
    (worker.role == WorkerRole::kBoth ? mixed : split) = true;
  }
  if (split && mixed) {
    throw InputError(place + ": its optimum has mixed machines beside prompt and token machines; " +
                     "expected one or the other, as Dynamo's workers are");
  }
}

/// What makes a worker of either phase, in the words of dynamo.vllm, dynamo.sglang, dynamo.trtllm.
std::vector<std::string> phase_arguments(const Worker& worker) {
  if (worker.role == WorkerRole::kBoth) return {};
  const std::string phase = worker.role == WorkerRole::kPrefill ? "prefill" : "decode";
  if (worker.flags.engine == "vllm") return {"--is-" + phase + "-worker"};
  std::vector<std::string> arguments{"--disaggregation-mode", phase};
  if (worker.flags.engine == "sglang") {
    for (const char* more : {"--disaggregation-transfer-backend", "nixl",
                             "--disaggregation-bootstrap-port", "30001", "--host", "0.0.0.0"}) {
      arguments.emplace_back(more);
    }
  }
  return arguments;
}

std::vector<std::string> arguments_of(const Deployment& deployment, const Worker& worker) {
  const bool vllm = worker.flags.engine == "vllm";
  std::vector<std::string> arguments{vllm ? "--model" : "--model-path", deployment.model};
  if (!vllm) {
    arguments.emplace_back("--served-model-name");
    arguments.push_back(deployment.model);
  }
  for (const std::string& one : phase_arguments(worker)) arguments.push_back(one);
  for (const std::string& one : worker.flags.arguments) arguments.push_back(one);
  if (!worker.flags.settings.empty()) {
    arguments.emplace_back("--extra-engine-args");
    arguments.push_back(std::string(kSettings) + "/" + worker.name + ".yaml");
  }
  return arguments;
}

/// The configuration files of engines that want them, as Kubernetes keeps them.
std::string config_map(const Deployment& deployment) {
  std::string files;
  for (const Worker& worker : deployment.workers) {
    if (worker.flags.settings.empty()) continue;
    std::vector<std::string> settings = worker.flags.settings;
    if (worker.role != WorkerRole::kBoth) {
      settings.emplace_back("cache_transceiver_config:");
      settings.emplace_back("  backend: DEFAULT");
    }
    if (worker.role == WorkerRole::kPrefill)
      settings.emplace_back("disable_overlap_scheduler: true");
    files += "  " + worker.name + ".yaml: |\n" + indented(settings, 4);
  }
  if (files.empty()) return "";
  return "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: " + deployment.name +
         "-engine\ndata:\n" + files + "---\n";
}

std::string container(const Deployment& deployment, const Worker& worker) {
  std::vector<std::string> pod;
  if (!worker.flags.settings.empty()) {
    pod = {"volumes:", "  - name: engine",
           "    configMap:", "      name: " + deployment.name + "-engine"};
  }
  pod.emplace_back("mainContainer:");
  if (!worker.flags.settings.empty()) {
    pod.insert(pod.end(), {"  volumeMounts:", "    - name: engine",
                           "      mountPath: " + std::string(kSettings)});
  }
  pod.insert(pod.end(),
             {"  image: " + quoted_yaml(deployment.image),
              "  command: [python3, -m, dynamo." + worker.flags.engine + "]", "  args:"});
  return "      extraPodSpec:\n" + indented(pod, 8) +
         yaml_list(arguments_of(deployment, worker), 12);
}

std::string service(const Deployment& deployment, const Worker& worker) {
  std::vector<std::string> lines{"componentType: worker"};
  if (worker.role != WorkerRole::kBoth) {
    lines.push_back(std::string("subComponentType: ") +
                    (worker.role == WorkerRole::kPrefill ? "prefill" : "decode"));
  }
  lines.push_back("replicas: " + std::to_string(worker.replicas));
  if (worker.nodes > 1) {
    lines.insert(lines.end(), {"multinode:", "  nodeCount: " + std::to_string(worker.nodes)});
  }
  lines.insert(lines.end(),
               {"resources:", "  limits:", "    gpu: " + quoted_yaml(std::to_string(worker.gpus))});
  lines.emplace_back("envFromSecret: hf-token-secret");
  return "    " + worker.name + ":  # on " + worker.machine + "\n" + indented(lines, 6) +
         container(deployment, worker);
}

}  // namespace

std::string dynamo_yaml(const Json& plan, const DeployNames& names) {
  Deployment deployment = deployment_of(plan, names);
  check(deployment, names.place);
  deployment.notes.emplace_back("The secret hf-token-secret has the token to load the model with.");
  const bool kv_router = deployment.scheduler == "dynamo_kv";
  if (!kv_router) {
    deployment.notes.push_back("The plan's scheduler is " + deployment.scheduler +
                               "; Dynamo's router is here as it comes.");
  }
  std::string text = deployment_heading(deployment, "kubectl apply -f FILE");
  text += config_map(deployment);
  text += "apiVersion: nvidia.com/v1alpha1\nkind: DynamoGraphDeployment\nmetadata:\n  name: " +
          deployment.name + "\nspec:\n  backendFramework: " + deployment.engine() +
          "\n  services:\n";
  std::vector<std::string> frontend{
      "Frontend:",          "  componentType: frontend",
      "  replicas: 1",      "  extraPodSpec:",
      "    mainContainer:", "      image: " + quoted_yaml(deployment.image)};
  if (kv_router) {
    frontend.insert(frontend.end(), {"  envs:", "    - name: DYN_ROUTER_MODE", "      value: kv"});
  }
  text += indented(frontend, 4);
  for (const Worker& worker : deployment.workers) text += service(deployment, worker);
  return text;
}

}  // namespace cleave
