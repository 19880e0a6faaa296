#include <algorithm>
#include <cmath>

#include "sim/base/error.h"
#include "sim/report/deployment.h"

namespace cleave {

namespace {

/// The chart has one worker of each role, and starts vLLM.
void check(const Deployment& deployment, const std::string& place) {
  if (deployment.engine() != "vllm") {
    throw InputError(place + ": its engine is " + deployment.engine() +
                     "; expected vllm, which llm-d's chart starts");
  }
  for (const WorkerRole role : {WorkerRole::kPrefill, WorkerRole::kDecode, WorkerRole::kBoth}) {
    const auto same = std::count_if(deployment.workers.begin(), deployment.workers.end(),
                                    [&](const Worker& worker) { return worker.role == role; });
    const bool all = role == WorkerRole::kBoth && same > 0 &&
                     same < static_cast<std::ptrdiff_t>(deployment.workers.size());
    if (same > 1 || all) {
      throw InputError(place + ": its optimum has several pools of a role, or mixed machines " +
                       "beside others; expected one of prompt and one of token machines, or one " +
                       "of mixed ones, as llm-d's chart has them");
    }
  }
}

/// The value of a flag, "1" where it is not there. What the chart gives itself is taken out.
std::string take(std::vector<std::string>& arguments, const std::string& flag) {
  const auto at = std::find(arguments.begin(), arguments.end(), flag);
  if (at == arguments.end()) return "1";
  const std::string value = *std::next(at);
  arguments.erase(at, at + 2);
  return value;
}

std::string worker_values(const Deployment& deployment, const Worker& worker, bool split) {
  std::vector<std::string> arguments = worker.flags.arguments;
  const std::string tensor = take(arguments, "--tensor-parallel-size");
  const std::string data = take(arguments, "--data-parallel-size");
  if (split) {
    arguments.emplace_back("--kv-transfer-config");
    arguments.emplace_back(R"({"kv_connector":"NixlConnector","kv_role":"kv_both"})");
  }
  std::vector<std::string> lines{
      "create: true",
      "replicas: " + std::to_string(worker.replicas),
      "parallelism:",
      "  tensor: " + tensor,
      "  data: " + data,
      "  dataLocal: " + data,
      "  workers: 1",
      "containers:",
      "  - name: vllm",
      "    image: " + quoted_yaml(deployment.image),
      "    modelCommand: vllmServe",
      "    mountModelVolume: true",
      "    resources:",
      "      limits:",
      "        nvidia.com/gpu: " + quoted_yaml(std::to_string(worker.gpus * worker.nodes))};
  if (split) {
    lines.insert(lines.end(),
                 {"    env:", "      - name: VLLM_NIXL_SIDE_CHANNEL_HOST", "        valueFrom:",
                  "          fieldRef:", "            fieldPath: status.podIP"});
  }
  lines.emplace_back("    args:");
  return std::string(worker.role == WorkerRole::kPrefill ? "prefill" : "decode") + ":  # on " +
         worker.machine + "\n" + indented(lines, 2) + yaml_list(arguments, 8);
}

}  // namespace

std::string llm_d_yaml(const Json& plan, const DeployNames& names) {
  Deployment deployment = deployment_of(plan, names);
  check(deployment, names.place);
  const bool split = deployment.workers.size() > 1;
  deployment.notes.emplace_back("The secret llm-d-hf-token has the token to load the model with.");
  for (const Worker& worker : deployment.workers) {
    if (worker.nodes > 1) {
      deployment.notes.push_back("An instance of " + worker.name + " has GPUs of " +
                                 std::to_string(worker.nodes) +
                                 " nodes: set multinode, and start vLLM across them.");
    }
  }
  if (deployment.scheduler != "prefix_affinity") {
    deployment.notes.push_back("The plan's scheduler is " + deployment.scheduler +
                               "; llm-d's router goes by scores of its own.");
  }
  if (split) {
    deployment.notes.emplace_back(
        "Put the image of llm-d's routing sidecar in the place of SIDECAR_IMAGE.");
  }
  constexpr double kGiB = 1024.0 * 1024 * 1024;
  constexpr double kSpare = 1.2;  // of the weights' size, for what else is loaded with them
  const auto gib = std::lround(std::ceil(kSpare * deployment.weight_bytes / kGiB));
  std::string text = deployment_heading(
      deployment, "helm install NAME llm-d-modelservice/llm-d-modelservice -f FILE");
  text += "modelArtifacts:\n" +
          indented({"name: " + quoted_yaml(deployment.model),
                    "uri: " + quoted_yaml("hf://" + deployment.model),
                    "size: " + std::to_string(gib) + "Gi", "authSecretName: llm-d-hf-token",
                    "labels:", "  llm-d.ai/inferenceServing: \"true\"",
                    "  llm-d.ai/model: " + deployment.name},
                   2);
  text += "routing:\n  servicePort: 8000\n  proxy:\n";
  text += split ? indented({"enabled: true", "image: SIDECAR_IMAGE", "targetPort: 8200",
                            "connector: nixlv2"},
                           4)
                : indented({"enabled: false"}, 4);
  bool prefill = false;
  for (const Worker& worker : deployment.workers) {
    text += worker_values(deployment, worker, split);
    prefill = prefill || worker.role == WorkerRole::kPrefill;
  }
  if (!prefill) text += "prefill:\n  create: false\n";
  return text;
}

}  // namespace cleave
