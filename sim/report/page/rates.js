// Curves over the rate in a sweep: a line a design, with the interval over its seeds.

/** What loads a cluster, the first that a sweep varies. */
const kLoads = [
  ["workload.rate_rps", "offered rate (requests/s)"],
  ["workload.concurrency", "concurrent requests"],
  ["workload.rate_scale", "times the trace's own rate"],
  ["workload.sessions.rate_rps", "sessions begun (1/s)"],
];
const kCurves = ["ttft_p99", "tpot_p99", "e2e_p99", "ttft_p90", "tpot_p90", "served_rps",
  "slo_goodput_rps", "goodput_rps", "slo_attainment", "tokens_output_per_s", "mean_w",
  "usd_per_million_all_tokens", "exposed_transfer_p99"];
/** Student's t for 95 %, by degrees of freedom; beyond, the normal distribution's. */
const kStudent = [12.71, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201,
  2.179, 2.16, 2.145, 2.131, 2.12, 2.11, 2.101, 2.093, 2.086, 2.08, 2.074, 2.069, 2.064, 2.06,
  2.056, 2.052, 2.048, 2.045, 2.042];
const isSeed = (name) => /(^|[.])seed$/.test(name);

/** Mean and half the width of its 95 % interval; null where a value is no number. */
function meanOf(values) {
  if (values.length === 0 || !values.every(isNumber)) return null;
  const n = values.length;
  const mean = values.reduce((sum, value) => sum + value, 0) / n;
  if (n === 1) return {mean, half: 0, n};
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (n - 1);
  return {mean, half: (kStudent[n - 2] ?? 1.96) * Math.sqrt(variance / n), n};
}

const varies = (sweep, name) => distinct(sweep.rows.map((row) => row.parameters[name])).length > 1;

/** The curves of a metric: [{name, points: [{x, mean, half, n, feasible}]}], a design each. */
function curvesOf(sweep, load, metric) {
  const named = sweep.parameters.filter(
    (name) => name !== load && !isSeed(name) && varies(sweep, name),
  );
  const designs = new Map();
  for (const row of sweep.rows) {
    const x = row.parameters[load];
    if (!row.ran || !isNumber(x) || !isNumber(row.metrics[metric])) continue;
    const name = named.length > 0 ? settingsText(row, named) : "all points";
    if (!designs.has(name)) designs.set(name, new Map());
    const places = designs.get(name);
    places.set(x, [...(places.get(x) || []), row]);
  }
  return [...designs.entries()].map(([name, places]) => ({
    name,
    points: [...places.entries()]
      .map(([x, rows]) => ({
        x,
        ...meanOf(rows.map((row) => row.metrics[metric])),
        feasible: rows.every((row) => row.feasible),
      }))
      .sort((a, b) => a.x - b.x),
  }));
}

/** Vertical bars with caps: the interval over seeds. */
function intervalSeries(curve, i, colours) {
  const color = colours.series[i % colours.series.length];
  return {
    name: curve.name,
    type: "custom",
    color,
    silent: true,
    tooltip: {show: false},
    data: curve.points
      .filter((point) => point.half > 0)
      .map((point) => [point.x, point.mean - point.half, point.mean + point.half]),
    renderItem: (_, api) => {
      const [x, low] = api.coord([api.value(0), api.value(1)]);
      const high = api.coord([api.value(0), api.value(2)])[1];
      const line = (x1, y1, x2, y2) => ({
        type: "line",
        shape: {x1, y1, x2, y2},
        style: {stroke: color, lineWidth: 1.5},
      });
      const kCap = 4;
      return {
        type: "group",
        children: [
          line(x, low, x, high),
          line(x - kCap, low, x + kCap, low),
          line(x - kCap, high, x + kCap, high),
        ],
      };
    },
  };
}

function ratesOption(colours, sweep, view, label) {
  const curves = curvesOf(sweep, view.load, view.metric);
  const show = (value) => figure(value);
  const option = lineOption(
    colours,
    curves.map((curve) => ({
      name: curve.name,
      points: curve.points.map((point) => [point.x, point.mean]),
    })),
    {name: label, show},
    {name: metricLabel(view.metric), show},
  );
  // Points that keep the objective are full circles.
  option.series.forEach((series, i) => {
    series.symbol = "circle";
    series.symbolSize = 8;
    series.sampling = undefined;
    series.data = curves[i].points.map((point) => ({
      value: [point.x, point.mean],
      point,
      symbol: point.feasible ? "circle" : "emptyTriangle",
    }));
  });
  option.series.push(...curves.map((curve, i) => intervalSeries(curve, i, colours)));
  option.tooltip = {...option.tooltip, trigger: "item"};
  option.tooltip.formatter = ({seriesName, data}) =>
    tip(seriesName, [
      [label, show(data.point.x)],
      [metricLabel(view.metric), pointText(data.point)],
      [null, data.point.feasible ? "keeps the objective" : "breaks the objective"],
    ]);
  option.legend.show = curves.length > 1;
  if (view.log) option.yAxis.type = "log";
  return option;
}

const pointText = (point) =>
  point.n > 1 ? `${figure(point.mean)} \u00b1 ${figure(point.half)}` : figure(point.mean);

/** The model's own error of the metric, of the points that are estimated. */
function curveErrorText(sweep, metric) {
  const key = metric.slice(0, 4);
  const errors = sweep.rows.map((row) => modelError(row.metrics.how_sure)[key]).filter(isNumber);
  if (errors.length === 0) return "";
  return `; the model's own error is \u00b1 ${figure(100 * Math.max(...errors))} % (median)`;
}

function ratesNote(sweep, view) {
  const seeds = sweep.parameters.some((name) => isSeed(name) && varies(sweep, name));
  return (
    (sweep.judged ? "triangles break the objective" : "a point each") +
    (seeds ? "; bars are 95 % intervals of the mean over seeds" : "") +
    curveErrorText(sweep, view.metric)
  );
}

/** Nothing where the sweep has no load of several values. */
function ratesSection(sweep) {
  const loads = kLoads.filter(
    ([name]) => sweep.parameters.includes(name) && varies(sweep, name),
  );
  const metrics = kCurves.filter((name) => sweep.metrics.includes(name));
  if (loads.length === 0 || metrics.length === 0) return null;
  const [[load, label]] = loads;
  const view = {load, metric: metrics[0], log: false};
  const title = () => `${metricLabel(view.metric)} over the ${label.replace(/ \(.*/, "")}`;
  const rows = () =>
    curvesOf(sweep, view.load, view.metric).flatMap((curve) =>
      curve.points.map((point) => ({name: curve.name, point})),
    );
  const chart = makeChart({
    title: title(),
    note: ratesNote(sweep, view),
    wide: true,
    height: 420,
    option: (colours) => ratesOption(colours, sweep, view, label),
    columns: [
      {name: "Design", value: (row) => row.name},
      {name: label, value: (row) => row.point.x, show: figure, number: true},
      {name: "Mean", value: (row) => row.point.mean, show: figure, number: true},
      {name: "Half interval", value: (row) => row.point.half, show: figure, number: true},
      {name: "Seeds", value: (row) => row.point.n, number: true},
      {name: "Objective", value: (row) => (row.point.feasible ? "kept" : "broken")},
    ],
    rows,
  });
  const change = (key) => (value) => {
    view[key] = value;
    chart.update(title(), ratesNote(sweep, view));
  };
  const log = el("input", {type: "checkbox", onchange: () => change("log")(log.checked)});
  return el(
    "section",
    {},
    el("h2", {}, `Over the ${label.replace(/ \(.*/, "")}`),
    el(
      "div",
      {class: "controls"},
      choice("Curve", metrics.map((name) => [name, metricLabel(name)]), view.metric, change("metric")),
      el("label", {class: "check"}, log, "logarithmic"),
    ),
    chart,
  );
}

/** What all points of a sweep share, as far as the points say it. */
function sweepFacts(sweep) {
  const shared = (name) => {
    const values = distinct(sweep.rows.filter((row) => row.ran).map((row) => row.metrics[name]));
    return values.length === 1 ? values[0] : null;
  };
  const lengths = [shared("prompt_length_mean"), shared("output_length_mean")];
  const pools = [0, 1, 2].filter((i) => sweep.metrics.includes(`pool${i}_tensor_parallel`));
  const degrees = pools
    .map((i) => [shared(`pool${i}_tensor_parallel`), shared(`pool${i}_pipeline_parallel`)])
    .map(([tensor, stages]) => isNumber(tensor) && degreesOf({tensor_parallel: tensor, pipeline_parallel: stages}));
  const facts = [
    lengths.every(isNumber)
      ? `${tokens(lengths[0])} prompt and ${tokens(lengths[1])} output tokens in the mean`
      : null,
    degrees.length > 0 && degrees.every((text) => text)
      ? `${plural(degrees.length, "pool")}: ${degrees.join(" and ")}`
      : null,
  ];
  return facts.some((fact) => fact) ? factsLine(facts) : null;
}
