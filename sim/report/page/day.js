// The cluster as a whole over time: machines that are on, objectives kept, power; and its classes.

function scalingNote(summary) {
  const {scaling, energy} = summary;
  const parts = [];
  if (scaling) {
    const least = scaling.hindsight_machine_hours;
    const hindsight = least === undefined ? "" : `; with hindsight ${figure(least)}`;
    parts.push(
      `Scaling by ${scaling.policy}: machines on for ${figure(scaling.machine_hours)} of ` +
        `${figure(scaling.machine_hours_of_all)} machine-hours (${percent(scaling.on_share)}${hindsight}), ` +
        `${plural(scaling.starts, "start")}, ${plural(scaling.stops, "stop")}, ` +
        `${plural(scaling.reversals, "change")} of direction, ` +
        `${plural(scaling.side_changes, "change")} of side.`,
    );
  }
  if (energy) {
    const usd = energy.usd === null ? "" : `, ${figure(energy.usd)} $`;
    const carbon = energy.kg_co2 === null ? "" : `, ${figure(energy.kg_co2)} kg CO2`;
    parts.push(`Energy at the meter: ${figure(energy.facility_kwh)} kWh${usd}${carbon}.`);
  }
  return parts.length > 0 ? el("p", {class: "note"}, parts.join(" ")) : null;
}

function machinesChart(pools) {
  const lines = pools.map((pool, i) => [
    `pool ${i}: ${pool.role}`,
    pool.over_time.off_instances.map((off) => pool.instances - off),
  ]);
  const y = {name: "on", unit: "instances", show: (value) => `${figure(value)} instances`};
  return timeChart("Instances that are on", "loading, up or draining", pools[0], y, lines);
}

function clusterPowerChart(pools, budget) {
  const total = pools[0].over_time.power_w.map((_, i) =>
    pools.reduce((sum, pool) => sum + (pool.over_time.power_w[i] || 0) / 1000, 0),
  );
  const lines = [["power", total]];
  if (budget) lines.push(["budget", total.map(() => budget.budget_w / 1000)]);
  const y = {name: "power", unit: "kW", show: (value) => `${figure(value)} kW`};
  return timeChart("Power of the cluster", "idle power included", pools[0], y, lines);
}

function attainmentCharts(slo) {
  const over = {over_time: slo.over_time};
  const kept = slo.over_time.attainment;
  const rate = slo.over_time.requests.map((requests) => requests / slo.over_time.bucket_s);
  const share = {name: "attainment", unit: "", min: 0, max: 1, show: percent};
  const rps = {name: "arrived", unit: "requests/s", show: (value) => `${figure(value)} requests/s`};
  return [
    timeChart("Requests that arrived", "those that are measured", over, rps, [
      ["arrived", rate],
    ]),
    timeChart("Objectives kept", "share of the requests, by arrival", over, share, [
      ["attainment", kept],
    ]),
  ];
}

/** Where a run has no series over time it has none of the cluster either. */
function clusterSection(summary) {
  const pools = summary.pools.filter((pool) => pool.over_time);
  if (pools.length === 0) return null;
  const timed = summary.slo && summary.slo.over_time && summary.slo.over_time.requests.length > 0;
  return el(
    "section",
    {},
    el("h2", {}, "Cluster over time"),
    scalingNote(summary),
    el(
      "div",
      {class: "charts"},
      timed ? attainmentCharts(summary.slo) : [],
      summary.scaling ? machinesChart(pools) : null,
      clusterPowerChart(pools, summary.power.budget),
    ),
  );
}

function classesSection(summary) {
  if (!summary.classes) return null;
  const number = (name, value, show) => ({name, value, show, number: true});
  const optional = (show) => (value) => (value === null ? "-" : show(value));
  return el(
    "section",
    {},
    el("h2", {}, "Classes of requests"),
    makeTable(
      "What each class got; Jain's index of fairness: service " +
        `${figure(summary.fairness.service)}` +
        (summary.fairness.attainment === null
          ? ""
          : `, attainment ${figure(summary.fairness.attainment)}`),
      [
        {name: "Class", value: (row) => row.name},
        number("Arrived", (row) => row.arrived, count),
        number("Completed", (row) => row.completed, count),
        number("Over its rate", (row) => row.over_rate, count),
        number("Late", (row) => row.late, count),
        number("TTFT P50 (s)", (row) => row.ttft.p50, inSeconds),
        number("TTFT P99 (s)", (row) => row.ttft.p99, inSeconds),
        number("TPOT P50 (s)", (row) => row.tpot.p50, inSeconds),
        number("TPOT P99 (s)", (row) => row.tpot.p99, inSeconds),
        number("Attainment", (row) => row.attainment, optional(percent)),
        number("Goodput (/s)", (row) => row.goodput_rps, optional(figure)),
      ],
      summary.classes,
    ),
  );
}
