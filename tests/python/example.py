# %% A small cluster, in both of its shapes
import cleave

CLUSTER = {
    "llm": "llama2-70b",
    "workload": {"trace": "azure-2023-conv", "rate_rps": 20, "duration_s": 60},
    "pools": [{"role": "prompt", "machine": "dgx-h100", "count": 2},
              {"role": "token", "machine": "dgx-h100", "count": 3}],
}
split = cleave.run(CLUSTER)
mixed = cleave.run({**CLUSTER, "scheduler": {"policy": "token_jsq"},
                    "pools": [{"role": "mixed", "machine": "dgx-h100", "count": 5}]})
for name, result in (("split", split), ("mixed", mixed)):
    print(f"{name}: {result}, P99 of TTFT {result.summary['ttft']['p99']:.3f} s, "
          f"of TPOT {result.summary['tpot']['p99'] * 1000:.1f} ms")

# %% Requests are numpy arrays, a column each
requests = split.requests
late = requests["ttft_s"] > 2 * requests["ttft_s"].mean()
print(f"{late.sum()} of {requests.rows} wait for more than twice the mean; "
      f"their prompts have {requests['prompt_tokens'][late].mean():.0f} tokens, "
      f"all {requests['prompt_tokens'].mean():.0f}")

# %% What happens over time, pool by pool
tokens = split.series[1]
busiest = tokens["power_w"].argmax()
print(f"the token pool draws most, {tokens['power_w'][busiest] / 1000:.1f} kW, "
      f"{tokens['time_s'][busiest]:.1f} s after the start")


# %% A scheduler of one's own
@cleave.scheduler("shortest")
class Shortest:
    """the fewest pending tokens, the least memory taken"""

    def __init__(self, cluster):
        self.loads = cluster.loads
        self.prompt = [i for i, load in enumerate(self.loads) if load.home == "prompt"]
        self.token = [i for i, load in enumerate(self.loads) if load.home == "token"]

    def place(self, demand):
        prompt = min(self.prompt, key=lambda i: self.loads[i].pending_tokens)
        token = min(self.token, key=lambda i: self.loads[i].reserved_tokens)
        return prompt, token


own = cleave.run(CLUSTER, scheduler="shortest")
print(f"own scheduler: P99 of TTFT {own.summary['ttft']['p99']:.3f} s")

# %% The same in a sweep, with three seeds
sweep = cleave.sweep({"scenario": CLUSTER,
                      "vary": {"scheduler.policy": ["shortest", "kv_round_robin"],
                               "workload.seed": [1, 2, 3]}})
points = sweep.points
for policy in ("shortest", "kv_round_robin"):
    print(f"{policy}: P99 of TTFT {points['ttft_p99'][points['scheduler.policy'] == policy].mean():.3f} s")

# %% How many machines hold the paper's objectives at this rate?
plan = cleave.plan({"scenario": {"llm": "llama2-70b", "workload": CLUSTER["workload"]},
                    "minimize": "machines", "seeds": [1],
                    "designs": [{"name": "split", "prompt": "dgx-h100", "token": "dgx-h100",
                                 "most": 10}]})
print(" + ".join(f"{pool['count']} {pool['role']}" for pool in plan["optimum"]["pools"]))
