"""Cleave, a simulator of LLM inference clusters, in Python.

    result = cleave.run({"workload": {"rate_rps": 40}})
    result.summary["ttft"]["p99"], result.requests["ttft_s"].mean()

docs/python.md has more. Everything takes and gives what the program's JSON files hold.
"""
import functools
import json
import os
import pathlib
import sqlite3
import tempfile

from cleave import _cleave
from cleave._cleave import BrokenInvariant, InputError, load_plugin
from cleave.table import Table

__all__ = ["BrokenInvariant", "InputError", "Result", "Sweep", "Table", "load_plugin", "plan", "run",
           "scheduler", "sweep"]
__version__ = _cleave.version()


class Result:
    """A run: `summary` (a dict, as in summary.json), and tables of its `requests`, `machines` and
    `links`, a numpy array a column (docs/output.md has their meaning)."""

    def __init__(self, folder, summary):
        self.summary = summary
        self.scenario = json.loads((folder / "scenario.json").read_text())
        # Made into arrays when they are asked for, which takes longer than most runs.
        self._files = {name: (folder / f"{name}.csv").read_text()
                       for name in ("requests", "machines", "links")}

    @functools.cached_property
    def requests(self):
        return Table.read_csv(self._files.pop("requests"))

    @functools.cached_property
    def machines(self):
        return Table.read_csv(self._files.pop("machines"))

    @functools.cached_property
    def links(self):
        return Table.read_csv(self._files.pop("links"))

    @property
    def series(self):
        """What happens over time, a table a pool: means over buckets that begin at `time_s`."""
        return [Table.over_time(pool["over_time"]) for pool in self.summary["pools"]]

    def __repr__(self):
        requests = self.summary["requests"]
        return f"<cleave.Result: {requests['completed']} of {requests['arrived']} requests>"


class Sweep:
    """The `points` of a sweep, a table as `cleave results --csv` shows it, and how many `failed`."""

    def __init__(self, database, failed):
        self.failed = failed
        with sqlite3.connect(database) as connection:
            rows = connection.execute("SELECT * FROM points ORDER BY point")
            names = [column[0] for column in rows.description]
            columns = list(zip(*rows)) or [()] * len(names)
        self.points = Table.of_cells({name: column for name, column in zip(names, columns)
                                        if name not in ("scenario", "summary")})

    def __repr__(self):
        return f"<cleave.Sweep: {self.points.rows} points, {self.failed} failed>"


def _plain(value):
    """What numpy gives, as JSON knows it."""
    if hasattr(value, "tolist"):
        return value.tolist()
    raise TypeError(f"expected what JSON knows, found {value!r}")


def _text(document, kind):
    try:
        return json.dumps(document, allow_nan=False, default=_plain)
    except (TypeError, ValueError) as error:
        raise InputError(f"{kind}: {error}") from None


def _document(value, kind):
    """(name, text): of a built-in name or a file, of a dict."""
    if isinstance(value, dict):
        return "", _text(value, kind)
    if isinstance(value, (str, os.PathLike)):
        return os.fspath(value), ""
    raise TypeError(f"{kind}: expected a dict, the name of a built-in one or of a file, found {value!r}")


def run(scenario=None, scheduler=None):
    """Simulates a scenario, a dict or the name of its file, and gives the Result. What it leaves out
    is the default's. `scheduler`: a name that scheduler() has registered."""
    if isinstance(scenario, (str, os.PathLike)):
        scenario = json.loads(pathlib.Path(scenario).read_text())
    elif scenario is not None and not isinstance(scenario, dict):
        raise TypeError(f"scenario: expected a dict or the name of a file, found {scenario!r}")
    scenario = dict(scenario or {})
    if scheduler is not None:
        scenario["scheduler"] = {**scenario.get("scheduler", {}), "policy": scheduler}
    with tempfile.TemporaryDirectory(prefix="cleave-") as folder:
        summary = json.loads(_cleave.run(_text(scenario, "scenario"), folder))
        return Result(pathlib.Path(folder), summary)


def sweep(spec, out=None, parallel=0):
    """Runs a sweep (docs/sweeps.md), a dict or a name, `parallel` points at a time (0: one a core),
    and gives the Sweep. With `out` the database stays, and a sweep goes on where it was."""
    name, text = _document(spec, "sweep")
    with tempfile.TemporaryDirectory(prefix="cleave-") as folder:
        database = os.fspath(out) if out is not None else os.path.join(folder, "results.db")
        _, failed = _cleave.sweep(name, text, database, parallel)
        return Sweep(database, failed)


def plan(spec, parallel=0):
    """Searches a plan (docs/plans.md), a dict or a name; gives the answer as a dict, in which
    `optimum` is None where nothing holds."""
    name, text = _document(spec, "plan")
    return json.loads(_cleave.plan(name, text, parallel))


def scheduler(name):
    """Makes a class (or any callable) a cluster scheduler that scenarios know by `name`:

        @cleave.scheduler("first")
        class First:
            def __init__(self, cluster):
                self.loads = cluster.loads

            def place(self, demand):
                return 0                # or (prompt instance, token instance)

    It runs in a copy of this process: what it changes there is not seen here."""
    def register(factory):
        summary = (factory.__doc__ or "written in Python").strip().splitlines()[0]
        _cleave.register_scheduler(name, summary, factory)
        return factory
    return register
