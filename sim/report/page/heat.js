// The map of a sweep over two parameters.

/** What one cell of the heat map stands for: its best row. */
function cellsOf(sweep, view) {
  const has = (row, name) => row.parameters[name] !== null && row.parameters[name] !== undefined;
  const rows = sweep.rows.filter(
    (row) =>
      has(row, view.x) &&
      has(row, view.y) &&
      Object.entries(view.fixed).every(
        ([name, value]) => value === "" || plain(row.parameters[name]) === value,
      ),
  );
  const byPlace = new Map();
  for (const row of rows) {
    const place = JSON.stringify([plain(row.parameters[view.x]), plain(row.parameters[view.y])]);
    if (!byPlace.has(place)) byPlace.set(place, []);
    byPlace.get(place).push(row);
  }
  const xs = distinct(rows.map((row) => row.parameters[view.x])).map(plain);
  const ys = distinct(rows.map((row) => row.parameters[view.y])).map(plain);
  const cells = [...byPlace.entries()].map(([place, here]) => {
    const [x, y] = JSON.parse(place);
    const row = bestBy(here, view.objective) || here.find((one) => one.ran) || here[0];
    return {x: xs.indexOf(x), y: ys.indexOf(y), row, points: here.length};
  });
  const best = bestBy(rows, view.objective);
  return {xs, ys, cells, best: cells.find((cell) => cell.row === best)};
}

/** Tints of broken objectives, by the metric that breaks; words say it where there is room. */
const kBroken = ["TTFT", "TPOT", "E2E", "ITL", "other"];
function brokenKind(row) {
  const index = kBroken.findIndex((name) => brokenText(row).startsWith(name));
  return index < 0 ? kBroken.length - 1 : index;
}

/** Series without points that only put the tints in the legend. */
function brokenLegend(colours, cells) {
  const kinds = new Set(
    cells.filter((cell) => !cell.row.feasible).map((cell) => brokenKind(cell.row)),
  );
  return [...kinds].sort().map((kind) => ({
    name: `${kBroken[kind]} breaks`,
    type: "scatter",
    symbol: "rect",
    data: [],
    color: colours.broken[kind],
  }));
}

/** The cells as items of a heat map: those that keep the objective in the colours of the metric. */
function heatItems(colours, cells, view, range, labelled) {
  return cells.map((cell) => {
    const value = cell.row.metrics[view.metric];
    if (cell.row.feasible && isNumber(value)) {
      const upper = (value - range.min) / (range.max - range.min) > 0.45;
      const color = upper === (colours === kLight) ? "#fff" : "#111";
      return {
        value: [cell.x, cell.y, value],
        cell,
        label: {show: labelled, formatter: figure(value), color},
      };
    }
    return {
      value: [cell.x, cell.y, 0],
      cell,
      visualMap: false,
      itemStyle: {color: colours.broken[brokenKind(cell.row)]},
      label: {show: labelled, color: colours.offText, formatter: () => brokenText(cell.row)},
    };
  });
}

/** Least and largest value of the metric where the objective is kept. */
function metricRange(cells, metric) {
  const range = {min: Infinity, max: -Infinity};
  for (const {row} of cells) {
    const value = row.metrics[metric];
    if (!row.feasible || !isNumber(value)) continue;
    range.min = Math.min(range.min, value);
    range.max = Math.max(range.max, value);
  }
  if (range.min > range.max) return {min: 0, max: 1};
  return range.min === range.max ? {min: range.min, max: range.max + 1} : range;
}

function heatOption(colours, sweep, view) {
  const {xs, ys, cells, best} = cellsOf(sweep, view);
  const {axis, option} = basicOption(colours);
  const labelled = xs.length <= 14 && ys.length <= 24;
  const range = metricRange(cells, view.metric);
  const category = {...axis, type: "category", splitArea: {show: false}};
  option.grid = {left: 70, right: 110, top: labelled ? 20 : 40, bottom: 56};
  option.xAxis = {...category, data: xs, name: view.x, nameGap: 32};
  option.yAxis = {...category, data: ys, name: view.y, nameGap: 48};
  option.legend.show = !labelled;
  option.legend.selectedMode = false;
  option.visualMap = {
    type: "continuous",
    ...range,
    right: 0,
    top: "middle",
    calculable: false,
    hoverLink: false,
    dimension: 2,
    seriesIndex: 0,
    inRange: {color: colours.ramp},
    textStyle: {color: colours.text},
    formatter: (value) => figure(Number(value)),
    text: [figure(range.max), figure(range.min)],
    textGap: 6,
  };
  option.tooltip.trigger = "item";
  option.tooltip.formatter = (item) => cellTip(item.data.cell, sweep, view);
  option.series = [
    {
      type: "heatmap",
      data: heatItems(colours, cells, view, range, labelled),
      label: {fontSize: 10},
      itemStyle: {borderColor: colours.page, borderWidth: labelled ? 1 : 0},
      emphasis: {itemStyle: {borderColor: colours.text, borderWidth: 2}},
    },
    optimumSeries(colours, best, labelled),
    ...brokenLegend(colours, cells),
  ];
  return option;
}

const kStar = "path://M50 2 L62 37 L98 38 L69 60 L80 96 L50 75 L20 96 L31 60 L2 38 L38 37 Z";

function optimumSeries(colours, best, labelled) {
  return {
    type: "scatter",
    symbol: kStar,
    symbolSize: 22,
    symbolOffset: labelled ? [-28, 0] : [0, 0],
    data: best ? [{value: [best.x, best.y], cell: best}] : [],
    z: 5,
    itemStyle: {color: colours.star, borderColor: "#fff", borderWidth: 1.5},
  };
}

function cellTip(cell, sweep, view) {
  const {row} = cell;
  const lines = [...new Set([view.metric, view.objective, "ttft_p99", "tpot_p99"])]
    .filter((name) => sweep.metrics.includes(name))
    .map((name) => [metricLabel(name), figure(row.metrics[name])]);
  const others = cell.points > 1 ? `, the best of ${cell.points} here` : "";
  return tip(settingsText(row, sweep.parameters), [
    ["", resultText(row)],
    ...lines,
    ["", `point ${row.number}${others}`],
  ]);
}

/** What the map shows at first: pool sizes if they vary, else what takes most values. */
function firstView(many, objectives) {
  const counts = many.filter(([name]) => /^pools\[\d+\]\.count$/.test(name));
  const most = [...many].sort((a, b) => b[1].length - a[1].length);
  const [[x], [y]] = counts.length >= 2 ? counts : most;
  return {x, y, metric: objectives[0][0], objective: objectives[0][0], fixed: {}};
}

/** `first`: what the map shows at first, where that is not the usual. */
function heatSection(sweep, first = {}) {
  const many = sweep.parameters
    .map((name) => [name, distinct(sweep.rows.map((row) => row.parameters[name]))])
    .filter(([, values]) => values.length > 1);
  if (many.length < 2 || sweep.metrics.length === 0) return null;
  const objectives = kObjectives
    .map(([, words, names]) => [objectiveMetric(sweep, names), words])
    .filter(([metric]) => metric);
  if (objectives.length === 0) objectives.push([sweep.metrics[0], metricLabel(sweep.metrics[0])]);
  const view = {...firstView(many, objectives), ...first};
  const title = () => `${metricLabel(view.metric)} by ${view.x} and ${view.y}`;
  const value = (cell) => cell.row.metrics[view.metric];
  const chart = makeChart({
    title: title(),
    note:
      "Coloured cells keep the objective; the others say which limit breaks most. " +
      "The star is the optimum.",
    wide: true,
    height: 520,
    option: (colours) => heatOption(colours, sweep, view),
    columns: [
      {name: "Settings", value: (cell) => settingsText(cell.row, sweep.parameters)},
      {name: "Result", value: (cell) => resultText(cell.row)},
      {name: "Value shown", value, show: figure, number: true},
    ],
    rows: () => cellsOf(sweep, view).cells,
  });
  const controls = heatControls(sweep, many, objectives, view, () => chart.update(title()));
  return el("section", {}, el("h2", {}, "Design space"), controls, chart);
}

/** The choices above the map; they stay in place, so that the keyboard's focus does too. */
function heatControls(sweep, many, objectives, view, changed) {
  const names = many.map(([name]) => [name, name]);
  const metrics = sweep.metrics.map((name) => [name, metricLabel(name)]);
  const others = el("div", {class: "controls"});
  const fix = (name, values) => {
    const choices = [
      ["", "any (the best)"],
      ...values.map((value) => [plain(value), plain(value)]),
    ];
    return choice(name, choices, view.fixed[name], (value) => {
      view.fixed[name] = value;
      changed();
    });
  };
  const axesChanged = () => {
    const rest = many.filter(([name]) => name !== view.x && name !== view.y);
    view.fixed = Object.fromEntries(rest.map(([name]) => [name, view.fixed[name] || ""]));
    others.replaceChildren(...rest.map(([name, values]) => fix(name, values)));
    changed();
  };
  const axis = (key, other) => (value) => {
    // One parameter on both axes: the other axis takes what this one had.
    if (view[other] === value) view[other] = view[key];
    view[key] = value;
    across.querySelector("select").value = view.x;
    up.querySelector("select").value = view.y;
    axesChanged();
  };
  const set = (key) => (value) => {
    view[key] = value;
    changed();
  };
  const across = choice("Across", names, view.x, axis("x", "y"));
  const up = choice("Up", names, view.y, axis("y", "x"));
  const colour = choice("Colour", metrics, view.metric, set("metric"));
  const optimum = choice("Optimum", objectives, view.objective, set("objective"));
  axesChanged();
  return [el("div", {class: "controls"}, across, up, colour, optimum), others];
}
