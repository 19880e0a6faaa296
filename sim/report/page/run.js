// The page of one run.

const kMetrics = [["ttft", "TTFT", "time to the first token"], ["tpot", "TPOT", "mean time per output token of a request"],
                  ["itl", "ITL", "gap between consecutive tokens"], ["e2e", "E2E", "arrival to last token"]];
const kPhaseNames = ["queueing", "prompt", "transfer", "token"];
const kTime = {name: "time", unit: "s", show: (value) => `${figure(value)} s`};

const limitName = (limit) => `${limit.metric.toUpperCase()} ${limit.percentile.toUpperCase()}`;
const limitValue = (limit, value) => (limit.kind === "slowdown" ? `${figure(value)}x` : seconds(value));
const poolName = (pool, i) => `${i}: ${pool.role} ${pool.machine}`;

function clusterText(summary) {
  return summary.pools.map((pool) => `${plural(pool.machines, pool.machine + " machine")} for ${
    {prompt: "prompts", token: "tokens", mixed: "both phases"}[pool.role] || pool.role}`).join(" and ");
}

function workloadText(run) {
  const {workload, llm} = run.scenario;
  const name = (value) => (typeof value === "string" ? value : "its own");
  const trace = workload && typeof workload.trace === "string" ? `trace ${workload.trace}` : "traffic";
  return `${figure(run.summary.offered_rps)} requests/s of ${trace} to ${name(llm)}`;
}

function questionText(run) {
  const {slo} = run.summary;
  const within = slo ? `within the objective ${slo.name}` : "and how fast";
  const pools = run.summary.pools.length > 1 || run.summary.pools[0].machines > 1;
  return `${pools ? "Do" : "Does"} ${clusterText(run.summary)} serve ${workloadText(run)} ${within}?`;
}

/** The limit that is missed by most, or that comes nearest. */
function tightest(slo) {
  return [...slo.limits].sort((a, b) => b.value / b.limit - a.value / a.limit)[0];
}

function answer(summary) {
  const {slo, requests, cost, power} = summary;
  const price = `${figure(cost.price_per_hour)} $/h and ${figure(power.provisioned_w / 1000)} kW provisioned`;
  if (!slo) {
    return el("p", {class: "answer"}, "No objective was set. It completes ",
              `${count(requests.completed)} of ${count(requests.arrived)} requests at `,
              `${figure(summary.served_rps)} requests/s, TTFT P99 ${seconds(summary.ttft.p99)}, `,
              `TPOT P99 ${seconds(summary.tpot.p99)}, for ${price}.`);
  }
  const broken = slo.limits.filter((limit) => !limit.holds);
  const worst = tightest(slo);
  const say = (limit) => `${limitName(limit)} is ${limitValue(limit, limit.value)}, at most ${limitValue(limit, limit.limit)} allowed`;
  let why = `all ${slo.limits.length} limits hold; nearest to its limit: ${worst ? say(worst) : "-"}`;
  if (broken.length > 0) {
    why = `${broken.length} of ${slo.limits.length} limits are broken; most of all, ${say(worst)}`;
  } else if (!slo.holds) {
    why = "the limits hold for the requests that completed, but not all requests did";
  }
  return el("p", {class: `answer ${slo.holds ? "yes" : "no"}`}, el("strong", {}, slo.holds ? "Yes" : "No"),
            `: ${why}. ${percent(slo.attainment)} of the requests, ${figure(slo.goodput_rps)} requests/s, each keep the limits of the highest percentiles. It takes ${price}.`);
}

function warnings(summary) {
  const list = [];
  const {steady, requests} = summary;
  if (steady.overload) {
    list.push(`Overload: requests pile up (${figure(steady.in_cluster_second_quarter)} in the cluster in the second quarter of the arrivals, ${figure(steady.in_cluster_last_quarter)} in the last); percentiles depend on how long the run lasts.`);
  }
  if (steady.too_short) {
    list.push("Short: the cluster was still filling when the last request arrived; a longer run would tell whether it keeps up.");
  }
  if (requests.rejected > 0) list.push(`Rejected: ${plural(requests.rejected, "request")}; no machine can hold the KV cache.`);
  if (requests.unfinished > 0) list.push(`Unfinished: ${plural(requests.unfinished, "request")}.`);
  if (requests.stranded > 0) list.push(`Stranded: ${plural(requests.stranded, "request")} found no machine that was up.`);
  if (summary.estimated) list.push("Latencies are estimated, not fitted from measurements.");
  if (summary.power.estimated) list.push("Power is estimated.");
  return list.map((text) => el("p", {class: "warning"}, text));
}

function keyFigures(summary) {
  const {requests, tokens, cost, power} = summary;
  const items = [
    [`${count(requests.completed)} of ${count(requests.arrived)}`, "requests completed"],
    [`${figure(summary.served_rps)} requests/s`, `served over ${figure(summary.duration_s)} s`],
    [seconds(summary.ttft.p99), "TTFT P99"], [seconds(summary.tpot.p99), "TPOT P99"],
    [seconds(summary.e2e.p99), "E2E P99"],
    [`${figure(tokens.output_per_s)} tokens/s`, "output"],
    [`${figure(cost.usd_per_million_output_tokens)} $`, "per million output tokens"],
    [`${figure(power.mean_w / 1000)} kW`, "mean power"],
    [`${figure(power.energy_kwh)} kWh`, `energy, ${figure(power.j_per_output_token)} J per output token`],
  ];
  return el("ul", {class: "figures"}, items.map(([value, name]) => el("li", {}, el("b", {}, value), name)));
}

function sloTable(slo) {
  return makeTable(`Objective ${slo.name}${slo.reference ? `; a slowdown of 1x is the latency alone on a ${slo.reference}` : ""}`, [
    {name: "Limit", value: limitName},
    {name: "Kind", value: (limit) => (limit.kind === "slowdown" ? "slowdown (times)" : "seconds")},
    {name: "Measured", value: (limit) => limit.value, show: (value, limit) => limitValue(limit, value), number: true},
    {name: "At most", value: (limit) => limit.limit, show: (value, limit) => limitValue(limit, value), number: true},
    {name: "Result", value: (limit) => limit.holds,
     show: (holds) => el("span", {class: holds ? "good" : "bad"}, holds ? "holds" : "broken")},
  ], slo.limits);
}

function latencyTable(summary) {
  const names = ["mean", "std", "min", "p50", "p90", "p95", "p99", "p99.9", "max"];
  const rows = [...kMetrics, ["largest_gap", "Largest gap"], ["queueing", "Queueing"], ["transfer", "KV transfer"]];
  return makeTable("Latencies in seconds", [
    {name: "Metric", value: (row) => row[1]},
    ...names.map((name) => ({name: name.startsWith("p") ? name.toUpperCase() : name, number: true,
                             value: (row) => summary[row[0]]?.[name], show: figure})),
  ], rows);
}

/** Limits to draw on a distribution: where the line must have passed. */
function sloMarks(slo, metric, kind) {
  if (!slo) return [];
  return slo.limits.filter((limit) => limit.metric === metric && limit.kind === kind).map((limit) => ({
    x: limit.limit, y: Number(limit.percentile.slice(1)) / 100,
    name: `${limit.percentile.toUpperCase()} limit ${limitValue(limit, limit.limit)}`,
  }));
}

/** A distribution of one or several runs, `of`: [name, cdf] pairs. */
function cdfChart(title, note, of, unit, limits) {
  const share = {name: "share of values", show: percent, min: 0, max: 1};
  // The last hundredth would squeeze the rest: the axis ends a little beyond what P99 and limits need.
  const upTo = (points) => (points.find(([, part]) => part >= 0.99) || points[points.length - 1] || [1])[0];
  const most = 1.15 * Math.max(...of.map(([, points]) => upTo(points)), ...limits.map((limit) => limit.x));
  const value = {name: title, unit, max: most > 0 ? Number(most.toPrecision(2)) : null,
                 show: unit === "s" ? seconds : (x) => `${figure(x)}x`};
  const lines = of.map(([name, points], i) => ({name, points, marks: i === 0 ? limits : null}));
  return makeChart({
    title: `${title}: distribution`, note, option: (colours) => lineOption(colours, lines, value, share),
    columns: [{name: "Run", value: (row) => row[0]},
              {name: `${title} (${unit})`, value: (row) => row[1], show: figure, number: true},
              {name: "Share of values up to it", value: (row) => row[2], show: percent, number: true}],
    rows: () => of.flatMap(([name, points]) => points.map(([x, y]) => [name, x, y])),
  });
}

/** The objective of all the runs; null where they have none, or not the same. */
function commonObjective(runs) {
  const limits = (slo) => JSON.stringify(slo?.limits.map(({metric, percentile, kind, limit}) => [metric, percentile, kind, limit]));
  const {slo} = runs[0].summary;
  return slo && runs.every((run) => limits(run.summary.slo) === limits(slo)) ? slo : null;
}

function distributions(runs) {
  const slo = commonObjective(runs);
  const pick = (key) => runs.map((run) => [run.name, run.summary.cdf?.[key] || []]).filter(([, points]) => points.length > 0);
  const hint = "the line must pass left of the diamonds, the limits";
  const list = [];
  for (const [key, name, meaning] of kMetrics) {
    const limits = sloMarks(slo, key, "seconds");
    if (pick(key).length > 0) list.push(cdfChart(name, limits.length > 0 ? `${meaning}; ${hint}` : meaning, pick(key), "s", limits));
  }
  for (const [key, name] of kMetrics) {
    const of = pick(`${key}_slowdown`);
    if (of.length > 0) list.push(cdfChart(`${name} slowdown`, `times the latency of the same request alone on the reference machine; ${hint}`, of, "times", sloMarks(slo, key, "slowdown")));
  }
  return list;
}

function timeChart(title, note, pool, y, lines) {
  const width = pool.over_time.bucket_s;
  const end = lines[0][1].length * width;
  const drawn = lines.map(([name, values]) => ({
    // A bucket's value holds until the next begins; the last one until the end.
    name, step: true, points: [...values, values[values.length - 1]].map((value, i) => [i * width, value]),
  }));
  const time = {...kTime, max: end};
  return makeChart({
    title, note: `${note}; mean over ${figure(width)} s`, height: 240,
    option: (colours) => lineOption(colours, drawn, time, y),
    columns: [{name: "From (s)", value: (i) => i * width, show: figure, number: true},
              ...lines.map(([name, values]) => ({name: y.unit ? `${name} (${y.unit})` : name, value: (i) => values[i], show: figure, number: true}))],
    rows: () => lines[0][1].map((_, i) => i),
  });
}

function poolCharts(pool, i) {
  const over = pool.over_time;
  if (!over) return [];
  const name = `Pool ${poolName(pool, i)}`;
  const requests = {name: "requests", show: (value) => `${figure(value)} requests`};
  const busy = over.busy_instances;
  const batch = over.prompts.map((prompts, k) => (busy[k] > 0 ? (prompts + over.decodes[k]) / busy[k] : 0));
  const per = (values, divisor) => values.map((value) => value / divisor);
  return [
    el("h3", {}, name),
    el("p", {class: "note"}, `${plural(pool.machines, "machine")}, ${plural(pool.gpus, "GPU")}; busy ${percent(pool.utilization)}, memory ${percent(pool.memory_mean)} (peak ${percent(pool.memory_peak)}), ${figure(pool.energy_kwh)} kWh, ${figure(pool.price_per_hour)} $/h.`),
    el("div", {class: "charts"}, [
      timeChart(`${name}: requests by phase`, "in prompt phase, token phase, KV transfer out of the pool, and waiting", pool, requests,
                [["prompt phase", over.prompts], ["token phase", over.decodes], ["transfer", over.transfers || over.prompts.map(() => 0)], ["waiting", over.queued_requests]]),
      timeChart(`${name}: batch size`, "requests in the batch of a busy instance", pool, {name: "batch", unit: "requests", show: (value) => `${figure(value)} requests`}, [["batch size", batch]]),
      timeChart(`${name}: memory`, "weights and KV caches of the whole pool", pool, {name: "memory", unit: "GB", show: (value) => `${figure(value)} GB`}, [["memory", per(over.memory_bytes, 1e9)]]),
      timeChart(`${name}: power`, "of the whole pool", pool, {name: "power", unit: "kW", show: (value) => `${figure(value)} kW`}, [["power", per(over.power_w, 1000)]]),
      timeChart(`${name}: machines in use`, "busy, and lent to the mixed pool", pool, {name: "machines", show: (value) => `${figure(value)} machines`}, [["busy", busy], ["in the mixed pool", over.mixed_instances]]),
    ]),
  ];
}

function linkSection(links) {
  if (!links || links.length === 0) return null;
  const rows = [...links].reverse();
  const chart = makeChart({
    title: "Link utilization", wide: true, height: Math.max(220, 60 + links.length * 22),
    note: "share of the bandwidth used over the run and in its busiest hundredth of time windows; the busiest links",
    option: (colours) => {
      const {axis, option} = basicOption(colours);
      option.grid.left = 190;
      option.xAxis = {...axis, type: "value", name: "utilization (%)", nameGap: 28, min: 0};
      option.yAxis = {...axis, type: "category", data: rows.map((link) => link.link), axisLabel: {...axis.axisLabel, width: 170, overflow: "truncate"}};
      option.series = [["mean", "utilization"], ["P99", "utilization_p99"]].map(([name, key], i) => ({name, type: "bar", data: rows.map((link) => link[key] * 100), itemStyle: {decal: i ? {symbol: "rect", dashArrayX: [1, 0], dashArrayY: [2, 5], rotation: -0.7, color: "rgba(255,255,255,0.4)"} : undefined}}));
      option.tooltip.formatter = (points) => tip(rows[points[0].dataIndex].link, points.map((point) => [point.seriesName, `${figure(point.value)} %`]));
      return option;
    },
    columns: [{name: "Link", value: (link) => link.link},
              {name: "Bandwidth (GB/s)", value: (link) => link.bandwidth_bytes_per_s / 1e9, show: figure, number: true},
              {name: "Carried (GB)", value: (link) => link.bytes / 1e9, show: figure, number: true},
              {name: "Mean", value: (link) => link.utilization, show: percent, number: true},
              {name: "P99", value: (link) => link.utilization_p99, show: percent, number: true},
              {name: "Time above 90 %", value: (link) => link.above_90_share, show: percent, number: true}],
    rows: links,
  });
  return el("section", {}, el("h2", {}, "Network"), chart);
}

/** How long each phase of a request took, in the order of kPhaseNames. */
function phases(request) {
  const parts = [request.queueing_s, request.prompt_s, request.transfer_s];
  return [...parts, Math.max(0, request.e2e_s - parts.reduce((sum, part) => sum + part, 0))];
}

function phaseBar(request, longest) {
  const colours = palette().series;
  const order = [5, 0, 1, 2];
  return el("div", {class: "phases", role: "img", "aria-label": phases(request).map((part, i) => `${kPhaseNames[i]} ${seconds(part)}`).join(", ")},
            phases(request).map((part, i) => {
              const span = el("span", {title: `${kPhaseNames[i]} ${seconds(part)}`});
              span.style.width = `${100 * part / longest}%`;
              span.style.background = colours[order[i]];
              return span;
            }));
}

function slowestSection(requests) {
  if (!requests || requests.length === 0) return null;
  const longest = Math.max(...requests.map((request) => request.e2e_s));
  const number = (name, value) => ({name, value, show: figure, number: true});
  return el("section", {}, el("h2", {}, "Slowest requests"),
            makeTable("The slowest requests and how long each phase took; the bar shows queueing, prompt, transfer and token phase in this order", [
              {name: "Request", value: (request) => request.request},
              {name: "Phases", value: (request) => request.e2e_s, show: (_, request) => phaseBar(request, longest)},
              {name: "Line", value: (request) => request.line, number: true},
              number("Prompt tokens", (request) => request.prompt_tokens),
              number("Output tokens", (request) => request.output_tokens),
              number("Arrival (s)", (request) => request.arrival_s),
              number("E2E (s)", (request) => request.e2e_s),
              ...kPhaseNames.map((name, i) => number(`${name[0].toUpperCase()}${name.slice(1)} (s)`, (request) => phases(request)[i])),
              number("Largest gap (s)", (request) => request.largest_gap_s),
              {name: "Machines", value: (request) => `${request.prompt_instance} to ${request.token_instance}`},
            ], requests, {sortable: true}));
}

function scenarioSection(run) {
  return el("section", {}, el("h2", {}, "Scenario"),
            el("p", {class: "note"}, `Hash ${run.summary.scenario_hash}; save it as a file and cleave run repeats this run.`),
            el("pre", {tabindex: 0}, JSON.stringify(run.scenario, null, 2)));
}

function runPage(run) {
  const {summary} = run;
  return [
    el("h1", {}, questionText(run)), answer(summary), warnings(summary), keyFigures(summary),
    el("section", {}, el("h2", {}, "Latencies"), summary.slo ? sloTable(summary.slo) : null, latencyTable(summary),
       el("div", {class: "charts"}, distributions([run]))),
    el("section", {}, el("h2", {}, "Pools over time"), summary.pools.map(poolCharts)),
    linkSection(summary.links), slowestSection(summary.slowest_requests), scenarioSection(run),
  ];
}
