#!/usr/bin/env python3
"""Measures how long a GPU takes for the prompt and the token phase of an LLM.

Builds a decoder of the LLM's shape with random weights (norms, rotary positions, grouped-query
attention, gated MLP; PyTorch), times prompts of 128 to 32768 tokens in batches of 1 to 64 and the
tokens after them, and writes the CSV that `cleave profile fit` reads. It times the GPU alone: no
tokenizer, no scheduler of a serving engine. One GPU, so tensor parallel 1; batches that the memory
cannot hold are skipped and named.

A row is a repetition; times are ms. Power is a fraction of the GPU's default limit, from nvidia-smi
while each phase is repeated: peak_power of the prompt phase, average_power over the run; 0 where
there is no nvidia-smi. A limit below the default becomes a cap in the hardware's name (-cap70).

examples:
  scripts/profile_gpu.py --llm my-llm.json --gpu rtx-4090 -o measured.csv
  scripts/profile_gpu.py --name toy --layers 2 --hidden 64 --heads 4 --kv-heads 2 --mlp 128 \\
      --vocab 256 --gpu my-cpu --device cpu --quick -o measured.csv
"""
import argparse
import datetime
import json
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "scripts/lib"))
from decoder import Decoder, Shape  # noqa: E402 (found only now)

PROMPT_SIZES = [128 << i for i in range(9)]
BATCH_SIZES = [1 << i for i in range(7)]
OUTPUT_TOKENS = 128
QUICK = ([128, 256, 512], [1, 4], 16)
COLUMNS = ("model,hardware,prompt_size,batch_size,token_size,peak_power,average_power,"
           "prompt_time,token_time,e2e_time,tensor_parallel")
# What `cleave profile fit` takes for possible; batches beyond it would not count.
USABLE_MEMORY = 0.9
# nvidia-smi's power is a mean over the last second.
POWER_SETTLES_S, POWER_MEASURED_S = 1.2, 1.3

class Trouble(Exception):
    """What the user has to know, in one sentence."""


def say(text):
    print(text, file=sys.stderr, flush=True)


class Power:
    """Samples of nvidia-smi in a thread; without nvidia-smi, none."""

    def __init__(self, gpu):
        self.samples, self.process, self.gpu = [], None, gpu
        if gpu is None:
            return
        self.process = subprocess.Popen(
            ["nvidia-smi", "--query-gpu=power.draw", "--format=csv,noheader,nounits",
             "--loop-ms=50", "-i", gpu], stdout=subprocess.PIPE, text=True)
        threading.Thread(target=self.listen, daemon=True).start()

    def listen(self):
        for line in self.process.stdout:
            try:
                self.samples.append((time.monotonic(), float(line)))
            except ValueError:
                pass  # "[N/A]"

    def watts(self, work):
        """What is drawn while `work` is repeated; 0: not known."""
        if self.process is None:
            return 0
        start = time.monotonic()
        while time.monotonic() < start + POWER_SETTLES_S + POWER_MEASURED_S:
            work()
        drawn = [watts for at, watts in self.samples if at > start + POWER_SETTLES_S]
        return statistics.mean(drawn) if drawn else 0

    def close(self):
        if self.process is not None:
            self.process.terminate()
            self.process.wait()


def ask_nvidia_smi(gpu, field):
    """One field of nvidia-smi; "" where it does not know."""
    if gpu is None:
        return ""
    done = subprocess.run(["nvidia-smi", f"--query-gpu={field}", "-i", gpu,
                           "--format=csv,noheader,nounits"], capture_output=True, text=True)
    return done.stdout.strip() if done.returncode == 0 else ""


def number(text):
    try:
        return float(text)
    except ValueError:
        return 0.0


class Bench:
    """Measures points of the grid with one decoder."""

    def __init__(self, torch, decoder, power, tdp_w, repetitions):
        self.torch, self.decoder, self.power = torch, decoder, power
        self.tdp_w, self.repetitions = tdp_w, repetitions
        self.cuda = decoder.device == "cuda"
        self.graphs = self.cuda

    def ready(self):
        if self.cuda:
            self.torch.cuda.synchronize()

    def seconds(self, work):
        self.ready()
        start = time.perf_counter()
        work()
        self.ready()
        return time.perf_counter() - start

    def recorded_step(self, position):
        """The decode step as a CUDA graph, which leaves out the launches of its kernels."""
        torch, decoder = self.torch, self.decoder
        if not self.graphs:
            return decoder.step
        try:
            side = torch.cuda.Stream()
            side.wait_stream(torch.cuda.current_stream())
            with torch.cuda.stream(side):
                for _ in range(2):
                    decoder.position.fill_(position)
                    decoder.step()
            torch.cuda.current_stream().wait_stream(side)
            graph = torch.cuda.CUDAGraph()
            with torch.cuda.graph(graph):
                decoder.step()
            return graph.replay
        except RuntimeError as error:
            if "out of memory" in str(error):
                raise
            say(f"no CUDA graphs: {error}")
            self.graphs = False
            return decoder.step

    def point(self, prompt, batch, tokens):
        """A list of (prompt s, token s, peak power, average power), one for each repetition."""
        torch, decoder = self.torch, self.decoder
        decoder.reserve(batch, prompt + tokens)
        prompts = torch.randint(decoder.shape.vocab, (batch, prompt), device=decoder.device)
        decoder.prefill(prompts)
        step = self.recorded_step(prompt)

        def decode():
            decoder.position.fill_(prompt)
            for _ in range(tokens - 1):
                step()

        decode()
        times = []
        for _ in range(self.repetitions):
            prompt_s = self.seconds(lambda: decoder.prefill(prompts))
            times.append((prompt_s, self.seconds(decode) / (tokens - 1)))
        prompt_w = self.power.watts(lambda: self.seconds(lambda: decoder.prefill(prompts)))
        token_w = self.power.watts(lambda: self.seconds(decode))
        rows = []
        for prompt_s, token_s in times:
            decode_s = token_s * (tokens - 1)
            average_w = (prompt_s * prompt_w + decode_s * token_w) / (prompt_s + decode_s)
            known = self.tdp_w > 0 and prompt_w > 0 and token_w > 0
            rows.append((prompt_s, token_s,
                         max(prompt_w, token_w) / self.tdp_w if known else 0,
                         average_w / self.tdp_w if known else 0))
        return rows


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--llm", help="a name of profiles/llms, or a JSON file like those")
    parser.add_argument("--name", help="of the LLM, where its shape is given here instead:")
    for option in ("layers", "hidden", "heads", "kv-heads", "mlp", "vocab"):
        parser.add_argument(f"--{option}", type=int, metavar="N")
    parser.add_argument("--gpu", required=True,
                        help="its name, of profiles/gpus or of a file of yours like those")
    parser.add_argument("--device", choices=("cuda", "cpu"), default="cuda")
    parser.add_argument("--format", choices=("fp16", "bf16"), default="fp16",
                        help="of the weights (default fp16; always FP32 on a CPU)")
    parser.add_argument("--repetitions", type=int, default=5, metavar="N", help="default 5")
    parser.add_argument("--quick", action="store_true", help="few, small batches: a first try")
    parser.add_argument("-o", "--out", required=True, metavar="FILE", help="the CSV file")
    return parser.parse_args()


def shape_of(arguments):
    """Name and shape of the LLM."""
    given = [getattr(arguments, name)
             for name in ("layers", "hidden", "heads", "kv_heads", "mlp", "vocab")]
    if arguments.llm is None:
        if arguments.name is None or None in given:
            raise Trouble("expected --llm, or all of --name, --layers, --hidden, --heads, "
                          "--kv-heads, --mlp and --vocab")
        layers, hidden, heads, kv_heads, mlp, vocab = given
        name, matrices, head = arguments.name, 3, hidden // max(heads, 1)
    else:
        if arguments.name is not None or given != [None] * 6:
            raise Trouble("--llm gives name and shape; expected no other option for them")
        file = (pathlib.Path(arguments.llm) if arguments.llm.endswith(".json")
                else ROOT / "profiles/llms" / (arguments.llm + ".json"))
        try:
            llm = json.loads(file.read_text())
            layers, hidden, heads = llm["layers"], llm["hidden_size"], llm["attention_heads"]
            kv_heads, mlp, vocab = llm["kv_heads"], llm["mlp_size"], llm["vocabulary"]
            name, matrices = file.stem, llm["mlp_matrices"]
            head = llm.get("head_size", hidden // heads)
        except (OSError, ValueError, KeyError) as error:
            raise Trouble(f"--llm {arguments.llm}: {error}; expected an LLM of "
                          "profiles/llms, or a file with the same fields") from error
    shape = Shape(layers, hidden, heads, kv_heads, head, mlp, matrices, vocab)
    if min(shape) < 1 or heads % kv_heads or head % 2:
        raise Trouble(f"{shape}: expected positive numbers, heads a multiple of KV heads, and an "
                      "even head size")
    return name, shape


def memory_needed(shape, number_bytes, prompt, batch, tokens):
    """As `cleave profile fit` counts it: weights, KV cache and a prefill's widest activations."""
    weights = 2 * shape.vocab * shape.hidden + shape.layers * (
        shape.hidden * 2 * (shape.heads + shape.kv_heads) * shape.head
        + shape.mlp_matrices * shape.mlp * shape.hidden)
    cache = 2 * shape.layers * shape.kv_heads * shape.head * batch * (prompt + tokens)
    activations = batch * prompt * (shape.mlp_matrices * shape.mlp + 2 * shape.hidden)
    return number_bytes * (weights + cache + activations)


def measure(bench, shape, memory, grid, comments):
    """The rows of all points that fit; the others are named in `comments`."""
    prompt_sizes, batch_sizes, tokens = grid
    number_bytes = bench.decoder.embedding.element_size()
    rows, skipped = [], []
    points = [(prompt, batch) for prompt in prompt_sizes for batch in batch_sizes]
    for index, (prompt, batch) in enumerate(points, 1):
        place = f"{index}/{len(points)}: {batch} x {prompt} tokens"
        if memory_needed(shape, number_bytes, prompt, batch, tokens) > USABLE_MEMORY * memory:
            skipped.append(f"{batch} x {prompt}")
            say(f"{place}: skipped, exceeds the memory")
            continue
        found = []
        try:
            found = bench.point(prompt, batch, tokens)
        except RuntimeError as error:
            if "out of memory" not in str(error) and "allocate memory" not in str(error):
                raise
        if bench.cuda:
            bench.torch.cuda.empty_cache()
        if not found:
            skipped.append(f"{batch} x {prompt}")
            say(f"{place}: skipped, out of memory")
            continue
        prompt_s, token_s = (statistics.median(row[i] for row in found) for i in (0, 1))
        say(f"{place}: prompt {prompt_s * 1e3:.4g} ms, token {token_s * 1e3:.4g} ms")
        rows += [(prompt, batch, tokens, *row) for row in found]
    if skipped:
        comments.append("not measured, too large for the memory: " + ", ".join(skipped))
    return rows


def write(out, comments, rows, name, hardware):
    """Whole, or not at all."""
    lines = ["# " + comment for comment in comments] + [COLUMNS]
    for prompt, batch, tokens, prompt_s, token_s, peak, average in rows:
        e2e_s = prompt_s + token_s * (tokens - 1)
        lines.append(f"{name},{hardware},{prompt},{batch},{tokens},{peak:.4f},{average:.4f},"
                     f"{prompt_s * 1e3:.6g},{token_s * 1e3:.6g},{e2e_s * 1e3:.6g},1")
    partial = f"{out}.partial-{os.getpid()}"
    try:
        with open(partial, "w", encoding="utf-8") as file:
            file.write("\n".join(lines) + "\n")
        os.replace(partial, out)
    finally:
        if os.path.exists(partial):
            os.remove(partial)


def find_device(torch, arguments):
    """What nvidia-smi calls the GPU (None: it is not asked), its memory and its name."""
    if arguments.device == "cpu":
        memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
        return None, memory, f"CPU ({torch.get_num_threads()} threads)"
    if not torch.cuda.is_available():
        raise Trouble("PyTorch finds no CUDA device; expected one, or --device cpu")
    properties = torch.cuda.get_device_properties(0)
    visible = os.environ.get("CUDA_VISIBLE_DEVICES", "0").split(",")[0]
    return (visible if shutil.which("nvidia-smi") else None, properties.total_memory,
            properties.name)


def main():
    arguments = parse_arguments()
    name, shape = shape_of(arguments)
    if arguments.repetitions < 3:
        raise Trouble("--repetitions: expected 3 or more, so that one that is far off shows")
    if not os.path.isdir(os.path.dirname(os.path.abspath(arguments.out))):
        raise Trouble(f"--out {arguments.out}: expected a file in a folder that exists")
    try:
        import torch
    except ImportError as error:
        raise Trouble(f"{error}; expected PyTorch (on Debian: apt-get install python3-torch and "
                      "/usr/bin/python3; with CUDA: pytorch.org)") from error
    gpu, memory, device = find_device(torch, arguments)
    dtype = {"cpu": torch.float32}.get(
        arguments.device, {"fp16": torch.float16, "bf16": torch.bfloat16}[arguments.format])
    tdp_w = number(ask_nvidia_smi(gpu, "power.default_limit"))
    limit_w = number(ask_nvidia_smi(gpu, "power.limit"))
    hardware = arguments.gpu
    if 0 < limit_w < 0.99 * tdp_w:
        hardware += f"-cap{round(100 * limit_w / tdp_w)}"
    number_bytes = torch.empty(0, dtype=dtype).element_size()
    if memory_needed(shape, number_bytes, 1, 1, 1) > memory:
        raise Trouble(f"{name} does not fit into the {memory / 1e9:.0f} GB of {device}")
    say(f"{device}: {name}, {shape}")
    torch.manual_seed(0)
    power = Power(gpu)
    try:
        with torch.inference_mode():
            decoder = Decoder(torch, shape, arguments.device, dtype)
            bench = Bench(torch, decoder, power, tdp_w, arguments.repetitions)
            skipped = []
            grid = QUICK if arguments.quick else (PROMPT_SIZES, BATCH_SIZES, OUTPUT_TOKENS)
            rows = measure(bench, shape, memory, grid, skipped)
    finally:
        power.close()
    if not rows:
        raise Trouble(f"{device}: no batch fits into the memory")
    comments = [
        "measured by scripts/profile_gpu.py, " + datetime.date.today().isoformat(),
        f"device: {device}, driver {ask_nvidia_smi(gpu, 'driver_version') or 'none'}, "
        f"CUDA {torch.version.cuda or 'none'}, PyTorch {torch.__version__}",
        f"LLM: {name}, " + ", ".join(f"{k} {v}" for k, v in shape._asdict().items()),
        f"format: {str(dtype).replace('torch.', '')}; attention: "
        f"{'scaled_dot_product_attention' if decoder.sdpa else 'plain matrices'}; decode step: "
        f"{'CUDA graph' if bench.graphs else 'kernel by kernel'}",
        *skipped]
    write(arguments.out, comments, rows, name, hardware)
    say(f"{arguments.out}: {len(rows)} rows. Next: cleave profile fit {arguments.out}")


if __name__ == "__main__":
    try:
        main()
    except (Trouble, OSError) as error:
        say(f"profile_gpu.py: {error}")
        sys.exit(2)
    except KeyboardInterrupt:
        sys.exit(130)
