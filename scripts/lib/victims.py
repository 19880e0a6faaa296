"""The commands of cleave that scripts/torture disturbs, and how to read what they wrote."""
import dataclasses
import json
import pathlib
import shutil
import sqlite3
import subprocess
import tempfile
import typing

LIMIT_S = 120
SCENARIO = {"llm": "llama2-70b", "workload": {"duration_s": 30, "rate_rps": 20}}
SWEEP = {"scenario": SCENARIO, "vary": {"pools[0].count": {"from": 1, "to": 4},
                                        "pools[1].count": {"from": 1, "to": 6}}}
PLAN = {"summary": "small", "minimize": "cost", "scenario": SCENARIO,
        "designs": [{"name": "split", "prompt": "dgx-h100", "token": "dgx-h100", "most": 6}]}
OTHER_PLAN = {**PLAN, "minimize": "power"}


def read_file(path):
    return path.read_bytes()


def read_folder(path):
    return {file.name: file.read_bytes() for file in path.iterdir()}


def read_database(path):
    """All rows of a copy, so that reading does not mend what is there. With its log, if there is one."""
    with tempfile.TemporaryDirectory() as folder:
        for file in path.parent.glob(path.name + "*"):
            if file.name in (path.name, path.name + "-wal", path.name + "-journal"):
                shutil.copy(file, folder)
        database = sqlite3.connect(pathlib.Path(folder, path.name))
        try:
            problems = database.execute("PRAGMA integrity_check").fetchall()
            if problems != [("ok",)]:
                raise sqlite3.DatabaseError(problems[0][0])
            tables = [name for name, in database.execute(
                "SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name")]
            return {name: database.execute(f"SELECT * FROM {name} ORDER BY 1").fetchall()
                    for name in tables}
        finally:
            database.close()


def size(path):
    """Bytes of a file, or of all in a folder."""
    return sum(file.stat().st_size for file in (path.iterdir() if path.is_dir() else [path]))


def disturb(command, **options):
    """Its exit code, or minus the signal, and what it said on standard error."""
    done = subprocess.run([str(word) for word in command], stdin=subprocess.DEVNULL, check=False,
                          stderr=subprocess.PIPE, timeout=LIMIT_S, **options)
    return done.returncode, done.stderr.decode(errors="replace")


def undisturbed(command):
    code, said = disturb(command, stdout=subprocess.DEVNULL)
    if code != 0:
        raise RuntimeError(f"{' '.join(map(str, command))}: exit code {code}: {said}")


@dataclasses.dataclass
class Victim:
    """A command that writes to a target; `earlier` is another, whose result it may find there."""
    name: str
    target: str
    read: typing.Callable[[pathlib.Path], object]
    words: typing.Callable[[pathlib.Path], list]
    earlier: typing.Callable[[pathlib.Path], list] = None
    right: object = None
    old: pathlib.Path = None
    right_of_old: object = None

    def learn(self, folder):
        """What the command makes undisturbed."""
        undisturbed(self.words(folder / self.target))
        self.right = self.read(folder / self.target)
        if self.earlier is not None:
            self.old = folder / f"old-{self.target}"
            undisturbed(self.earlier(self.old))
            self.right_of_old = self.read(self.old)

    def put_old(self, target):
        (shutil.copytree if self.old.is_dir() else shutil.copy)(self.old, target)


class Victims:
    """All commands, and the files that they read, in a folder."""

    def __init__(self, cleave, folder):
        self.cleave, self.folder = cleave, folder
        for name, value in (("scenario", SCENARIO), ("plan", PLAN),
                            ("other-plan", OTHER_PLAN), ("sweep", SWEEP)):
            (folder / f"{name}.json").write_text(json.dumps(value))
        plan, sweep = folder / "plan.json", folder / "sweep.json"
        run = [cleave, "run", folder / "scenario.json", "--quiet"]
        other = [*run, "--set", "workload.seed=2"]
        parts = [folder / "part-0.db", folder / "part-1.db"]

        def sweep_words(to, *more):
            return [cleave, "sweep", sweep, "-j", "2", "--quiet", "--out", to, *more]

        self.sweep = Victim("sweep", "sweep.db", read_database, sweep_words)
        self.single = [
            Victim("run", "results", read_folder,
                   lambda to: [*run, "--out", to], lambda to: [*other, "--out", to]),
            Victim("timeline", "run.pftrace", read_file,
                   lambda to: [*run, "--timeline", to], lambda to: [*other, "--timeline", to]),
            Victim("report", "report.html", read_file,
                   lambda to: [cleave, "report", folder / "sweep.db", "-o", to],
                   lambda to: [cleave, "report", folder / "results", "-o", to]),
            Victim("plan", "plan.out", read_file,
                   lambda to: [cleave, "plan", "-j", "2", plan, "--out", to],
                   lambda to: [cleave, "plan", folder / "other-plan.json", "--out", to]),
            Victim("merge", "merged.db", read_database,
                   lambda to: [cleave, "results", "merge", to, *parts],
                   lambda to: [cleave, "results", "merge", to, parts[0]])]
        for number, part in enumerate(parts):
            undisturbed(sweep_words(part, "--shard", f"{number}/2"))
        for victim in [self.sweep, *self.single]:
            victim.learn(folder)

    def printing(self):
        """Commands that print their answer."""
        run, database = self.folder / "results", self.folder / "sweep.db"
        plan, scenario = self.folder / "plan.json", self.folder / "scenario.json"
        return [[self.cleave, *words] for words in (
            ["--version"], ["--help"], ["run", "--help"], ["list", "gpus"], ["show", "a100-80gb"],
            ["completion", "bash"], ["run", scenario], ["run", scenario, "--json"],
            ["results", database], ["results", database, "--csv"], ["results", database, "--json"],
            ["plan", plan], ["plan", plan, "--json"], ["compare", run, run],
            ["report", run, "-o", "-"], ["profile", "check"])]
