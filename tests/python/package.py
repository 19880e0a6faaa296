"""usage: package.py BUILD: the Python package of BUILD as its users see it. Exit code 77, "skipped", where
it was not built, or there is no numpy."""
import importlib.util
import json
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import time
import unittest

HERE = pathlib.Path(__file__).resolve().parent
SKIPPED = 77
BUILD = None

SMALL = {"llm": "llama2-70b",
         "workload": {"trace": "azure-2023-conv", "rate_rps": 12, "duration_s": 20},
         "pools": [{"role": "prompt", "machine": "dgx-h100", "count": 2},
                   {"role": "token", "machine": "dgx-h100", "count": 2}]}


def with_policy(policy, **others):
    return {**SMALL, "scheduler": {"policy": policy, **others}}


class Shortest:
    """kv_token_jsq, in Python"""

    def __init__(self, cluster):
        self.loads = cluster.loads
        self.pools = [[i for i, load in enumerate(self.loads) if load.home == home]
                      for home in ("prompt", "token")]

    def place(self, demand):
        return tuple(min(pool, key=lambda i: self.loads[i].pending_tokens) for pool in self.pools)


class Run(unittest.TestCase):
    def test_gives_what_the_program_gives(self):
        program = subprocess.run([BUILD / "cleave", "run", "/dev/stdin", "--json"], check=True,
                                 input=json.dumps(SMALL), capture_output=True, text=True)
        self.assertEqual(cleave.run(SMALL).summary, json.loads(program.stdout))

    def test_runs_as_often_as_one_likes_in_one_process(self):
        first = cleave.run(SMALL)
        again = cleave.run(SMALL)
        self.assertEqual(first.summary, again.summary)
        self.assertTrue((first.requests["ttft_s"] == again.requests["ttft_s"]).all())

    def test_tables_are_arrays_of_one_length_with_the_figures_of_the_summary(self):
        result = cleave.run(SMALL)
        requests = result.requests
        self.assertEqual({len(column) for column in requests.values()}, {requests.rows})
        self.assertEqual(requests.rows, result.summary["requests"]["completed"])
        self.assertEqual(requests["prompt_tokens"].dtype, numpy.int64)
        self.assertEqual(requests["ttft_s"].dtype, numpy.float64)
        self.assertTrue(numpy.isnan(requests["session"]).all())
        self.assertEqual(set(requests["outcome"]), {"completed"})
        numpy.testing.assert_allclose(requests["e2e_s"],
                                      requests["completion_s"] - requests["arrival_s"], atol=1e-9)
        self.assertEqual(list(result.machines["role"]), ["prompt"] * 2 + ["token"] * 2)
        self.assertEqual(result.links.rows, 8)
        self.assertEqual(len(result.series), 2)
        time_s = result.series[0]["time_s"]
        self.assertEqual(time_s[0], 0)
        self.assertTrue((numpy.diff(time_s) > 0).all())
        self.assertEqual(len(result.series[0]["power_w"]), len(time_s))

    def test_tables_are_frames_where_pandas_is(self):
        if importlib.util.find_spec("pandas") is None:
            self.skipTest("pandas is not installed")
        frame = cleave.run(SMALL).requests.frame()
        self.assertEqual(frame.shape[1], len(cleave.run(SMALL).requests))
        self.assertGreater(frame["ttft_s"].mean(), 0)

    def test_what_is_wrong_is_one_sentence(self):
        with self.assertRaisesRegex(cleave.InputError, '^llm: unknown LLM "llama2-7Ob"; did you mean'):
            cleave.run({"llm": "llama2-7Ob"})
        with self.assertRaisesRegex(cleave.InputError, "^scenario: Out of range float values"):
            cleave.run({"workload": {"rate_rps": float("nan")}})
        with self.assertRaisesRegex(cleave.InputError, "^scenario: expected what JSON knows, found <"):
            cleave.run({"workload": {"rate_rps": object()}})
        with self.assertRaisesRegex(TypeError, "^scenario: expected a dict or the name of a file"):
            cleave.run(3)
        # After which it goes on.
        self.assertGreater(cleave.run(SMALL).requests.rows, 0)

    def test_what_numpy_gives_may_stand_in_a_scenario(self):
        rate = numpy.float32(12)
        workload = {**SMALL["workload"], "rate_rps": rate, "duration_s": numpy.int64(20)}
        self.assertEqual(cleave.run({**SMALL, "workload": workload}).summary["requests"],
                         cleave.run(SMALL).summary["requests"])

    def test_a_file_is_a_scenario_too(self):
        with tempfile.TemporaryDirectory() as folder:
            file = pathlib.Path(folder, "small.json")
            file.write_text(json.dumps(SMALL))
            self.assertEqual(cleave.run(file).summary, cleave.run(SMALL).summary)


class Schedulers(unittest.TestCase):
    def test_one_in_python_does_what_the_same_in_the_program_does(self):
        cleave.scheduler("shortest")(Shortest)
        own = cleave.run(SMALL, scheduler="shortest")
        built_in = cleave.run(with_policy("kv_token_jsq"))
        for column in ("prompt_instance", "token_instance", "ttft_s", "completion_s"):
            self.assertTrue((own.requests[column] == built_in.requests[column]).all(), column)
        self.assertEqual(own.scenario["scheduler"]["policy"], "shortest")

    def test_it_sees_the_cluster(self):
        seen = tempfile.NamedTemporaryFile("r+")

        class Watching(Shortest):
            def __init__(self, cluster):
                super().__init__(cluster)
                self.cluster = cluster
                self.told = 0

            def load_changed(self, instance):
                self.told += 1

            def place(self, demand):
                load = self.loads[0]
                with open(seen.name, "a", encoding="utf-8") as file:
                    print(load.home, load.up, load.capacity_tokens > 0, demand.prompt_tokens > 0,
                          self.cluster.has_queue(0), self.told > 0, file=file)
                return super().place(demand)

        cleave.scheduler("watching")(Watching)
        result = cleave.run(SMALL, scheduler="watching")
        lines = seen.read().splitlines()
        self.assertEqual(len(lines), result.requests.rows)
        self.assertTrue(lines[0].startswith("prompt True True True False"))
        self.assertTrue(lines[-1].endswith("True"))
        seen.close()

    def test_a_name_can_be_given_anew_but_not_one_of_cleaves(self):
        class First(Shortest):
            def place(self, demand):
                return 0
        cleave.scheduler("changing")(Shortest)
        before = cleave.run(SMALL, scheduler="changing")
        cleave.scheduler("changing")(First)
        after = cleave.run(SMALL, scheduler="changing")
        self.assertEqual(set(before.requests["prompt_instance"]), {0, 1})
        self.assertEqual(set(after.requests["prompt_instance"]), {0})
        with self.assertRaisesRegex(cleave.InputError, '"jsq" is one of Cleave\'s'):
            cleave.scheduler("jsq")(Shortest)
        self.assertEqual(cleave.run(with_policy("jsq")).requests.rows, before.requests.rows)

    def test_what_it_gets_wrong_is_said(self):
        for placed, words in ((4, "place() gave 4; expected an instance"),
                              ((0, -1), "place() gave (0, -1)"), ("0", "place() gave '0'"),
                              ((0, 1, 2), "place() gave (0, 1, 2)"), (0.5, "place() gave 0.5")):
            class Wrong(Shortest):
                def place(self, demand, placed=placed):
                    return placed
            cleave.scheduler("wrong")(Wrong)
            with self.assertRaises(cleave.InputError) as caught:
                cleave.run(SMALL, scheduler="wrong")
            self.assertIn("scheduler wrong: " + words, str(caught.exception))

        class Raising(Shortest):
            def place(self, demand):
                return [][demand.prompt_tokens]
        cleave.scheduler("raising")(Raising)
        with self.assertRaisesRegex(RuntimeError, "IndexError: list index out of range"):
            cleave.run(SMALL, scheduler="raising")


class Searches(unittest.TestCase):
    SPEC = {"scenario": SMALL, "vary": {"scheduler.policy": ["shortest", "kv_token_jsq"],
                                        "workload.seed": [1, 2]}}

    def test_a_sweep_is_a_table_of_its_points(self):
        cleave.scheduler("shortest")(Shortest)
        with tempfile.TemporaryDirectory() as folder:
            file = os.path.join(folder, "results.db")
            sweep = cleave.sweep(self.SPEC, out=file, parallel=2)
            points = sweep.points
            self.assertEqual((sweep.failed, points.rows), (0, 4))
            self.assertEqual(list(points["scheduler.policy"][[0, 2]]), ["shortest", "kv_token_jsq"])
            self.assertTrue((points["ttft_p99"][:2] == points["ttft_p99"][2:]).all())
            self.assertEqual(points["ttft_p99"][0], cleave.run(
                {**SMALL, "workload": {**SMALL["workload"], "seed": 1}},
                scheduler="shortest").summary["ttft"]["p99"])
            # It goes on where it was.
            self.assertEqual(cleave.sweep(self.SPEC, out=file).points["ttft_p99"].tolist(),
                             points["ttft_p99"].tolist())
            with self.assertRaisesRegex(cleave.InputError, "holds the results of another sweep"):
                cleave.sweep({**self.SPEC, "vary": {"workload.seed": [3]}}, out=file)

    def test_points_that_fail_are_counted(self):
        sweep = cleave.sweep({"scenario": SMALL, "vary": {"pools[0].machine": ["dgx-h100", "none"]}})
        self.assertEqual(sweep.failed, 1)
        self.assertEqual(list(sweep.points["status"]), ["done", "failed"])
        self.assertTrue(numpy.isnan(sweep.points["ttft_p99"][1]))

    def test_a_plan_gives_its_answer(self):
        answer = cleave.plan({"scenario": {"llm": "llama2-70b", "workload": SMALL["workload"]},
                              "minimize": "machines", "seeds": [1],
                              "designs": [{"name": "split", "prompt": "dgx-h100",
                                           "token": "dgx-h100", "most": 6}]})
        self.assertEqual([pool["role"] for pool in answer["optimum"]["pools"]], ["prompt", "token"])
        with self.assertRaisesRegex(cleave.InputError, 'unknown plan "hh-code-7"; did you mean'):
            cleave.plan("hh-code-7")


class Module(unittest.TestCase):
    def python(self, *words, **more):
        return subprocess.run([sys.executable, *words], capture_output=True, text=True, check=False,
                              **more)

    def test_runs_a_scenario_from_the_command_line(self):
        done = self.python("-m", "cleave", "--version")
        self.assertEqual(done.stdout, f"cleave {cleave.__version__}\n")
        done = self.python("-m", "cleave", "/dev/stdin", input=json.dumps(SMALL))
        self.assertEqual(json.loads(done.stdout), cleave.run(SMALL).summary)
        done = self.python("-m", "cleave", "/dev/stdin", input='{"llm": "x"}')
        self.assertEqual((done.returncode, done.stdout), (2, ""))
        self.assertTrue(done.stderr.startswith('cleave: llm: unknown LLM "x"'))

    def test_control_c_ends_a_run(self):
        long = {"workload": {"rate_rps": 70, "duration_s": 100000}}
        done = subprocess.Popen(
            [sys.executable, "-c", f"import cleave; print(1, flush=True); cleave.run({long})"],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True)
        done.stdout.readline()
        time.sleep(0.5)
        os.killpg(done.pid, signal.SIGINT)
        _, errors = done.communicate(timeout=20)
        self.assertTrue(errors.rstrip().endswith("KeyboardInterrupt"), errors)

    def test_what_is_printed_is_printed_once(self):
        done = self.python("-c", "import cleave, sys; print('once', end=' '); cleave.run("
                           f"{SMALL}); print('more')")
        self.assertEqual((done.stdout, done.stderr), ("once more\n", ""))

    def test_the_example_runs_and_the_page_shows_it(self):
        done = self.python(str(HERE / "example.py"))
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        page = (HERE.parents[1] / "docs/python.md").read_text()
        self.assertIn("```python\n" + (HERE / "example.py").read_text() + "```\n", page)
        self.assertIn("".join(f"    {line}\n" for line in done.stdout.splitlines()), page)


if __name__ == "__main__":
    BUILD = pathlib.Path(sys.argv.pop(1)).resolve()
    if not (BUILD / "python/cleave/_cleave.so").exists():
        print("skipped: the Python package was not built")
        sys.exit(SKIPPED)
    if importlib.util.find_spec("numpy") is None:
        print("skipped: numpy is not installed (Debian: python3-numpy)")
        sys.exit(SKIPPED)
    sys.path.insert(0, str(BUILD / "python"))
    os.environ["PYTHONPATH"] = str(BUILD / "python")
    import numpy
    import cleave
    unittest.main()
