#!/usr/bin/env python3
"""Counts the instructions of a small fixed run and compares them with the recorded number.

usage: instructions.py CLEAVE [--record]

Wall times are noisy; instructions are not. More than 5 % above the record fails; so does more than
5 % below, with the advice to record the better number. Counted from where the cluster starts to run
to where it ends, so that loading the program does not matter.
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
RUN = ["run", "--quiet", "--set", "workload.requests=5000", "--set", "workload.duration_s=1e6"]


def count(cleave):
    with tempfile.TemporaryDirectory() as folder:
        run = subprocess.run(
            ["valgrind", "--tool=callgrind", f"--callgrind-out-file={folder}/out",
             "--toggle-collect=cleave::Cluster::run()", cleave, *RUN],
            stderr=subprocess.PIPE, text=True, check=True)
    return int(re.search(r"Collected : (\d+)", run.stderr).group(1))


def main():
    if shutil.which("valgrind") is None:
        print("skipped: valgrind is not installed")
        return SKIPPED
    found = count(sys.argv[1])
    if sys.argv[2:] == ["--record"]:
        RECORD.write_text(f"{found}\n")
        return 0
    recorded = int(RECORD.read_text())
    change = found / recorded - 1
    print(f"{found} instructions, {change:+.1%} against the recorded {recorded}")
    if abs(change) <= ALLOWANCE:
        return 0
    print("slower than recorded" if change > 0 else
          "faster than recorded: keep it with instructions.py CLEAVE --record")
    return 1


sys.exit(main())
