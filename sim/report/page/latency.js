// Latencies of one or several runs, and the limits of their objective.

const kMetrics = [
  ["ttft", "TTFT", "time to the first token"],
  ["tpot", "TPOT", "mean time per output token of a request"],
  ["itl", "ITL", "gap between consecutive tokens"],
  ["e2e", "E2E", "arrival to last token"],
];
const limitName = (limit) => `${limit.metric.toUpperCase()} ${limit.percentile.toUpperCase()}`;
const limitValue = (limit, value) =>
  limit.kind === "slowdown" ? `${figure(value)}x` : seconds(value);

/** Whether a limit holds, and whether it still would, or not, if the model's error is all used up. */
function limitResult(limit, errors) {
  const error = errors[limit.metric] || 0;
  const other = limit.holds ? limit.value * (1 + error) > limit.limit : limit.value <= limit.limit * (1 + error);
  return (limit.holds ? "holds" : "broken") + (error && other ? ", within the model's error" : "");
}

/** `errors`: the model's own, as modelError() gives them. */
function sloTable(slo, errors = {}) {
  const slowdown = `; a slowdown of 1x is the latency alone on a ${slo.reference}`;
  return makeTable(
    `Objective ${slo.name}${slo.reference ? slowdown : ""}`,
    [
      {name: "Limit", value: limitName},
      {
        name: "Kind",
        value: (limit) => (limit.kind === "slowdown" ? "slowdown (times)" : "seconds"),
      },
      {
        name: "Measured",
        value: (limit) => limit.value,
        show: (value, limit) => limitValue(limit, value) + errorText(errors, limit.metric),
        number: true,
      },
      {
        name: "At most",
        value: (limit) => limit.limit,
        show: (value, limit) => limitValue(limit, value),
        number: true,
      },
      {
        name: "Result",
        value: (limit) => limit.holds,
        show: (holds, limit) =>
          el("span", {class: holds ? "good" : "bad"}, limitResult(limit, errors)),
      },
    ],
    slo.limits,
  );
}

function latencyTable(summary) {
  const names = ["mean", "std", "min", "p50", "p90", "p95", "p99", "p99.9", "max"];
  const rows = [
    ...kMetrics,
    ["largest_gap", "Largest gap"],
    ["queueing", "Queueing"],
    ["transfer", "KV transfer"],
    ["exposed_transfer", "KV transfer, exposed"],
  ].filter(([key]) => summary[key]);
  return makeTable(
    "Latencies in seconds",
    [
      {name: "Metric", value: (row) => row[1]},
      ...names.map((name) => ({
        name: name.startsWith("p") ? name.toUpperCase() : name,
        number: true,
        value: (row) => summary[row[0]]?.[name],
        show: inSeconds,
      })),
    ],
    rows,
  );
}

/** Limits to draw on a distribution: where the line must have passed. */
function sloMarks(slo, metric, kind) {
  if (!slo) return [];
  return slo.limits
    .filter((limit) => limit.metric === metric && limit.kind === kind)
    .map((limit) => ({
      x: limit.limit,
      y: Number(limit.percentile.slice(1)) / 100,
      name: `${limit.percentile.toUpperCase()} limit ${limitValue(limit, limit.limit)}`,
    }));
}

/** A distribution of one or several runs, `of`: [name, cdf] pairs. */
function cdfChart(title, note, of, unit, limits) {
  const share = {name: "share of values", show: percent, min: 0, max: 1};
  // The last hundredth would squeeze the rest: the axis ends a little beyond P99 and the limits.
  const upTo = (points) =>
    (points.find(([, part]) => part >= 0.99) || points[points.length - 1] || [1])[0];
  const most =
    1.15 * Math.max(...of.map(([, points]) => upTo(points)), ...limits.map((limit) => limit.x));
  const value = {
    name: title,
    unit,
    max: most > 0 ? Number(most.toPrecision(2)) : null,
    show: unit === "s" ? seconds : (x) => `${figure(x)}x`,
  };
  const lines = of.map(([name, points], i) => ({name, points, marks: i === 0 ? limits : null}));
  return makeChart({
    title: `${title}: distribution`,
    note,
    option: (colours) => lineOption(colours, lines, value, share),
    columns: [
      {name: "Run", value: (row) => row[0]},
      {name: `${title} (${unit})`, value: (row) => row[1], show: figure, number: true},
      {name: "Share of values up to it", value: (row) => row[2], show: percent, number: true},
    ],
    rows: () => of.flatMap(([name, points]) => points.map(([x, y]) => [name, x, y])),
  });
}

/** The objective of all the runs; null where they have none, or not the same. */
function commonObjective(runs) {
  const limits = (slo) =>
    JSON.stringify(
      slo?.limits.map(({metric, percentile, kind, limit}) => [metric, percentile, kind, limit]),
    );
  const {slo} = runs[0].summary;
  return slo && runs.every((run) => limits(run.summary.slo) === limits(slo)) ? slo : null;
}

function distributions(runs) {
  const slo = commonObjective(runs);
  const pick = (key) =>
    runs
      .map((run) => [run.name, run.summary.cdf?.[key] || []])
      .filter(([, points]) => points.length > 0);
  const hint = "the line must pass left of the diamonds, the limits";
  const list = [];
  for (const [key, name, meaning] of kMetrics) {
    const limits = sloMarks(slo, key, "seconds");
    if (pick(key).length > 0)
      list.push(
        cdfChart(name, limits.length > 0 ? `${meaning}; ${hint}` : meaning, pick(key), "s", limits),
      );
  }
  for (const [key, name] of kMetrics) {
    const of = pick(`${key}_slowdown`);
    if (of.length > 0)
      list.push(
        cdfChart(
          `${name} slowdown`,
          `times the latency of the same request alone on the reference machine; ${hint}`,
          of,
          "times",
          sloMarks(slo, key, "slowdown"),
        ),
      );
  }
  return list;
}
