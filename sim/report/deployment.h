#pragma once

#include <string>
#include <vector>

#include "sim/report/engine_flags.h"

namespace cleave {

/// What a plan cannot know.
struct DeployNames {
  std::string model;             ///< as the engine loads it; "": the LLM profile's, or MODEL
  std::string image = "IMAGE";   ///< of the containers
  std::string place = "answer";  ///< for messages: the file that the plan is from
};

/// One pool of a plan's optimum, as Kubernetes is to run it.
struct Worker {
  std::string name;  ///< "prefill", "decode", "worker"; several of a role are numbered
  WorkerRole role;
  std::uint32_t replicas;  ///< instances of the LLM
  std::uint32_t gpus;      ///< of a node of an instance
  std::uint32_t nodes;     ///< of an instance: more than one where GPUs' links reach no further
  std::string machine;     ///< "dgx-h100: 8 x h100-80gb"
  EngineFlags flags;
};

/// A plan's optimum with what is known of it, in words.
struct Deployment {
  std::string name;   ///< "cleave-qwen3-32b"
  std::string model;  ///< as in DeployNames
  std::string image;
  double weight_bytes = 0;
  std::string scheduler;
  std::vector<Worker> workers;
  std::vector<std::string> prediction;  ///< sentences: what comes out, and how sure that is
  std::vector<std::string> notes;       ///< what is left to who deploys it, a sentence each

  const std::string& engine() const { return workers.front().flags.engine; }
};

/// `plan` is the answer of find_plan(). Throws InputError where it has no optimum, or names an LLM
/// or a machine that is no longer there.
Deployment deployment_of(const Json& plan, const DeployNames& names);

/// The same as a DynamoGraphDeployment (nvidia.com/v1alpha1), as the examples of ai-dynamo/dynamo
/// have it (examples/backends/*/deploy). Throws InputError for what it cannot say.
std::string dynamo_yaml(const Json& plan, const DeployNames& names);

/// The same as values of the Helm chart llm-d-modelservice (llm-d-incubation), which starts vLLM.
/// Throws InputError for what it cannot say.
std::string llm_d_yaml(const Json& plan, const DeployNames& names);

/// The comment above either: `command` is how it is applied.
std::string deployment_heading(const Deployment& deployment, const std::string& command);

/// A text as YAML takes it anywhere: in double quotes, as JSON.
std::string quoted_yaml(const std::string& text);

/// `lines`, each indented by so many spaces.
std::string indented(const std::vector<std::string>& lines, std::size_t by);

/// The arguments as items of a list, indented.
std::string yaml_list(const std::vector<std::string>& arguments, std::size_t by);

}  // namespace cleave
