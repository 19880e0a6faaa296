"""Every script says what it does, and needs nothing for that."""
import pathlib
import subprocess
import sys
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
COMMANDS = sorted(file for folder in ("scripts", "scripts/plots")
                  for file in (ROOT / folder).iterdir()
                  if file.is_file() and file.suffix != ".png")


def run(script, *arguments):
    # Python scripts under this Python, which need not have what drawing and measuring take.
    with open(script, encoding="utf-8") as file:
        python = "python" in file.readline()
    words = [*([sys.executable] if python else []), str(script), *map(str, arguments)]
    return subprocess.run(words, capture_output=True, text=True, check=False,
                          stdin=subprocess.DEVNULL)


class Commands(unittest.TestCase):
    def test_commands_have_no_extension_and_may_be_run(self):
        self.assertIn(ROOT / "scripts/quickstart", COMMANDS)
        for script in COMMANDS:
            self.assertEqual(script.suffix, "", script)
            self.assertTrue(script.stat().st_mode & 0o111, script)

    def test_help_begins_with_usage_under_the_name_in_the_project(self):
        for script in COMMANDS:
            done = run(script, "--help")
            self.assertEqual((done.returncode, done.stderr), (0, ""), script)
            usage = f"usage: {script.relative_to(ROOT)}"
            self.assertEqual(done.stdout[:len(usage)], usage)
            self.assertGreater(len(done.stdout.splitlines()), 1, script)

    def test_figures_without_results_say_which_script_makes_them(self):
        with tempfile.TemporaryDirectory() as folder:
            for figure in ("cost", "design-space", "latency", "occupancy", "throughput"):
                done = run(ROOT / "scripts/plots" / figure, folder)
                self.assertEqual(done.returncode, 2, figure)
                self.assertEqual(done.stderr, f"scripts/plots/{figure}: {folder}/results.json is "
                                 f"missing; scripts/reproduce {folder} writes it\n")


if __name__ == "__main__":
    unittest.main()
