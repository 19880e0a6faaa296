#!/usr/bin/env python3
"""Counts the instructions of small fixed runs and compares them with the recorded numbers.

usage: instructions.py CLEAVE [--record]

Wall times are noisy; instructions are not. One run is more than 5 % above its record: that fails; so
does more than 5 % below, with the advice to record the better number. Counted from where the cluster
starts to run to where it ends, so that loading the program does not matter.
"""
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

RECORD = pathlib.Path(__file__).with_name("instructions.txt")
ALLOWANCE = 0.05
SKIPPED = 77
COMMON = ["run", "--quiet", "--set", "workload.duration_s=1e6"]
# The default; the same 25 times as large in a fat tree, where few flows contend; and machines whose
# network is too slow for what they send, so that SimGrid shares it out.
RUNS = {
    "star": ["--set", "workload.requests=5000"],
    "fat-tree-1000": ["--set", "workload.requests=5000", "--set", "pools[0].count=625",
                      "--set", "pools[1].count=375", "--set", "workload.rate_rps=1750",
                      "--set", "fabric.topology=fat-tree"],
    "contended": ["--set", "workload.requests=2000", "--preset", "ethernet-10g",
                  "--set", "workload.rate_rps=40"],
}


def count(cleave, settings):
    with tempfile.TemporaryDirectory() as folder:
        run = subprocess.run(
            ["valgrind", "--tool=callgrind", f"--callgrind-out-file={folder}/out",
             "--toggle-collect=cleave::Cluster::run()", cleave, *COMMON, *settings],
            stderr=subprocess.PIPE, text=True, check=True)
    return int(re.search(r"Collected : (\d+)", run.stderr).group(1))


def compare(name, found, recorded):
    """Says how they compare; whether they are alike."""
    change = found / recorded - 1
    print(f"{name}: {found} instructions, {change:+.1%} against the recorded {recorded}")
    if abs(change) <= ALLOWANCE:
        return True
    print("slower than recorded" if change > 0 else
          "faster than recorded: keep it with instructions.py CLEAVE --record")
    return False


def main():
    if shutil.which("valgrind") is None:
        print("skipped: valgrind is not installed")
        return SKIPPED
    found = {name: count(sys.argv[1], settings) for name, settings in RUNS.items()}
    if sys.argv[2:] == ["--record"]:
        RECORD.write_text("".join(f"{name} {number}\n" for name, number in found.items()))
        return 0
    recorded = dict(line.split() for line in RECORD.read_text().splitlines())
    alike = [compare(name, number, int(recorded[name])) for name, number in found.items()]
    return 0 if all(alike) else 1


sys.exit(main())
