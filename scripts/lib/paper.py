"""The clusters of the Splitwise paper (Patel et al., ISCA 2024), and how to simulate and plan them;
for the scripts that compare with its figures."""
from lib import capacity, cleave

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


def highest_rate(settings, presets):
    """The highest rate, requests/s, at which every limit holds."""
    return capacity.highest_rate(
        lambda rate: cleave.holds(cleave.run({**settings, "workload.rate_rps": rate}, presets)))


def plan(name, presets, scenario=None):
    """The answer of a built-in plan, with other presets and `scenario` merged into its own."""
    spec = cleave.show(name)
    spec["scenario"].update(scenario or {})
    return cleave.plan({**spec, "presets": list(presets)})


def sweep(name, presets):
    """The points of a built-in sweep, with other presets: (scenario, summary) each."""
    return cleave.sweep({**cleave.show(name), "presets": list(presets)})
