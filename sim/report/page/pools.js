// What the pools and links of a run did.

const kTime = {name: "time", unit: "s", show: (value) => `${figure(value)} s`};

function timeChart(title, note, pool, y, lines) {
  const width = pool.over_time.bucket_s;
  const end = lines[0][1].length * width;
  const drawn = lines.map(([name, values]) => ({
    // A bucket's value holds until the next begins; the last one until the end.
    name,
    step: true,
    points: [...values, values[values.length - 1]].map((value, i) => [i * width, value]),
  }));
  const time = {...kTime, max: end};
  return makeChart({
    title,
    note: `${note}; mean over ${figure(width)} s`,
    height: 240,
    option: (colours) => lineOption(colours, drawn, time, y),
    columns: [
      {name: "From (s)", value: (i) => i * width, show: figure, number: true},
      ...lines.map(([name, values]) => ({
        name: y.unit ? `${name} (${y.unit})` : name,
        value: (i) => values[i],
        show: figure,
        number: true,
      })),
    ],
    rows: () => lines[0][1].map((_, i) => i),
  });
}

/** What is drawn of a pool over time: [title, note, unit, lines]. */
function poolSeries(over) {
  const busy = over.busy_instances;
  const batch = over.prompts.map((prompts, i) =>
    busy[i] > 0 ? (prompts + over.decodes[i]) / busy[i] : 0,
  );
  const per = (values, divisor) => values.map((value) => value / divisor);
  const phases = [
    ["prompt phase", over.prompts],
    ["token phase", over.decodes],
    ["transfer", over.transfers || over.prompts.map(() => 0)],
    ["waiting", over.queued_requests],
  ];
  const machines = [
    ["busy", busy],
    ["in the mixed pool, or lent", over.mixed_instances],
  ];
  return [
    [
      "requests by phase",
      "in prompt phase, token phase, KV transfer out of the pool, and waiting",
      "requests",
      phases,
    ],
    ["batch size", "in the batch of a busy instance", "requests", [["batch size", batch]]],
    [
      "memory",
      "weights and KV caches of the whole pool",
      "GB",
      [["memory", per(over.memory_bytes, 1e9)]],
    ],
    ["power", "of the whole pool", "kW", [["power", per(over.power_w, 1000)]]],
    ["machines in use", "busy, and lent to the mixed pool or the other side", "instances", machines],
  ];
}

function poolCharts(pool, i) {
  if (!pool.over_time) return [];
  const llm = pool.llm ? `, ${pool.llm}` : "";
  const name = `Pool ${i}: ${pool.role} ${pool.machine}${llm}`;
  const facts = [
    plural(pool.machines, "machine"),
    plural(pool.gpus, "GPU"),
    `busy ${percent(pool.utilization)}`,
    `memory ${percent(pool.memory_mean)} (peak ${percent(pool.memory_peak)})`,
    `${figure(pool.energy_kwh)} kWh`,
    dollars(pool.price_per_hour),
  ];
  const drawn = poolSeries(pool.over_time).map(([title, note, unit, lines]) => {
    const y = {name: title, unit, show: (value) => `${figure(value)} ${unit}`};
    return timeChart(`${name}: ${title}`, note, pool, y, lines);
  });
  return [
    el("h3", {}, name),
    el("p", {class: "note"}, facts.join(", ")),
    el("div", {class: "charts"}, drawn),
  ];
}

function linkOption(colours, rows) {
  const {axis, option} = basicOption(colours);
  const stripes = {
    symbol: "rect",
    dashArrayX: [1, 0],
    dashArrayY: [2, 5],
    rotation: -0.7,
    color: "rgba(255,255,255,0.4)",
  };
  const bars = (name, key, decal) => ({
    name,
    type: "bar",
    data: rows.map((link) => link[key] * 100),
    itemStyle: {decal},
  });
  option.grid.left = 190;
  option.xAxis = {...axis, type: "value", name: "utilization (%)", nameGap: 28, min: 0};
  option.yAxis = {
    ...axis,
    type: "category",
    data: rows.map((link) => link.link),
    axisLabel: {...axis.axisLabel, width: 170, overflow: "truncate"},
  };
  option.series = [bars("mean", "utilization"), bars("P99", "utilization_p99", stripes)];
  option.tooltip.formatter = (points) =>
    tip(
      rows[points[0].dataIndex].link,
      points.map((point) => [point.seriesName, `${figure(point.value)} %`]),
    );
  return option;
}

function linkSection(links) {
  if (!links || links.length === 0) return null;
  const rows = [...links].reverse();
  const column = (name, value, show) => ({name, value, show, number: true});
  const chart = makeChart({
    title: "Link utilization",
    wide: true,
    height: Math.max(220, 60 + links.length * 22),
    note:
      "share of the bandwidth used over the run, and exceeded in one window of time in a hundred " +
      "(P99); the busiest links",
    option: (colours) => linkOption(colours, rows),
    columns: [
      {name: "Link", value: (link) => link.link},
      column("Bandwidth (GB/s)", (link) => link.bandwidth_bytes_per_s / 1e9, figure),
      column("Carried (GB)", (link) => link.bytes / 1e9, figure),
      column("Mean", (link) => link.utilization, percent),
      column("P99", (link) => link.utilization_p99, percent),
      column("Time above 90 %", (link) => link.above_90_share, percent),
    ],
    rows: links,
  });
  return el("section", {}, el("h2", {}, "Network"), chart);
}
