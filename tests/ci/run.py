"""usage: run.py CLEAVE: runs the commands of scheduler.yml, which docs/ci.md shows, on a repository with a
base branch and pull requests: one changes nothing, one makes the cluster worse, one better. Exit code 77,
"skipped", without git."""
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import textwrap
import unittest

HERE = pathlib.Path(__file__).resolve().parent
CLEAVE = ""
SKIPPED = 77


def steps():
    """The commands of each step of the workflow by its name."""
    found = {}
    text = (HERE / "scheduler.yml").read_text()
    for step in text.split("      - name: ")[1:]:
        name, _, rest = step.partition("\n")
        block = re.search(r"        run: \|\n((?:          .*\n)+)", rest)
        line = re.search(r"        run: (?!\|)(.*)\n", rest)
        found[name] = textwrap.dedent(block.group(1)) if block else line.group(1)
    return found


class Workflow(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.page = self.folder / "page.md"
        (self.folder / "bin").mkdir()
        (self.folder / "bin/cleave").symlink_to(CLEAVE)
        self.checkout = self.folder / "checkout"
        self.checkout.mkdir()
        for name in ("cluster.json", "guard.json"):
            shutil.copy(HERE / name, self.checkout)
        self.git("init", "--quiet", "--initial-branch=main")
        self.commit("base")
        self.git("update-ref", "refs/remotes/origin/main", "HEAD")

    def git(self, *words):
        subprocess.run(["git", "-c", "user.name=a", "-c", "user.email=a@b", *words], check=True,
                       cwd=self.checkout)

    def commit(self, subject):
        self.git("add", ".")
        self.git("commit", "--quiet", "--allow-empty", "-m", subject)

    def change(self, **sections):
        cluster = json.loads((self.checkout / "cluster.json").read_text())
        cluster.update(sections)
        (self.checkout / "cluster.json").write_text(json.dumps(cluster))
        self.commit("change")

    def step(self, name):
        environment = {**os.environ, "HOME": str(self.folder), "PATH": f"{self.folder}/bin:{os.environ['PATH']}",
                       "GITHUB_BASE_REF": "main", "GITHUB_STEP_SUMMARY": str(self.page)}
        return subprocess.run(["bash", "-e", "-c", steps()[name]], cwd=self.checkout, text=True,
                              env=environment, capture_output=True, check=False)

    def guard(self):
        """The exit codes of both comparisons, and what they print."""
        for name in steps():
            if name.startswith("Serve"):
                served = self.step(name)
                self.assertEqual((served.returncode, served.stderr.count("error")), (0, 0),
                                 served.stderr)
        chat, code = self.step("Chat"), self.step("Code")
        self.assertEqual((chat.stderr, code.stderr), ("", ""))
        return (chat.returncode, code.returncode), chat.stdout + code.stdout

    def test_what_changes_nothing_passes(self):
        codes, printed = self.guard()
        self.assertEqual(codes, (0, 0))
        self.assertEqual(printed.count("within their tolerance or noise (10 seeds, 95 % sure)"), 2)
        self.assertEqual(self.page.read_text().count("### cleave compare: "), 2)

    def test_what_is_worse_fails_and_says_where(self):
        self.change(scheduler={"policy": "round_robin"},
                    pools=[{"role": "mixed", "machine": "dgx-h100", "count": 5}])
        codes, printed = self.guard()
        self.assertEqual(codes, (1, 1))
        self.assertRegex(printed, "::error title=cleave compare%3A [a-z0-9_.]+::worse: ")
        self.assertIn("**worse**", self.page.read_text())

    def test_what_is_only_better_passes(self):
        # The same machines under another price: what it costs is better, and nothing else changes.
        self.change(pools=[{"role": "prompt", "machine": "dgx-h100", "count": 5, "price_per_hour": 1},
                           {"role": "token", "machine": "dgx-h100", "count": 5, "price_per_hour": 1}])
        codes, printed = self.guard()
        self.assertEqual(codes, (0, 0))
        self.assertIn("::notice title=cleave compare%3A cost.requests_per_usd::better: ", printed)


class Page(unittest.TestCase):
    def test_shows_these_files(self):
        page = (HERE.parents[1] / "docs/ci.md").read_text()
        for name in ("cluster.json", "guard.json", "scheduler.yml"):
            self.assertIn((HERE / name).read_text() + "```\n", page)


if __name__ == "__main__":
    if not shutil.which("git"):
        print("skipped: git is not installed")
        sys.exit(SKIPPED)
    CLEAVE = pathlib.Path(sys.argv.pop(1)).resolve()
    unittest.main()
