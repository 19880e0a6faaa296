#!/usr/bin/env python3
"""usage: deployments.py CLEAVE: reads what `cleave export` writes of plans back with a YAML parser,
and holds it against the plans. Exit code 77, "skipped", where Python has none (python3-yaml)."""

import json
import pathlib
import subprocess
import sys
import tempfile
import unittest

try:
    import yaml
except ImportError:
    print("skipped: Python's yaml is not installed (Debian: python3-yaml)")
    sys.exit(77)

CLEAVE = sys.argv.pop()
PLAN = {
    "scenario": {"llm": "qwen3-32b", "latency": {"engine": "vllm"},
                 "workload": {"prompt_tokens": 1024, "output_tokens": 128, "rate_rps": 40,
                              "duration_s": 20},
                 "slo": {"limits": {"ttft": {"p90": 2}, "tpot": {"p90": 0.05}}}},
    "minimize": "machines", "seeds": [1], "confidence": 0.5,
    "designs": [{"name": "split", "scheduler": "token_jsq", "most": 4,
                 "prompt": {"machine": "dgx-h100", "tensor_parallel": 2},
                 "token": {"machine": "dgx-h100", "tensor_parallel": 4}}]}
# Instances of so many GPUs that a machine of eight has.
PREFILL, DECODE = 4, 2


def merged(base, changes):
    result = dict(base)
    for key, value in changes.items():
        both = isinstance(value, dict) and isinstance(result.get(key), dict)
        result[key] = merged(result[key], value) if both else value
    return result


def pairs(arguments):
    """The flags of a command line with their values; True for a flag without one."""
    flags = {}
    for at, argument in enumerate(arguments):
        if argument.startswith("--"):
            value = arguments[at + 1] if at + 1 < len(arguments) else "--"
            flags[argument] = True if value.startswith("--") else value
    return flags


class Deployments(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.temporary = tempfile.TemporaryDirectory()
        cls.folder = pathlib.Path(cls.temporary.name)

    @classmethod
    def tearDownClass(cls):
        cls.temporary.cleanup()

    def cleave(self, *arguments, code=0):
        done = subprocess.run([CLEAVE, *map(str, arguments)], capture_output=True, text=True,
                              timeout=120)
        self.assertEqual(done.returncode, code, done.stderr)
        return done.stdout if code == 0 else done.stderr

    def answer(self, changes=None):
        """The file of an answer, and the answer."""
        file = self.folder / "plan.json"
        out = self.folder / "answer.json"
        file.write_text(json.dumps(merged(PLAN, changes or {})))
        self.cleave("plan", file, "--out", out)
        return out, json.loads(out.read_text())

    def documents(self, answer, target, *more):
        text = self.cleave("export", answer, "--as", target, *more)
        return text, [document for document in yaml.safe_load_all(text) if document]

    def count(self, plan, role):
        return next(pool["count"] for pool in plan["optimum"]["pools"] if pool["role"] == role)

    def test_dynamo_has_the_plans_workers(self):
        file, plan = self.answer()
        text, (graph,) = self.documents(file, "dynamo")
        self.assertEqual(graph["apiVersion"], "nvidia.com/v1alpha1")
        self.assertEqual(graph["kind"], "DynamoGraphDeployment")
        self.assertEqual(graph["spec"]["backendFramework"], "vllm")
        services = graph["spec"]["services"]
        self.assertEqual(set(services), {"Frontend", "prefill", "decode"})
        for name, role, each, degree in (("prefill", "prompt", PREFILL, "2"),
                                         ("decode", "token", DECODE, "4")):
            service = services[name]
            self.assertEqual(service["replicas"], each * self.count(plan, role))
            self.assertEqual(service["componentType"], "worker")
            self.assertEqual(service["subComponentType"], name)
            self.assertEqual(service["resources"]["limits"]["gpu"], degree)
            container = service["extraPodSpec"]["mainContainer"]
            self.assertEqual(container["image"], "IMAGE")
            self.assertEqual(container["command"], ["python3", "-m", "dynamo.vllm"])
            flags = pairs(container["args"])
            self.assertEqual(flags["--model"], "Qwen/Qwen3-32B")
            self.assertTrue(flags[f"--is-{name}-worker"])
            self.assertEqual(flags["--tensor-parallel-size"], degree)
            # vLLM's own on an H100 (docs/engines.md).
            self.assertEqual(flags["--max-num-seqs"], "1024")
            self.assertEqual(flags["--max-num-batched-tokens"], "8192")
            self.assertEqual(flags["--block-size"], "16")
            self.assertEqual(flags["--kv-cache-dtype"], "auto")
            self.assertTrue(flags["--no-enable-prefix-caching"])
        said = " ".join(line.lstrip("# ") for line in text.splitlines() if line.startswith("#"))
        self.assertIn("Prediction: ", said)
        self.assertIn(plan["optimum"]["how_sure"], said)
        self.assertIn("TTFT P90", said)
        self.assertIn("in the place of IMAGE", said)

    def test_llm_d_has_the_plans_workers(self):
        file, plan = self.answer()
        _, (values,) = self.documents(file, "llm-d", "--image", "an/image:1")
        self.assertEqual(values["modelArtifacts"]["uri"], "hf://Qwen/Qwen3-32B")
        # 32.76e9 parameters of two bytes, and a fifth more: 73.2 GiB.
        self.assertEqual(values["modelArtifacts"]["size"], "74Gi")
        for name, role, each, degree in (("prefill", "prompt", PREFILL, 2),
                                         ("decode", "token", DECODE, 4)):
            worker = values[name]
            self.assertEqual(worker["replicas"], each * self.count(plan, role))
            self.assertEqual(worker["parallelism"]["tensor"], degree)
            container, = worker["containers"]
            self.assertEqual(container["image"], "an/image:1")
            self.assertEqual(container["modelCommand"], "vllmServe")
            self.assertEqual(container["resources"]["limits"]["nvidia.com/gpu"], str(degree))
            flags = pairs(container["args"])
            # The chart itself gives these.
            self.assertNotIn("--tensor-parallel-size", flags)
            self.assertEqual(flags["--max-num-seqs"], "1024")
            self.assertEqual(json.loads(flags["--kv-transfer-config"])["kv_connector"],
                             "NixlConnector")

    def test_mixed_machines_are_workers_of_both_phases(self):
        changes = {"designs": [{"name": "mixed", "scheduler": "dynamo_kv", "most": 4,
                                "mixed": {"machine": "dgx-h100", "tensor_parallel": 8}}],
                   "scenario": {"kv_cache": {"prefix_caching": True, "memory_fraction": 0.85}}}
        file, plan = self.answer(changes)
        _, (graph,) = self.documents(file, "dynamo")
        services = graph["spec"]["services"]
        self.assertEqual(services["Frontend"]["envs"], [{"name": "DYN_ROUTER_MODE", "value": "kv"}])
        worker = services["worker"]
        self.assertEqual(worker["replicas"], self.count(plan, "mixed"))
        self.assertNotIn("subComponentType", worker)
        flags = pairs(worker["extraPodSpec"]["mainContainer"]["args"])
        self.assertNotIn("--is-decode-worker", flags)
        self.assertTrue(flags["--enable-prefix-caching"])
        self.assertEqual(flags["--gpu-memory-utilization"], "0.85")
        _, (values,) = self.documents(file, "llm-d")
        self.assertEqual(values["decode"]["replicas"], self.count(plan, "mixed"))
        self.assertEqual(values["prefill"], {"create": False})
        self.assertFalse(values["routing"]["proxy"]["enabled"])

    def test_experts_and_attention_in_parallel_under_sglang(self):
        changes = {"scenario": {"llm": "deepseek-v3", "weights": {"format": "fp8"},
                                "kv_cache": {"format": "fp8", "memory_fraction": 0.85},
                                "latency": {"engine": "sglang"},
                                "workload": {"rate_rps": 2}},
                   "designs": [{"name": "ep", "scheduler": "token_jsq", "most": 4,
                                "mixed": {"machine": "dgx-b200", "tensor_parallel": 1,
                                          "data_parallel": 8, "expert_parallel": 8}}]}
        file, _ = self.answer(changes)
        text, (graph,) = self.documents(file, "dynamo", "--model", 'my "own": model')
        container = graph["spec"]["services"]["worker"]["extraPodSpec"]["mainContainer"]
        flags = pairs(container["args"])
        self.assertEqual(flags["--model-path"], 'my "own": model')
        self.assertEqual(flags["--tp-size"], "8")
        self.assertEqual(flags["--dp-size"], "8")
        self.assertTrue(flags["--enable-dp-attention"])
        self.assertEqual(flags["--ep-size"], "8")
        self.assertEqual(flags["--kv-cache-dtype"], "fp8_e4m3")
        self.assertEqual(flags["--page-size"], "1")
        self.assertEqual(flags["--mem-fraction-static"], "0.85")
        # 16384 on a B200, for each of eight groups; the server divides it again.
        self.assertEqual(flags["--chunked-prefill-size"], str(8 * 16384))
        self.assertIn("weights in fp8", text)
        self.assertIn("its engine is sglang", self.cleave("export", file, "--as", "llm-d", code=2))

    def test_trtllm_has_its_settings_in_a_file(self):
        changes = {"scenario": {"llm": "llama3-70b", "weights": {"format": "fp8"},
                                "latency": {"engine": "trtllm"}, "workload": {"rate_rps": 8}},
                   "designs": [{"name": "split", "scheduler": "token_jsq", "most": 4,
                                "prompt": {"machine": "dgx-h200", "tensor_parallel": 2},
                                "token": {"machine": "dgx-h200", "tensor_parallel": 4}}]}
        file, plan = self.answer(changes)
        _, (config, graph) = self.documents(file, "dynamo")
        self.assertEqual(config["kind"], "ConfigMap")
        services = graph["spec"]["services"]
        for name, role, each, degree in (("prefill", "prompt", 4, 2), ("decode", "token", 2, 4)):
            settings = yaml.safe_load(config["data"][name + ".yaml"])
            self.assertEqual(settings["tensor_parallel_size"], degree)
            self.assertEqual(settings["max_num_tokens"], 8192)
            self.assertEqual(settings["kv_cache_config"]["tokens_per_block"], 32)
            self.assertEqual(settings["kv_cache_config"]["dtype"], "auto")
            self.assertEqual(settings["cache_transceiver_config"], {"backend": "DEFAULT"})
            service = services[name]
            self.assertEqual(service["replicas"], each * self.count(plan, role))
            pod = service["extraPodSpec"]
            mounted = pod["mainContainer"]["volumeMounts"][0]
            self.assertEqual(pod["volumes"][0]["configMap"]["name"], config["metadata"]["name"])
            flags = pairs(pod["mainContainer"]["args"])
            self.assertEqual(flags["--extra-engine-args"], f"{mounted['mountPath']}/{name}.yaml")
            self.assertEqual(flags["--disaggregation-mode"], name)

    def test_an_instance_beyond_its_links_is_of_several_nodes(self):
        changes = {"scenario": {"llm": "llama3-405b"}, "designs": [
            {"name": "two", "scheduler": "token_jsq", "most": 2,
             "mixed": {"machine": "2x-dgx-h100", "tensor_parallel": 8, "pipeline_parallel": 2}}]}
        changes["scenario"].update({"workload": {"rate_rps": 0.5, "duration_s": 60}})
        file, _ = self.answer(changes)
        text, (graph,) = self.documents(file, "dynamo")
        worker = graph["spec"]["services"]["worker"]
        self.assertEqual(worker["multinode"], {"nodeCount": 2})
        self.assertEqual(worker["resources"]["limits"]["gpu"], "8")
        flags = pairs(worker["extraPodSpec"]["mainContainer"]["args"])
        self.assertEqual(flags["--pipeline-parallel-size"], "2")
        text, (values,) = self.documents(file, "llm-d")
        limits = values["decode"]["containers"][0]["resources"]["limits"]
        self.assertEqual(limits["nvidia.com/gpu"], "16")
        self.assertIn("set multinode", " ".join(text.split("# ")))

    def test_the_papers_plan_says_what_no_engine_does(self):
        changes = {"scenario": {"llm": "llama2-70b", "latency": {"engine": None},
                                "batching": {"policy": "splitwise"}, "slo": "splitwise",
                                "workload": {"rate_rps": 4}},
                   "designs": [{"name": "HH", "scheduler": "mixed_pool", "most": 8,
                                "prompt": {"machine": "dgx-h100", "tensor_parallel": 8},
                                "token": {"machine": "dgx-h100", "tensor_parallel": 8}}]}
        changes["scenario"]["latency"] = {"policy": "fitted"}
        plan = merged(PLAN, changes)
        del plan["scenario"]["latency"]
        file = self.folder / "paper.json"
        file.write_text(json.dumps(plan))
        out = self.folder / "paper-answer.json"
        self.cleave("plan", file, "--out", out)
        text, (graph,) = self.documents(out, "dynamo")
        said = " ".join(line.lstrip("# ") for line in text.splitlines() if line.startswith("#"))
        self.assertIn("no engine here does", said)
        self.assertIn("scheduler is mixed_pool", said)
        flags = pairs(graph["spec"]["services"]["prefill"]["extraPodSpec"]["mainContainer"]["args"])
        self.assertNotIn("--max-num-seqs", flags)

    def test_names_do_not_leave_their_line(self):
        file, plan = self.answer()
        plan["optimum"]["how_sure"] = "sure\nkind: Evil"
        file.write_text(json.dumps(plan))
        _, (graph,) = self.documents(file, "dynamo")
        self.assertEqual(graph["kind"], "DynamoGraphDeployment")


if __name__ == "__main__":
    unittest.main(verbosity=2)
