// Several runs side by side: what differs first.

/** The numbers that are compared: [name, unit, value(summary), format]. */
function comparedNumbers(runs) {
  const list = [
    [
      "Objective kept",
      "",
      (s) => (s.slo ? s.slo.holds : null),
      (holds) => (holds === null ? "-" : holds ? "yes" : "no"),
    ],
    ["Goodput, by highest percentiles", "requests/s", (s) => s.slo?.goodput_rps],
    ["Attainment, by highest percentiles", "", (s) => s.slo?.attainment, percent],
    ["Offered", "requests/s", (s) => s.offered_rps],
    ["Served", "requests/s", (s) => s.served_rps],
    ["Completed", "requests", (s) => s.requests.completed],
    ["Rejected", "requests", (s) => s.requests.rejected],
    ["Unfinished", "requests", (s) => s.requests.unfinished],
    ["Duration", "s", (s) => s.duration_s],
    ["Output tokens", "tokens/s", (s) => s.tokens.output_per_s],
    ["Price", "$/h", (s) => s.cost.price_per_hour],
    ["Price of all tokens", "$ per million", (s) => s.cost.usd_per_million_tokens],
    ["Price of output tokens", "$ per million", (s) => s.cost.usd_per_million_output_tokens],
    ["Provisioned power", "kW", (s) => s.power.provisioned_w / 1000],
    ["Mean power", "kW", (s) => s.power.mean_w / 1000],
    ["Energy", "kWh", (s) => s.power.energy_kwh],
    ["Energy per output token", "J", (s) => s.power.j_per_output_token],
  ];
  const latencies = [
    ...kMetrics,
    ["largest_gap", "Largest gap"],
    ["queueing", "Queueing"],
    ["transfer", "KV transfer"],
    ["exposed_transfer", "KV transfer, exposed"],
  ];
  for (const [key, name] of latencies) {
    for (const part of ["mean", "p50", "p90", "p99"]) {
      list.push([
        `${name} ${part.startsWith("p") ? part.toUpperCase() : part}`,
        "s",
        (s) => s[key]?.[part],
      ]);
    }
  }
  const pools = Math.max(...runs.map((run) => run.summary.pools.length));
  for (let i = 0; i < pools; ++i) {
    const of = (key) => (s) => s.pools[i]?.[key];
    list.push(
      [`Pool ${i} machines`, "", of("machines")],
      [`Pool ${i} busy`, "", of("utilization"), percent],
      [`Pool ${i} memory, mean`, "", of("memory_mean"), percent],
      [`Pool ${i} batch`, "sequences", of("batch_sequences_mean")],
      [`Pool ${i} as mixed`, "", of("mixed_share"), percent],
    );
  }
  return list.map(([name, unit, value, format]) => {
    const values = runs.map((run) => value(run.summary) ?? null);
    return {name, unit, values, format: format || figure, difference: largestDifference(values)};
  });
}

/** By how much, of the first value, another differs at most; by all of it where it is no number. */
function largestDifference(values) {
  const [first, ...others] = values;
  return Math.max(
    0,
    ...others.map((other) => {
      if (other === first) return 0;
      if (!isNumber(first) || !isNumber(other)) return 1;
      return first === 0 ? 1 : Math.abs(other / first - 1);
    }),
  );
}

function change(first, value) {
  if (!isNumber(first) || !isNumber(value) || first === 0 || first === value) return "";
  const part = (value / first - 1) * 100;
  return ` (${part > 0 ? "+" : "-"}${figure(Math.abs(part))} %)`;
}

/** Whether the runs are the same but for their seeds. */
const onlySeedsDiffer = (settings) =>
  settings.length > 0 && settings.every((row) => /(^|[.])seed$/.test(row.path));

/** The mean over seeds with half the width of its 95 % interval; "" where a value is no number. */
function seedsText(row) {
  const found = meanOf(row.values);
  return found ? `${row.format(found.mean)} \u00b1 ${row.format(found.half)}` : "";
}

function comparisonTable(caption, runs, rows, seeds) {
  const mean = {name: "Mean over seeds, 95 %", number: true, value: seedsText};
  return makeTable(
    caption,
    [
      {name: "Number", value: (row) => (row.unit ? `${row.name} (${row.unit})` : row.name)},
      ...(seeds ? [mean] : []),
      ...runs.map((run, i) => ({
        name: run.name,
        number: true,
        value: (row) => row.values[i],
        show: (value, row) => row.format(value) + (i > 0 ? change(row.values[0], value) : ""),
      })),
      {name: "Largest difference", number: true, value: (row) => row.difference, show: percent},
    ],
    rows,
    {sortable: true},
  );
}

/** Every single value of a document by its path: "pools[0].count". */
function flatten(value, path, into) {
  if (Array.isArray(value)) {
    value.forEach((item, i) => flatten(item, `${path}[${i}]`, into));
  } else if (value !== null && typeof value === "object") {
    for (const [key, item] of Object.entries(value))
      flatten(item, path ? `${path}.${key}` : key, into);
  } else {
    into.set(path, value);
  }
  return into;
}

function scenarioDifferences(runs) {
  const documents = runs.map((run) => flatten(run.scenario, "", new Map()));
  const paths = [...new Set(documents.flatMap((document) => [...document.keys()]))];
  return paths
    .map((path) => ({path, values: documents.map((document) => document.get(path))}))
    .filter((row) => row.values.some((value) => value !== row.values[0]));
}

/** What the runs come to, in words: which keep the objective, and the cheapest of these. */
function runsAnswer(runs) {
  const kept = runs.filter((run) => run.summary.slo?.holds);
  const price = (run) => run.summary.cost.price_per_hour ?? Infinity;
  if (runs.every((run) => !run.summary.slo)) {
    return el("p", {class: "answer"}, "No objective was set; the table shows what differs most.");
  }
  if (kept.length === 0) {
    const none = el("strong", {}, "None");
    return el("p", {class: "answer no"}, none, " of these runs keeps its objective.");
  }
  const cheapest = kept.reduce((best, run) => (price(run) < price(best) ? run : best));
  const one = kept.length === 1;
  const subject = one ? "It takes" : `The cheapest of these is ${cheapest.name}, at`;
  return el(
    "p",
    {class: "answer yes"},
    el("strong", {}, `${kept.length} of ${runs.length}`),
    ` ${one ? "keeps" : "keep"} the objective: ${kept.map((run) => run.name).join(", ")}. `,
    `${subject} ${priceText(cheapest.summary)}.`,
  );
}

function settingsTable(runs, settings) {
  if (settings.length === 0) return el("p", {}, "The scenarios are the same.");
  const columns = runs.map((run, i) => ({name: run.name, value: (row) => row.values[i]}));
  return makeTable(
    "Settings that differ",
    [{name: "Setting", value: (row) => row.path}, ...columns],
    settings,
  );
}

function resultTables(runs, seeds) {
  const kSame = 0.0005;
  const numbers = comparedNumbers(runs).sort((a, b) => b.difference - a.difference);
  const differing = numbers.filter((row) => row.difference >= kSame);
  const same = numbers.filter((row) => row.difference < kSame);
  const caption = `Results that differ, most of all first; percentages are against ${runs[0].name}`;
  const folded = el(
    "details",
    {},
    el("summary", {}, `${count(same.length)} numbers that do not differ`),
    comparisonTable("Results within 0.05 % of each other", runs, same, seeds),
  );
  return [
    differing.length > 0
      ? comparisonTable(caption, runs, differing, seeds)
      : el("p", {}, "The results are the same."),
    same.length > 0 ? folded : null,
  ];
}

function foldedScenario(run) {
  const text = JSON.stringify(run.scenario, null, 2);
  return el("details", {}, el("summary", {}, run.name), el("pre", {tabindex: 0}, text));
}

function runsPage(runs, sources) {
  const section = (title, ...parts) => el("section", {}, el("h2", {}, title), parts);
  const settings = scenarioDifferences(runs);
  const seeds = onlySeedsDiffer(settings);
  const estimated = runs.filter((run) => run.summary.estimated);
  const errors = distinct(estimated.map((run) => run.summary.how_sure));
  return [
    el("h1", {}, `How do ${runs.map((run) => run.name).join(", ")} differ?`),
    runsAnswer(runs),
    errors.map((text) => el("p", {class: "warning"}, estimatedSentence(text))),
    seeds
      ? el("p", {class: "note"}, "They differ in their seeds alone: means have the 95 % interval.")
      : null,
    section(
      "What runs",
      runs.map((run) => [el("h3", {}, run.name), runFacts(run)]),
    ),
    section("What differs", settingsTable(runs, settings), resultTables(runs, seeds)),
    section("Latencies", el("div", {class: "charts"}, distributions(runs))),
    sourcesSection(sources),
    section("Scenarios", runs.map(foldedScenario)),
  ];
}
