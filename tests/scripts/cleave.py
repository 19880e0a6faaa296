"""How scripts run cleave, shown with a program that notes what it is asked."""
import json
import pathlib
import sys
import tempfile
import unittest
from unittest import mock

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "scripts"))
from lib import cleave, paper  # noqa: E402
from lib.command import Trouble  # noqa: E402

# Notes its words, and the file among them; holds up to 50 requests/s.
FAKE = """#!{python}
import json, pathlib, sys
words = sys.argv[1:]
with open("{notes}", "a") as notes:
    files = [pathlib.Path(word).read_text() for word in words if word.endswith(".json")]
    notes.write(json.dumps([words, *map(json.loads, files)]) + "\\n")
if "break" in words:
    sys.exit("cleave: a sentence")
if words[0] == "show":
    print(json.dumps({{"name": words[1], "scenario": {{"llm": "a", "slo": "b"}}}}))
else:
    rates = [float(w.split("=")[1]) for w in words if w.startswith("workload.rate_rps=")]
    print(json.dumps({{"steady": {{"overload": max(rates, default=0) > 50}},
                      "slo": {{"holds": True, "limits": []}}}}))
"""


def summary(overload=False, holds=True, limits=()):
    return {"steady": {"overload": overload}, "slo": {"holds": holds, "limits": [
        {"metric": metric, "percentile": percentile, "holds": kept}
        for metric, percentile, kept in limits]}}


class FakeCleave(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.notes = pathlib.Path(folder.name, "notes")
        program = pathlib.Path(folder.name, "cleave")
        program.write_text(FAKE.format(python=sys.executable, notes=self.notes))
        program.chmod(0o755)
        patch = mock.patch.object(cleave, "PROGRAM", program)
        patch.start()
        self.addCleanup(patch.stop)

    def asked(self):
        return [json.loads(line) for line in self.notes.read_text().splitlines()]

    def test_settings_and_presets_become_options(self):
        cleave.run({"workload.trace": "t", "pools": [{"count": 2}], "pools[0].count": 3}, ["p", "q"])
        self.assertEqual(self.asked(), [[[
            "run", "--json", "--preset", "p", "--preset", "q", "--set", "workload.trace=t",
            "--set", 'pools=[{"count": 2}]', "--set", "pools[0].count=3"]]])

    def test_a_scenario_and_a_plan_go_through_files_that_do_not_stay(self):
        cleave.run_scenario({"llm": "x"})
        cleave.plan({"maximize": "throughput"})
        (run, scenario), (plan, spec) = self.asked()
        self.assertEqual((run[0], scenario, plan[0], spec),
                         ("run", {"llm": "x"}, "plan", {"maximize": "throughput"}))
        self.assertFalse(pathlib.Path(run[1]).exists())
        self.assertFalse(pathlib.Path(plan[1]).exists())

    def test_a_plan_of_the_paper_has_other_presets_and_a_changed_scenario(self):
        paper.plan("some-plan", ["p"], {"slo": "c"})
        self.assertEqual(self.asked()[0], [["show", "some-plan"]])
        self.assertEqual(self.asked()[1][1], {"name": "some-plan", "presets": ["p"],
                                              "scenario": {"llm": "a", "slo": "c"}})

    def test_the_highest_rate_of_a_cluster_is_where_it_overloads(self):
        found = paper.highest_rate({"llm": "x"}, ["p"])
        self.assertLessEqual(found, 50)
        self.assertGreater(found, 49)
        for words, in self.asked():
            self.assertEqual(words[:6], ["run", "--json", "--preset", "p", "--set", "llm=x"])

    def test_what_cleave_refuses_is_told_with_the_command(self):
        with self.assertRaisesRegex(Trouble, "^cleave run break: cleave: a sentence$"):
            cleave.call("run", "break")
        with mock.patch.object(cleave, "PROGRAM", pathlib.Path("/nowhere/cleave")):
            with self.assertRaisesRegex(Trouble, "/nowhere/cleave is missing; scripts/quickstart"):
                cleave.call("run")

    def test_side_by_side_keeps_the_order_of_keys_and_tells_of_trouble(self):
        keys = [(str(i), "x") for i in range(20)]
        found = cleave.side_by_side(lambda a, b: a + b, keys)
        self.assertEqual(list(found.items()), [(f"{a} | {b}", a + b) for a, b in keys])
        with self.assertRaises(Trouble):
            cleave.side_by_side(lambda word: cleave.call(word), [("break",)])


class Summaries(unittest.TestCase):
    def test_what_is_broken_is_named(self):
        limits = [("ttft", "p50", True), ("tpot", "p99", False)]
        self.assertEqual(cleave.broken(summary(limits=limits)), ["TPOT P99"])
        self.assertEqual(cleave.broken(summary(overload=True, limits=limits)), ["overload"])
        self.assertEqual(cleave.broken(summary()), [])

    def test_a_run_holds_where_nothing_is_broken_and_all_was_served(self):
        self.assertTrue(cleave.holds(summary()))
        self.assertFalse(cleave.holds(summary(holds=False)))
        self.assertFalse(cleave.holds(summary(overload=True)))


if __name__ == "__main__":
    unittest.main()
