"""Runs cleave and reads what it answers."""
import concurrent.futures
import contextlib
import json
import os
import pathlib
import sqlite3
import subprocess
import tempfile

from lib.command import ROOT, Trouble

PROGRAM = ROOT / "build/cleave"


def check_built(program):
    if not program.exists():
        raise Trouble(f"{program} is missing; scripts/quickstart builds it")


NO_ANSWER = 4  # the exit code of a plan that nothing holds, and says so


def call(*words, good=(0,)):
    """The standard output of cleave, which must end with a `good` exit code."""
    check_built(PROGRAM)
    done = subprocess.run([PROGRAM, *words], capture_output=True, text=True, check=False)
    if done.returncode not in good:
        raise Trouble(f"cleave {' '.join(map(str, words))}: {done.stderr.strip()}")
    return done.stdout


@contextlib.contextmanager
def json_file(value):
    """The path of a file that holds `value`."""
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump(value, file)
        file.flush()
        yield file.name


def show(name):
    """What is built in under this name: a plan, a sweep, a machine, ..."""
    return json.loads(call("show", name))


def run(settings=None, presets=()):
    """The summary of a run of the default scenario with presets and `settings`: {path: value}."""
    words = [word for preset in presets for word in ("--preset", preset)]
    for path, value in (settings or {}).items():
        words += ["--set", f"{path}={value if isinstance(value, str) else json.dumps(value)}"]
    return json.loads(call("run", "--json", *words))


def run_scenario(scenario):
    """The summary of a run of a scenario."""
    with json_file(scenario) as file:
        return json.loads(call("run", file, "--json"))


def plan(spec):
    """The answer of a plan."""
    with json_file(spec) as file:
        return json.loads(call("plan", file, "--json", good=(0, NO_ANSWER)))


def sweep(spec):
    """The points of a sweep: (scenario, summary) each."""
    with json_file(spec) as file, tempfile.TemporaryDirectory() as folder:
        database = pathlib.Path(folder, "results.db")
        call("sweep", file, "--out", database, "--quiet")
        with contextlib.closing(sqlite3.connect(database)) as connection:
            rows = connection.execute("SELECT scenario, summary FROM points ORDER BY point")
            return [(json.loads(scenario), json.loads(summary)) for scenario, summary in rows]


def broken(summary):
    """What does not hold in a run: limits, or ["overload"]."""
    if summary["steady"]["overload"]:
        return ["overload"]
    return [limit["metric"].upper() + " " + limit["percentile"].upper()
            for limit in summary["slo"]["limits"] if not limit["holds"]]


def holds(summary):
    return not broken(summary) and summary["slo"]["holds"]


def side_by_side(work, keys):
    """{"a | b": work(a, b)} for every key (a, b), as many at a time as there are cores."""
    with concurrent.futures.ThreadPoolExecutor(len(os.sched_getaffinity(0))) as threads:
        return dict(zip((" | ".join(key) for key in keys),
                        threads.map(lambda key: work(*key), keys)))
