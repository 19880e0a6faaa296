// The page of a sweep.

const kKnownMetrics = {
  cost_per_hour: ["price", "$/h"],
  price_per_hour: ["price", "$/h"],
  provisioned_w: ["provisioned power", "W"],
  mean_w: ["mean power", "W"],
  energy_kwh: ["energy", "kWh"],
  served_rps: ["served", "requests/s"],
  goodput_rps: ["goodput", "requests/s"],
  slo_goodput_rps: ["goodput", "requests/s"],
  offered_rps: ["offered", "requests/s"],
  rate_rps: ["rate", "requests/s"],
  machines: ["machines", "number"],
  margin: ["limit / value, nearest limit", "times"],
  slo_attainment: ["attainment", "fraction"],
  prefix_cache_hit_rate: ["found in prefix caches", "fraction"],
  tokens_output_per_s: ["output", "tokens/s"],
  usd_per_million_all_tokens: ["price of all tokens", "$ per million tokens"],
  usd_per_million_output_tokens: ["price of output", "$ per million tokens"],
  j_per_output_token: ["energy", "J per output token"],
};
const kObjectives = [
  ["cost", "least cost", ["cost_per_hour", "price_per_hour"]],
  ["power", "least power", ["provisioned_w", "mean_w"]],
  ["throughput", "most throughput", ["slo_goodput_rps", "goodput_rps", "served_rps", "rate_rps"]],
  ["machines", "fewest machines", ["machines"]],
];
const kTableMetrics = [
  "cost_per_hour",
  "price_per_hour",
  "provisioned_w",
  "rate_rps",
  "margin",
  "served_rps",
  "slo_goodput_rps",
  "goodput_rps",
  "slo_attainment",
  "prefix_cache_hit_rate",
  "ttft_p50",
  "ttft_p90",
  "ttft_p99",
  "tpot_p50",
  "tpot_p90",
  "tpot_p99",
  "e2e_p50",
  "e2e_p90",
  "e2e_p99",
];

function metricLabel(name) {
  if (kKnownMetrics[name]) return `${kKnownMetrics[name][0]} (${kKnownMetrics[name][1]})`;
  const latency = /^(ttft|tpot|itl|e2e)_(mean|p\d+)$/.exec(name);
  if (latency) return `${latency[1].toUpperCase()} ${latency[2].replace("p", "P")} (s)`;
  return name.endsWith("_s") ? `${name} (s)` : name;
}
const moreIsBetter = (name) => /(_rps|_per_s|attainment|_holds|hit_rate|requests_per_usd)$/.test(name);

/** Rows from the columns that the page carries; a null is a value that is not there. */
function unpack(results) {
  const rows = results.numbers.map((number, i) => ({
    number,
    error: results.errors[i],
    parameters: Object.fromEntries(results.parameters.map(({name, values}) => [name, values[i]])),
    metrics: Object.fromEntries(results.metrics.map(({name, values}) => [name, values[i]])),
  }));
  const judged = rows.some(
    (row) => isNumber(row.metrics.slo_holds) || typeof row.metrics.slo_holds === "boolean",
  );
  for (const row of rows) {
    row.ran = row.error === null && Object.values(row.metrics).some((value) => value !== null);
    row.feasible = row.ran && (!judged || Boolean(row.metrics.slo_holds));
  }
  return {
    name: results.name,
    rows,
    judged,
    parameters: results.parameters.map(({name}) => name),
    metrics: results.metrics
      .map(({name}) => name)
      .filter((name) => rows.some((row) => isNumber(row.metrics[name]))),
  };
}

const distinct = (values) =>
  [...new Map(values.map((value) => [plain(value), value])).values()].sort(compareValues);
/** Pools that vary as a whole, in words: "1 prompt dgx-h100 + 2 token dgx-h100"; null for all else. */
function poolsInWords(value) {
  if (typeof value !== "string" || !value.startsWith("[{")) return null;
  try {
    const pools = JSON.parse(value);
    if (!pools.every((pool) => pool.role && isNumber(pool.count))) return null;
    const words = ({count: n, role, machine, tensor_parallel: tensor}) =>
      `${n} ${role} ${plain(machine)}${isNumber(tensor) ? ` tp${tensor}` : ""}`;
    return pools.map(words).join(" + ");
  } catch {
    return null;
  }
}
const settingsText = (row, names) =>
  names
    .map((name) => {
      const value = row.parameters[name];
      const text = typeof value === "object" && value ? JSON.stringify(value) : value;
      return poolsInWords(text) ?? `${name} = ${plain(value)}`;
    })
    .join(", ");
function brokenText(row) {
  if (row.error !== null) return "failed";
  if (row.feasible) return "";
  const text = row.metrics.slo_broken || "objective broken";
  return /^(ttft|tpot|itl|e2e) p/.test(text) ? text.toUpperCase() : text;
}

function resultText(row) {
  if (row.error !== null) return `failed: ${row.error}`;
  return row.feasible ? "keeps the objective" : `broken: ${brokenText(row)}`;
}

/** The metric that an objective goes by in this sweep, undefined if it has none. */
const objectiveMetric = (sweep, names) => names.find((name) => sweep.metrics.includes(name));

/** The feasible row that is best by a metric; of equals the first. */
function bestBy(rows, metric) {
  const sign = moreIsBetter(metric) ? -1 : 1;
  return rows
    .filter((row) => row.feasible && isNumber(row.metrics[metric]))
    .reduce(
      (best, row) =>
        !best || sign * (row.metrics[metric] - best.metrics[metric]) < 0 ? row : best,
      null,
    );
}

/** What is not measured is said to be. */
function estimatedText(rows) {
  const estimated = rows.filter((row) => row.metrics?.estimated === 1);
  if (estimated.length === 0) return null;
  const which = estimated.length === rows.length ? "all points" : plural(estimated.length, "point");
  const sure = distinct(estimated.map((row) => row.metrics.how_sure).filter((text) => text));
  return el(
    "p",
    {class: "warning"},
    `Latencies of ${which} are estimated, not measured${sure.length > 0 ? `: ${sure.join("; ")}` : ""}.`,
  );
}

function sweepAnswer(sweep) {
  const varied = sweep.parameters.filter(
    (name) => distinct(sweep.rows.map((row) => row.parameters[name])).length > 1,
  );
  const named = varied.length > 0 ? varied : sweep.parameters;
  const feasible = sweep.rows.filter((row) => row.feasible).length;
  const failed = sweep.rows.filter((row) => row.error !== null).length;
  const head = [
    el("strong", {}, `${count(feasible)} of ${plural(sweep.rows.length, "point")}`),
    sweep.judged
      ? ` ${feasible === 1 ? "keeps" : "keep"} the objective`
      : " ran; no objective was set",
    failed > 0 ? `, ${count(failed)} failed.` : ".",
  ];
  const items = kObjectives.map(([, words, names]) => {
    const metric = objectiveMetric(sweep, names);
    const best = metric && bestBy(sweep.rows, metric);
    return (
      best &&
      el(
        "li",
        {},
        el("b", {}, `${figure(best.metrics[metric])} ${kKnownMetrics[metric][1]}`),
        `${words}: ${settingsText(best, named)} (point ${best.number})`,
      )
    );
  });
  return [
    el("p", {class: `answer ${feasible > 0 ? "yes" : "no"}`}, head),
    estimatedText(sweep.rows),
    el("ul", {class: "figures"}, items),
  ];
}

/** The feasible rows that no other beats in both metrics, along x. */
function paretoFront(rows, x, y) {
  const sign = (name) => (moreIsBetter(name) ? -1 : 1);
  const value = (row, name) => sign(name) * row.metrics[name];
  const sorted = rows
    .filter((row) => row.feasible && isNumber(row.metrics[x]) && isNumber(row.metrics[y]))
    .sort((a, b) => value(a, x) - value(b, x) || value(a, y) - value(b, y));
  const front = [];
  for (const row of sorted) {
    if (front.length === 0 || value(row, y) < value(front[front.length - 1], y)) front.push(row);
  }
  return front;
}

function paretoOption(colours, sweep, view) {
  const {axis, option} = basicOption(colours);
  const place = (row) => ({
    value: [row.metrics[view.x], row.metrics[view.y]],
    cell: {row, points: 1},
  });
  const drawn = sweep.rows.filter(
    (row) => row.ran && isNumber(row.metrics[view.x]) && isNumber(row.metrics[view.y]),
  );
  const front = paretoFront(drawn, view.x, view.y);
  const scaled = {
    ...axis,
    type: "value",
    scale: true,
    axisLabel: {...axis.axisLabel, formatter: (value) => figure(value)},
  };
  option.xAxis = {...scaled, name: metricLabel(view.x), nameGap: 28};
  option.yAxis = {...scaled, name: metricLabel(view.y), nameGap: 56};
  option.grid.left = 80;
  option.tooltip.trigger = "item";
  option.tooltip.formatter = (item) =>
    cellTip(item.data.cell, sweep, {metric: view.x, objective: view.y});
  option.series = [
    {
      name: "Pareto front",
      type: "line",
      data: front.map(place),
      symbol: "circle",
      symbolSize: 11,
      color: colours.series[0],
    },
    {
      name: "keeps the objective",
      type: "scatter",
      symbolSize: 8,
      color: colours.series[2],
      data: drawn.filter((row) => row.feasible).map(place),
    },
    {
      name: "breaks it",
      type: "scatter",
      symbol: "triangle",
      symbolSize: 8,
      color: colours.muted,
      itemStyle: {opacity: 0.6},
      data: drawn.filter((row) => !row.feasible).map(place),
    },
  ];
  return option;
}

/** `first`: what the axes show at first. */
function paretoSection(sweep, first) {
  const found = kObjectives
    .map(([, , names]) => objectiveMetric(sweep, names))
    .filter((metric) => metric);
  if (found.length < 2) return null;
  const view = first || {x: found[0], y: found[found.length - 1]};
  const title = () => `${metricLabel(view.y)} against ${metricLabel(view.x)}`;
  const chart = makeChart({
    title: title(),
    note: "the line joins the points that no other beats in both",
    wide: true,
    height: 420,
    option: (colours) => paretoOption(colours, sweep, view),
    columns: [
      {name: "On the front", value: (row) => settingsText(row, sweep.parameters)},
      {name: "Across", value: (row) => row.metrics[view.x], show: figure, number: true},
      {name: "Up", value: (row) => row.metrics[view.y], show: figure, number: true},
    ],
    rows: () => paretoFront(sweep.rows, view.x, view.y),
  });
  const metrics = sweep.metrics.map((name) => [name, metricLabel(name)]);
  const change = (key) => (value) => {
    view[key] = value;
    chart.update(title());
  };
  return el(
    "section",
    {},
    el("h2", {}, "Trade-offs"),
    el(
      "div",
      {class: "controls"},
      choice("Across", metrics, view.x, change("x")),
      choice("Up", metrics, view.y, change("y")),
    ),
    chart,
  );
}

function sweepPage(results) {
  const sweep = unpack(results);
  const question = sweep.judged
    ? "keep the objective, and at what cost?"
    : "are there, and what do they cost?";
  return [
    el("h1", {}, `${sweep.name}: which points ${question}`),
    sweepFacts(sweep),
    sweepAnswer(sweep),
    ratesSection(sweep),
    heatSection(sweep),
    paretoSection(sweep),
    pointsSection(sweep),
  ];
}
