"""The clusters of the Splitwise paper (Patel et al., ISCA 2024), and how to simulate and plan them;
for the scripts that compare with its figures."""
import concurrent.futures
import contextlib
import json
import os
import pathlib
import sqlite3
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
CLEAVE = ROOT / "build/cleave"
H, A, CAP = "dgx-h100", "dgx-a100", "dgx-h100-cap70"
# Cluster: (prompt machine, token machine), machines for conversation, machines for coding; all draw
# the power of 40 DGX-H100.
CLUSTERS = {
    "Baseline-A100": ((A, None), (70, 0), (70, 0)),
    "Baseline-H100": ((H, None), (40, 0), (40, 0)),
    "Splitwise-AA": ((A, A), (45, 25), (55, 15)),
    "Splitwise-HH": ((H, H), (25, 15), (35, 5)),
    "Splitwise-HA": ((H, A), (25, 26), (35, 8)),
    "Splitwise-HHcap": ((H, CAP), (25, 21), (35, 7)),
}
SPLIT = [name for name in CLUSTERS if name.startswith("Splitwise")]
WORKLOADS = {"conversation": "azure-2023-conv", "coding": "azure-2023-code"}
PRESETS = {"preset": ["splitwise-sim"], "default": []}


def say(text):
    print(text, file=sys.stderr, flush=True)


def call(arguments):
    """The standard output of cleave; where it fails, its message ends the script."""
    if not CLEAVE.exists():
        sys.exit(f"{CLEAVE} is missing; scripts/quickstart builds it")
    done = subprocess.run([CLEAVE] + arguments, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"cleave {' '.join(map(str, arguments))}: {done.stderr.strip()}")
    return done.stdout


def run(settings, presets=()):
    """The summary of a run; `settings` as {path: value}."""
    arguments = ["run", "--json"]
    for preset in presets:
        arguments += ["--preset", preset]
    for path, value in settings.items():
        arguments += ["--set", f"{path}={value if isinstance(value, str) else json.dumps(value)}"]
    return json.loads(call(arguments))


def cluster(name, workload, sized_for=None):
    """Settings: this cluster, sized for this workload or another one, under this workload."""
    machines, conversation, coding = CLUSTERS[name]
    counts = conversation if (sized_for or workload) == "conversation" else coding
    settings = {"workload.trace": WORKLOADS[workload]}
    if machines[1] is None:
        return {**settings, "scheduler.policy": "token_jsq",
                "pools": [{"role": "mixed", "machine": machines[0], "count": counts[0]}]}
    return {**settings, "scheduler.policy": "mixed_pool",
            "pools": [{"role": role, "machine": machine, "count": count}
                      for role, machine, count in zip(("prompt", "token"), machines, counts)]}


def broken(summary):
    """What does not hold: limits, or ["overload"]."""
    if summary["steady"]["overload"]:
        return ["overload"]
    return [limit["metric"].upper() + " " + limit["percentile"].upper()
            for limit in summary["slo"]["limits"] if not limit["holds"]]


def holds(summary):
    return not broken(summary) and summary["slo"]["holds"]


def capacity(settings, presets, exact=0.01):
    """The highest rate, requests/s, at which every limit holds; to `exact` of it."""
    def keeps(rate):
        return holds(run({**settings, "workload.rate_rps": rate}, presets))
    low, high = 0.0, 40.0
    while keeps(high):
        low, high = high, 2 * high
    while high - low > exact * high:
        middle = (low + high) / 2
        low, high = (middle, high) if keeps(middle) else (low, middle)
        if high < 0.1:
            return 0.0
    return low


def plan(name, presets, scenario=None):
    """The answer of a built-in plan, with other presets and `scenario` merged into its own."""
    spec = json.loads((ROOT / "profiles/plans" / f"{name}.json").read_text())
    spec["presets"] = list(presets)
    spec["scenario"].update(scenario or {})
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump(spec, file)
        file.flush()
        return json.loads(call(["plan", file.name, "--json"]))


def sweep(name, presets):
    """The points of a built-in sweep, with other presets: (scenario, summary) each."""
    spec = json.loads((ROOT / "profiles/sweeps" / f"{name}.json").read_text())
    spec["presets"] = list(presets)
    with tempfile.TemporaryDirectory() as folder:
        file, database = pathlib.Path(folder, "spec.json"), pathlib.Path(folder, "results.db")
        file.write_text(json.dumps(spec))
        call(["sweep", str(file), "--out", str(database), "--quiet"])
        with contextlib.closing(sqlite3.connect(database)) as connection:
            rows = connection.execute("SELECT scenario, summary FROM points ORDER BY point")
            return [(json.loads(scenario), json.loads(summary)) for scenario, summary in rows]


def side_by_side(work, keys):
    """{"a | b": work(a, b)} for every key (a, b), as many at a time as there are cores."""
    with concurrent.futures.ThreadPoolExecutor(len(os.sched_getaffinity(0))) as threads:
        return dict(zip((" | ".join(key) for key in keys),
                        threads.map(lambda key: work(*key), keys)))


def put_between(page, script, text):
    """Replaces what stands between the markers of `script` in a page of the repository."""
    path = ROOT / page
    begin, end = f"<!-- begin: written by {script} -->", "<!-- end -->"
    before, rest = path.read_text().split(begin)
    path.write_text(before + begin + "\n" + text + "\n" + end + rest.split(end, 1)[1])
