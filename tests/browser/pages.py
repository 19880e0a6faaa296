"""The report's pages in a real browser: python3 pages.py CLEAVE [FOLDER_FOR_SCREENSHOTS]"""

import json
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import time
import unittest

import chromium

SKIPPED = 77
CLEAVE = ""
SCREENSHOTS = None
HOSTILE = ('<img src=x onerror="document.body.dataset.ran=1"></script>'
           "<script>document.body.dataset.ran=1</script><!--")


def cleave(*arguments):
    done = subprocess.run([CLEAVE, *arguments], capture_output=True, text=True, check=False)
    # 4: a plan that nothing holds, which has a page too.
    if done.returncode not in (0, 4):
        raise AssertionError(f"cleave {' '.join(arguments)}: {done.stderr}")
    return done.stdout


def sweep_points():
    """A plane of two pool sizes where small token pools break the objective, and one failure."""
    points = []
    for prompts in range(10, 35, 5):
        for tokens in range(5, 30, 5):
            holds = tokens >= 15 and prompts >= 15
            price = 38 * (prompts + tokens)
            points.append({
                "point": len(points),
                "parameters": {"pools[0].count": prompts, "pools[1].count": tokens},
                "metrics": {"cost_per_hour": price, "provisioned_w": 11000 * (prompts + tokens),
                            "served_rps": 40 + tokens, "slo_holds": int(holds),
                            "slo_broken": "" if holds else "tpot p90", "ttft_p99": 12 / prompts,
                            "tpot_p99": 1 / tokens},
                "error": None})
    points.append({"point": len(points), "parameters": {"pools[0].count": 10, "pools[1].count": 30},
                   "metrics": None, "error": HOSTILE})
    return points


class Pages(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = pathlib.Path(tempfile.mkdtemp(prefix="cleave-pages-"))
        cls.browser = chromium.Browser(chromium.find())
        cls.addClassCleanup(shutil.rmtree, cls.folder, True)
        cls.addClassCleanup(cls.browser.__exit__)
        cls.small = cls.run_of("small", "workload.duration_s=20")
        cls.large = cls.run_of("large", "workload.duration_s=20", "pools[1].count=20")
        (cls.folder / "points.json").write_text(json.dumps(sweep_points()))

    @classmethod
    def run_of(cls, name, *settings):
        folder = str(cls.folder / name)
        cleave("run", "--quiet", "--out", folder, *(w for s in settings for w in ("--set", s)))
        return folder

    def open(self, name, *results):
        """Makes a page of results and opens it."""
        page = str(self.folder / (name + ".html"))
        cleave("report", *map(str, results), "-o", page)
        seconds = self.browser.open(page)
        if SCREENSHOTS:
            self.browser.screenshot(os.path.join(SCREENSHOTS, name + ".png"))
        return page, seconds

    def tearDown(self):
        self.assertEqual(self.browser.problems, [])
        self.assertIsNone(self.browser.run("document.body.dataset.ran ?? null"))
        self.assertEqual([url for url in self.browser.requests if not url.startswith("file://")], [])

    def text(self, selector):
        return self.browser.run(f"document.querySelector({json.dumps(selector)}).textContent")

    def count(self, selector):
        return self.browser.run(f"document.querySelectorAll({json.dumps(selector)}).length")

    def check_charts(self, least):
        """Every chart has a caption and is drawn: axes and lines, not just a frame."""
        drawn = self.browser.run("[...document.querySelectorAll('figure')].map((figure) => "
                                 "[figure.querySelector('figcaption').textContent, "
                                 "figure.querySelectorAll('svg path').length])")
        self.assertGreaterEqual(len(drawn), least)
        for caption, paths in drawn:
            self.assertGreater(paths, 8, caption)

    def test_run(self):
        _, seconds = self.open("run", self.small)
        self.assertLess(seconds, 3)
        self.assertRegex(self.text("h1"), "^Do 16 dgx-h100 machines for prompts and 24 .* serve ")
        self.assertRegex(self.text(".answer"), r"^(Yes|No): .* limits? .*\$/h")
        self.assertRegex(self.text(".facts"), "LLM bloom-176b.* prompt and .* output tokens in the mean"
                         "prompt: 16 instances of 8 GPUs, TP8token: 24 .*weights and KV cache FP16")
        self.assertRegex(self.text(".figures"), r"KV transfer exposed, mean of .* ms; P99")
        self.assertRegex(self.text(".figures"), r"\$per million tokens.*\$per million output tokens")
        self.check_charts(18)
        for heading in ("Latencies", "Pools over time", "Network", "Slowest requests", "Sources",
                        "KV transfer, exposed", "Splitwise artifact", "Scenario"):
            self.assertIn(heading, self.browser.run("document.querySelector('main').textContent"))
        self.assertIn('"pools": [', self.text("pre"))

    def test_a_trace_has_its_files_name_in_the_title_and_its_path_as_a_tooltip(self):
        trace = self.folder / "deep" / "in" / "folders" / "my-trace.csv"
        trace.parent.mkdir(parents=True)
        trace.write_text("TIMESTAMP,ContextTokens,GeneratedTokens\n" + "".join(
            f"2024-01-01 00:00:{second:02}.0000000,512,20\n" for second in range(20)))
        self.open("trace", self.run_of("traced", f"workload.trace={trace}"))
        self.assertIn(" of trace my-trace.csv to bloom-176b ", self.text("h1"))
        self.assertNotIn("folders", self.text("h1"))
        title = self.browser.run("document.querySelector('h1 span').title")
        self.assertEqual(title, str(trace))

    def test_estimates_carry_the_models_error(self):
        run = self.run_of("estimated", "llm=llama3-70b", "latency.engine=vllm",
                          "workload.duration_s=20", "workload.rate_rps=5",
                          'slo={"limits": {"tpot": {"p90": 0.0105}, "ttft": {"p90": 5}}}')
        found = json.loads((pathlib.Path(run) / "summary.json").read_text())
        self.assertIn("TPOT +/- 8 %", found["how_sure"])
        self.open("estimated", run)
        self.assertRegex(self.text(".figures"), r" \u00b1 8 %TPOT P99")
        value = found["slo"]["limits"][1]["value"] if found["slo"]["limits"][1][
            "metric"] == "tpot" else found["slo"]["limits"][0]["value"]
        # The limit lies within 8 % of what came out, whichever side it is on.
        self.assertLess(abs(value / 0.0105 - 1), 0.08)
        self.assertIn("within the model's error", self.text("section:nth-of-type(2) table"))

    def test_runs_that_differ_in_their_seeds_have_means_over_them(self):
        runs = [self.run_of(f"seed{seed}", "workload.duration_s=10", f"workload.seed={seed}")
                for seed in (1, 2, 3)]
        self.open("seeds", *runs)
        self.assertIn("Mean over seeds, 95 %", self.text("section:nth-of-type(2) table:nth-of-type(1)")
                      + self.text("main"))
        served = [json.loads((pathlib.Path(run) / "summary.json").read_text())["served_rps"]
                  for run in runs]
        mean = sum(served) / 3
        half = 4.303 * (sum((one - mean) ** 2 for one in served) / 2 / 3) ** 0.5
        shown = self.browser.run("[...document.querySelectorAll('tbody tr')].find((row) => "
                                 "row.textContent.startsWith('Served')).children[1].textContent")
        self.assertEqual([round(float(part), 1) for part in shown.split(" \u00b1 ")],
                         [round(mean, 1), round(half, 1)])

    def test_tooltips(self):
        self.open("tooltips", self.small)
        chart = "section:nth-of-type(2) figure"  # behind those of the cluster
        self.browser.point_at(f"{chart} .canvas")
        self.browser.point_at(f"{chart} .canvas", 0.45)
        tip = self.text(f"{chart} .tip")
        self.assertRegex(tip, r"TTFT .* m?s")
        self.assertRegex(tip, r"\d %")

    def test_keyboard(self):
        self.open("keyboard", self.small)
        self.browser.run(
            "document.querySelector('section:nth-of-type(2) figure .canvas').focus()")
        self.browser.key("ArrowRight", 39)
        first = self.text("#announcement")
        self.browser.key("PageDown", 34)
        self.assertIn("%", first)
        self.assertNotEqual(first, self.text("#announcement"))
        self.browser.run("document.querySelector('figure summary').focus()")
        self.browser.key("Enter", 13)
        self.browser.call("Input.dispatchKeyEvent", type="char", text="\r")
        self.browser.run("document.querySelector('figure details').open = true")
        self.browser.run("new Promise((done) => setTimeout(done, 50))")
        self.assertGreater(self.count("figure details tbody tr"), 50)

    def test_several_runs(self):
        self.open("runs", self.small, self.large)
        self.check_charts(7)
        self.assertIn("pools[1].count2420", self.text("tbody"))
        differences = self.browser.run(
            "[...document.querySelectorAll('table')[1].querySelectorAll('tbody tr')]"
            ".map((row) => parseFloat(row.lastChild.textContent.replaceAll(',', '')))")
        self.assertGreater(len(differences), 5)
        self.assertEqual(differences, sorted(differences, reverse=True))

    def test_sweep(self):
        self.open("sweep", self.folder / "points.json")
        self.assertRegex(self.text(".answer"), "^12 of 26 points keep the objective, 1 failed.")
        self.assertIn("1,140 $/hleast cost: pools[0].count = 15, pools[1].count = 15",
                      self.text(".figures"))
        self.check_charts(2)
        self.assertIn("TPOT P90", self.text("figure svg"))
        self.browser.point_at("figure .canvas", 0.5, 0.5)
        self.browser.point_at("figure .canvas", 0.48, 0.5)
        self.assertRegex(self.text(".tip"), r"^pools\[0\].count = 20, pools\[1\].count = 15keeps")

    def test_results_database(self):
        spec = self.folder / "plane.json"
        spec.write_text(json.dumps({
            "scenario": {"workload": {"duration_s": 5}},
            "vary": {"pools[0].count": [1, 20, 25], "pools[1].count": [5, 15, 20]}}))
        database = str(self.folder / "plane.db")
        cleave("sweep", str(spec), "--out", database, "--quiet")
        self.open("database", database)
        self.assertRegex(self.text(".answer"), "^[1-8] of 9 points keeps? the objective")
        self.check_charts(2)

    def test_curves_over_the_rate(self):
        points = []
        for design in ("a", "b"):
            for rate in (10, 20, 30):
                for seed in (1, 2, 3):
                    holds = rate < 30
                    points.append({
                        "point": len(points), "error": None,
                        "parameters": {"workload.rate_rps": rate, "workload.seed": seed,
                                       "design": design},
                        "metrics": {"ttft_p99": rate / 10 * seed, "tpot_p99": 0.01, "estimated": 1,
                                    "how_sure": "TPOT +/- 8 %, TTFT +/- 14 % (median): so",
                                    "slo_holds": int(holds), "slo_broken": "" if holds else "ttft p99",
                                    "cost_per_hour": 38, "provisioned_w": 11000}})
        file = self.folder / "rates.json"
        file.write_text(json.dumps(points))
        self.open("rates", file)
        self.assertEqual(self.text("h2"), "Over the offered rate")
        chart = "section:nth-of-type(1) figure"
        self.assertRegex(self.text(f"{chart} figcaption"), "^TTFT P99 .s. over the offered rate.*"
                         "95 % intervals .* seeds; the model's own error is \u00b1 14 %")
        self.assertIn("design = a", self.text(f"{chart} svg"))
        self.browser.run(f"document.querySelector('{chart} details').open = true")
        self.browser.run("new Promise((done) => setTimeout(done, 50))")
        rows = self.browser.run(f"[...document.querySelectorAll('{chart} tbody tr')].map((row) => "
                                "[...row.children].map((cell) => cell.textContent))")
        # Of 2, 4 and 6 the mean is 4, its interval 4.303 x 2 / sqrt(3) to either side.
        self.assertEqual(rows[1], ["design = a", "20", "4", "4.969", "3", "kept"])
        self.assertEqual(rows[5], ["design = b", "30", "6", "7.453", "3", "broken"])
        self.browser.run("(() => { const select = document.querySelector('select');"
                         "select.value = 'tpot_p99'; select.dispatchEvent(new Event('change')); })()")
        self.assertRegex(self.text(f"{chart} figcaption"), "^TPOT P99 .*\u00b1 8 %")

    def test_sweep_controls(self):
        self.open("controls", self.folder / "points.json")
        rows = "section:last-of-type > div tbody tr"
        self.assertEqual(self.count(rows), 26)
        self.browser.click("#filter")
        self.browser.type("pools[0].count>=20 tpot")
        self.assertEqual(self.count(rows), 6)
        self.browser.run("document.getElementById('filter').value = ''")
        self.browser.click("#only-feasible")
        self.assertEqual(self.count(rows), 12)
        self.browser.click("section:last-of-type th:nth-child(5) button")
        self.browser.click("section:last-of-type th:nth-child(5) button")
        self.assertEqual(self.count("th[aria-sort=descending]"), 1)
        self.assertEqual(self.text(rows + " td:nth-child(5)"), "2,090")
        self.browser.run("(() => { const select = document.querySelectorAll('select')[2];"
                         "select.value = 'ttft_p99';"
                         "select.dispatchEvent(new Event('change')); })()")
        self.assertIn("TTFT P99 (s) by", self.text("figcaption"))
        self.browser.run("document.querySelector('figure .canvas').focus()")
        self.browser.key("ArrowRight", 39)
        self.assertRegex(self.text("#announcement"), "^pools.0..count = 10, .*; broken: TPOT P90;")

    def plan_of(self, name, **changes):
        """The answer of a small plan: two designs for 20 s of conversation."""
        spec = self.folder / (name + ".json")
        plan = {
            "scenario": {"workload": {"trace": "azure-2023-conv", "rate_rps": 4, "duration_s": 20}},
            "minimize": "power", "seeds": [1, 2],
            "designs": [{"name": HOSTILE, "mixed": "dgx-h100", "most": 8},
                        {"name": "split", "prompt": "dgx-h100", "token": "dgx-h100-cap70",
                         "most": 6}], **changes}
        spec.write_text(json.dumps({key: value for key, value in plan.items() if value}))
        answer = self.folder / (name + "-answer.json")
        cleave("plan", str(spec), "--out", str(answer))
        return answer

    def test_plan(self):
        answer = self.plan_of("plan")
        found = json.loads(answer.read_text())
        self.open("plan", answer)
        self.assertRegex(self.text("h1"), "^Which is the cluster of the least power for 4 requests/s")
        self.assertRegex(self.text(".answer"), r"^\d.* \$/h and .* kW provisioned .* 2 seeds")
        self.assertIn("Nearest to its limit: ", self.text(".answer"))
        self.check_charts(2)
        self.assertEqual(self.count("main img"), 0)
        rows = self.browser.run("[...document.querySelectorAll('tr.marked')].map((row) => "
                                "row.textContent)")
        self.assertEqual(len(rows), 3 if len(found["ties"]) > 1 else 2)
        for row in rows:
            self.assertIn(found["optimum"]["design"], row)
        self.assertIn("one prompt machine less" if len(found["optimum"]["pools"]) > 1 else
                      "one mixed machine less", self.text("main"))
        self.browser.click("#filter")
        self.browser.type("design=split")
        self.assertEqual(self.count("section:nth-last-of-type(3) tbody tr"),
                         sum(candidate["design"] == "split" for candidate in found["candidates"]))

    def test_several_plans(self):
        answers = [self.plan_of("few"), self.plan_of("more", scenario={
            "workload": {"trace": "azure-2023-conv", "rate_rps": 12, "duration_s": 20}})]
        found = [json.loads(answer.read_text()) for answer in answers]
        self.open("plans", *answers)
        self.assertIn("few-answer.json, more-answer.json", self.text("h1"))
        self.assertRegex(self.text(".answer"), "^2 of 2 have an answer. The cheapest: few-answer.json, ")
        self.check_charts(4)
        self.assertEqual(self.count("main img"), 0)
        self.assertEqual(self.count("section:first-of-type > div tbody tr"),
                         sum(len(plan["designs"]) + len(plan["infeasible"]) for plan in found))
        marked = self.browser.run("[...document.querySelectorAll('tr.marked')].map((row) => "
                                  "[...row.children].map((cell) => cell.textContent))")
        self.assertEqual(len(marked), 2)
        for row, plan in zip(marked, found):
            self.assertEqual(row[1], plan["optimum"]["design"])
            self.assertEqual(float(row[5].replace(",", "")), plan["optimum"]["cost_per_hour"])

    def test_plan_of_throughput_and_of_one_pool(self):
        mixed = [{"name": "mixed", "mixed": "dgx-h100", "most": 4}]
        self.open("throughput", self.plan_of("throughput", minimize=None, maximize="throughput",
                                             budget={"power_w": 30000}, designs=mixed))
        self.assertRegex(self.text("h1"), "most throughput .* within 30 kW")
        self.check_charts(1)

    def test_plan_without_an_answer(self):
        self.open("infeasible", self.plan_of("infeasible", scenario={
            "workload": {"trace": "azure-2023-conv", "rate_rps": 100, "duration_s": 20}}))
        self.assertRegex(self.text(".answer"), "^None: .* breaks ")

    def test_validation(self):
        rows = ("id,silicon_data_source,backend,model_path,system,precision,mode,isl,osl,batch_size,"
                "tp_size,silicon_ttft_ms,silicon_tpot_ms\n")
        for number, (llm, tpot) in enumerate((("Llama-3.1-70B", 14), ("Qwen3-32B", 9),
                                              ("Such-LLM", 9))):
            rows += (f"{HOSTILE.replace(',', '')}{number},x; silicon_concurrency=4,vllm,a/{llm},"
                     f"h200_sxm,fp8,agg,1024,64,4,2,120,{tpot}\n").replace('"', '')
        measured = self.folder / "measured.csv"
        measured.write_text(rows)
        page = str(self.folder / "validation.html")
        said = cleave("validate", str(measured), "--json", "--html", page)
        self.browser.open(page)
        self.assertRegex(self.text(".answer"), "^2 of 3 measured runs can be described. TPOT is off ")
        self.check_charts(2)
        self.assertIn("predicted TPOT (ms)", self.text("figure svg"))
        self.assertIn("llama3-70b", self.text("figure svg"))
        self.browser.run("(() => { const select = document.querySelector('select');"
                         "select.value = 'gpu'; select.dispatchEvent(new Event('change')); })()")
        self.assertIn("h200", self.text("figure svg"))
        self.browser.run("document.querySelector('figure .canvas').focus()")
        self.browser.key("ArrowRight", 39)
        self.assertRegex(self.text("#announcement"), "<img.*measured: 14 ms; predicted: .*; error: ")
        self.assertIn("no LLM like a/Such-LLM1", self.text("section:last-of-type"))
        # The same of what was printed.
        (self.folder / "validation.json").write_text(said)
        self.open("validation", self.folder / "validation.json")
        self.check_charts(2)

    def test_hostile_names(self):
        folder = self.folder / "<img src=x onerror=document.body.dataset.ran=1>"
        shutil.copytree(self.small, folder)
        summary = json.loads((folder / "summary.json").read_text())
        summary["slo"]["name"] = HOSTILE
        summary["pools"][0]["machine"] = HOSTILE
        for link in summary["links"]:
            link["link"] = HOSTILE
        (folder / "summary.json").write_text(json.dumps(summary))
        scenario = json.loads((folder / "scenario.json").read_text())
        scenario["workload"]["trace"] = HOSTILE
        (folder / "scenario.json").write_text(json.dumps(scenario))
        self.open("hostile", folder)
        self.assertEqual(self.count("main img"), 0)
        self.assertIn(HOSTILE, self.text("h1"))
        self.browser.point_at("section:nth-of-type(4) .canvas")
        self.browser.point_at("section:nth-of-type(4) .canvas", 0.4)
        self.assertIn(HOSTILE, self.text("section:nth-of-type(4) .tip"))
        self.open("hostile_runs", folder, self.large)
        self.assertEqual(self.count("main img"), 0)

    def test_long_names_do_not_widen_the_page(self):
        points = sweep_points()
        for number, point in enumerate(points):
            point["parameters"]["llm"] = "n" * 3000 + str(number % 2)
        file = self.folder / "long.json"
        file.write_text(json.dumps(points))
        self.open("long", file)
        self.assertLessEqual(self.browser.run("document.documentElement.scrollWidth"), 1200)

    def test_dark_and_print(self):
        self.browser.prefer("dark")
        self.addCleanup(self.browser.prefer)
        self.open("dark", self.small)
        background = "getComputedStyle(document.body).backgroundColor"
        self.assertEqual(self.browser.run(background), "rgb(13, 17, 23)")
        self.assertIn("#58a6ff", self.browser.run("document.querySelector('svg').outerHTML"))
        printed = str(self.folder / "run.pdf")
        self.browser.print(printed)
        self.assertGreater(os.path.getsize(printed), 50000)
        self.browser.prefer("light")
        self.assertEqual(self.browser.run(background), "rgb(255, 255, 255)")
        # The charts are drawn again when the browser tells the page, which is a little later.
        svg = "document.querySelector('svg').outerHTML"
        for _ in range(100):
            if "#0b62a4" in self.browser.run(svg):
                break
            time.sleep(0.05)
        self.assertIn("#0b62a4", self.browser.run(svg))

    def test_paper_has_no_controls_and_whole_charts(self):
        self.browser.prefer("dark", "print")
        self.addCleanup(self.browser.prefer)
        self.open("paper", self.folder / "points.json")
        style = "getComputedStyle(document.querySelector({})).{}"
        self.assertEqual(self.browser.run(style.format("'.controls'", "display")), "none")
        self.assertEqual(self.browser.run(style.format("'figure details'", "display")), "none")
        self.assertEqual(self.browser.run(style.format("'figure'", "breakInside")), "avoid")
        self.assertEqual(self.browser.run(style.format("'body'", "backgroundColor")),
                         "rgb(255, 255, 255)")

    def test_without_the_chart_library(self):
        page, _ = self.open("bare", self.small)
        parts = pathlib.Path(page).read_text().split("<script nonce=")
        parts[1] = parts[1][:parts[1].index(">")] + "></script>\n"
        pathlib.Path(page).write_text("<script nonce=".join(parts))
        self.browser.open(page)
        self.assertIn("built without its chart library", self.text(".warning"))
        self.assertEqual(self.count("svg"), 0)
        self.browser.run("new Promise((done) => setTimeout(done, 100))")
        self.assertGreater(self.count("figure details[open] tbody tr"), 500)

    def test_a_million_requests(self):
        folder = self.folder / "million"
        shutil.copytree(self.small, folder)
        (folder / "summary.json").write_text(
            cleave("run", "--json", "--quiet", "--set", "workload.requests=1000000",
                   "--set", "workload.duration_s=null"))
        page, seconds = self.open("million", folder)
        print(f"1,000,000 requests: {os.path.getsize(page) / 1e6:.2f} MB, open in {seconds:.2f} s")
        self.assertIn("1,000,000 of 1,000,000", self.text(".figures"))
        self.assertLess(os.path.getsize(page), 5e6)
        self.assertLess(seconds, 3)


def main():
    global CLEAVE, SCREENSHOTS
    if chromium.find() is None:
        print("skipped: no Chromium here to show the report's pages")
        sys.exit(SKIPPED)
    CLEAVE = os.path.abspath(sys.argv[1])
    if len(sys.argv) > 2:
        SCREENSHOTS = os.path.abspath(sys.argv[2])
        os.makedirs(SCREENSHOTS, exist_ok=True)
    unittest.main(argv=sys.argv[:1], verbosity=2)


if __name__ == "__main__":
    main()
