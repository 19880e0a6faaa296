#!/usr/bin/env python3
"""Measures a tiny LLM on the CPU with scripts/profile_gpu, fits it and runs a scenario with it.

usage: profile_gpu.py CLEAVE
Exits with 77 (skipped) where this Python has no PyTorch.
"""
import json
import pathlib
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
SCRIPT = ROOT / "scripts/profile_gpu"
LLM = {"layers": 2, "hidden_size": 64, "attention_heads": 4, "kv_heads": 2, "mlp_size": 128,
       "mlp_matrices": 3, "vocabulary": 256, "parameters": 106496}
GPU = {"memory_gib": 4, "memory_gb_per_s": 20, "fp16_tflops": 1, "tdp_w": 100, "idle_w": 10,
       "link_gb_per_s": 10}
MACHINE = {"gpu_count": 1, "nic_count": 1, "nic_gbps": 10, "max_w": 200, "price_per_hour": 1,
           "kv_sync_s": 0}
FLAGS = ["--layers", "2", "--hidden", "64", "--heads", "4", "--kv-heads", "2", "--mlp", "128",
         "--vocab", "256"]


def run(*command):
    return subprocess.run([str(part) for part in command], capture_output=True, text=True)


def profile(*arguments):
    return run(sys.executable, SCRIPT, "--device", "cpu", "--gpu", "my-cpu", *arguments)


class ProfileGpu(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def write(self, name, value):
        path = self.folder / name
        path.write_text(json.dumps(value))
        return str(path)

    def done(self, process):
        self.assertEqual(process.returncode, 0, process.stderr)
        return process.stdout

    def test_from_the_device_to_a_run(self):
        llm, gpu = self.write("tiny.json", LLM), self.write("my-cpu.json", GPU)
        measured = self.folder / "measured.csv"
        self.done(profile("--llm", llm, "--quick", "-o", measured))
        text = measured.read_text()
        comments = [line for line in text.splitlines() if line.startswith("#")]
        for part in ("device: CPU", "PyTorch", "kv_heads 2", "format: float32", "decode step"):
            self.assertTrue(any(part in line for line in comments), part)
        rows = [line for line in text.splitlines() if line.startswith("tiny,my-cpu,")]
        self.assertEqual(len(rows), 6 * 5)
        self.assertEqual([path.name for path in self.folder.glob("*partial*")], [])

        self.done(run(CLEAVE, "profile", "fit", measured, "--llm", llm, "--gpu", gpu, "--out",
                      self.folder / "fitted"))
        fitted = self.folder / "fitted/tiny_my-cpu_tp1.json"
        self.assertIn("device: CPU", json.loads(fitted.read_text())["source"])
        machine = self.write("mine.json", {**MACHINE, "gpu": gpu})
        scenario = self.write("scenario.json", {
            "llm": llm, "latency": {"profiles": [str(fitted)]}, "slo": "none",
            "pools": [{"role": "mixed", "machine": machine, "count": 1}],
            "scheduler": {"policy": "token_jsq"},
            "workload": {"rate_rps": 0.1, "duration_s": 100}})
        summary = json.loads(self.done(run(CLEAVE, "run", scenario, "--json")))
        self.assertGreater(summary["requests"]["completed"], 0)

    def test_a_step_after_a_prompt_is_the_prompt_one_longer(self):
        import torch
        sys.path.insert(0, str(ROOT / "scripts"))
        from lib.decoder import Decoder, Shape
        torch.manual_seed(1)
        for kv_heads, matrices in ((4, 3), (2, 3), (1, 2)):
            shape = Shape(layers=3, hidden=32, heads=4, kv_heads=kv_heads, head=8, mlp=48,
                          mlp_matrices=matrices, vocab=64)
            with torch.inference_mode():
                decoder = Decoder(torch, shape, "cpu", torch.float32)
                # Larger weights, so that one wrong attention would change the answer.
                for layer in decoder.layers:
                    for weight in layer:
                        weight.mul_(20)
                prompt = torch.randint(64, (16, 13))
                decoder.reserve(16, 20)
                decoder.prefill(prompt)
                for _ in range(3):
                    prompt = torch.cat((prompt, decoder.next), 1)
                    decoder.step()
                stepped = decoder.next.clone()
                decoder.reserve(16, 20)
                decoder.prefill(prompt)
                self.assertTrue(torch.equal(decoder.next, stepped), (kv_heads, matrices))
                self.assertGreater(len(set(stepped.flatten().tolist())), 4)

    def test_wrong_input_is_named(self):
        out = self.folder / "measured.csv"
        for arguments, part in (
                (["--llm", "llama3-70c", "-o", out], "llama3-70c"),
                (["--name", "tiny", "--layers", "2", "-o", out], "all of --name"),
                (["--llm", "bloom-176b", "--heads", "4", "-o", out], "no other option"),
                (["--llm", "bloom-176b", "-o", self.folder / "none/x.csv"], "folder that exists"),
                (["--name", "tiny", *FLAGS, "--kv-heads", "3", "-o", out], "multiple of KV heads"),
                (["--name", "tiny", *FLAGS, "--layers", "100000000", "-o", out], "does not fit")):
            process = profile(*arguments)
            self.assertEqual(process.returncode, 2, process.stderr)
            self.assertIn(part, process.stderr)
            self.assertNotIn("Traceback", process.stderr)
        self.assertFalse(out.exists())


if __name__ == "__main__":
    try:
        import torch  # noqa: F401
    except ImportError:
        print(f"skipped: {sys.executable} has no PyTorch (on Debian: apt-get install python3-torch)")
        sys.exit(77)
    CLEAVE = sys.argv.pop(1)
    unittest.main()
