// The page of measured runs beside their simulations.

const kColourings = [
  ["llm", "LLM"],
  ["gpu", "GPU"],
  ["engine", "engine"],
  ["layout", "layout"],
  ["load", "load"],
];
const kSymbols = ["circle", "triangle", "diamond", "rect"];
const kErrorFigures = [
  ["tpot", "TPOT"],
  ["ttft", "TTFT"],
  ["e2e", "E2E"],
  ["throughput", "throughput"],
];

const milliseconds = (value) => `${figure(value * 1000)} ms`;
const signedPercent = (value) =>
  isNumber(value) ? `${value < 0 ? "-" : "+"}${percent(Math.abs(value))}` : "-";

function medianOf(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** "TPOT is off by 8 % in the median, 3 % too short", of all runs that have one. */
function errorSentence(points, key, label) {
  const errors = points.map((point) => point[`${key}_error`]).filter(isNumber);
  if (errors.length === 0) return null;
  const bias = medianOf(errors);
  const side = bias < 0 ? "below" : "above";
  return (
    `${label} is off by ${percent(medianOf(errors.map(Math.abs)))} in the median of ` +
    `${plural(errors.length, "run")}, ${percent(Math.abs(bias))} ${side} what was measured`
  );
}

function validationAnswer(results) {
  const sentences = [
    errorSentence(results.points, "tpot", "TPOT"),
    errorSentence(results.points, "ttft", "TTFT"),
  ].filter((sentence) => sentence);
  return el(
    "p",
    {class: "answer"},
    `${count(results.covered)} of ${plural(results.rows, "measured run")} can be described. `,
    sentences.map((sentence) => `${sentence}. `),
  );
}

/** The runs that have both values, by what they are coloured by; the most frequent first. */
function colouredGroups(points, colouring) {
  const groups = new Map();
  for (const point of points) {
    const name = point[colouring] || "not said";
    if (!groups.has(name)) groups.set(name, []);
    groups.get(name).push(point);
  }
  const sorted = [...groups].sort((a, b) => b[1].length - a[1].length);
  const most = kLight.series.length * kSymbols.length - 1;
  const rest = sorted.slice(most).flatMap(([, members]) => members);
  return rest.length > 0 ? [...sorted.slice(0, most), ["others", rest]] : sorted;
}

const hasBoth = (key) => (point) =>
  point[`measured_${key}_s`] > 0 && point[`predicted_${key}_s`] > 0;

/** Powers of 2 around the values, or of 10 where those would be too many for an axis. */
function powersAround(values) {
  const least = Math.min(...values);
  const most = Math.max(...values);
  const kManyDoublings = 256;
  const base = most > kManyDoublings * least ? 10 : 2;
  const power = (value) => Math.log(value) / Math.log(base);
  const first = Math.floor(power(least));
  return {base, least: base ** first, most: base ** Math.max(Math.ceil(power(most)), first + 1)};
}

/** Where both are equal, and where they are so far off. */
const kBands = [
  [0, "solid"],
  [-0.1, "dashed"],
  [0.1, "dashed"],
  [-0.3, "dotted"],
  [0.3, "dotted"],
];

function scatterOption(colours, points, key, label, colouring) {
  const {axis, option} = basicOption(colours);
  const drawn = points.filter(hasBoth(key));
  const place = (point) => ({
    value: [point[`measured_${key}_s`] * 1000, point[`predicted_${key}_s`] * 1000],
    point,
  });
  const {base, least, most} = powersAround(drawn.flatMap((point) => place(point).value));
  const scaled = {
    ...axis,
    type: "log",
    logBase: base,
    min: least,
    max: most,
    axisLabel: {...axis.axisLabel, formatter: (value) => figure(value)},
  };
  option.xAxis = {...scaled, name: `measured ${label} (ms)`, nameGap: 28};
  option.yAxis = {...scaled, name: `predicted ${label} (ms)`, nameGap: 56};
  option.grid.left = 80;
  option.tooltip.trigger = "item";
  option.tooltip.formatter = (item) => runTip(item.data.point, key);
  const groups = colouredGroups(drawn, colouring);
  option.legend.data = groups.map(([name]) => name);
  option.series = groups.map(([name, members], i) => ({
    name,
    type: "scatter",
    symbol: kSymbols[Math.floor(i / colours.series.length) % kSymbols.length],
    symbolSize: 8,
    color: colours.series[i % colours.series.length],
    itemStyle: {opacity: 0.75},
    data: members.map(place),
  }));
  for (const [off, style] of kBands) {
    option.series.push({
      name: signedPercent(off),
      type: "line",
      silent: true,
      symbol: "none",
      color: colours.muted,
      lineStyle: {width: 1, type: style},
      data: [
        [least, least * (1 + off)],
        [most, most * (1 + off)],
      ],
    });
  }
  return option;
}

function runTip(point, key) {
  const said = kColourings.map(([name, label]) => [label, point[name]]).filter(([, text]) => text);
  return tip(point.id, [
    ["measured", milliseconds(point[`measured_${key}_s`])],
    ["predicted", milliseconds(point[`predicted_${key}_s`])],
    ["error", signedPercent(point[`${key}_error`])],
    ...said,
    ...(point.assumed ? [["assumed", point.assumed]] : []),
  ]);
}

function scatterChart(results, key, label, view) {
  if (!results.points.some(hasBoth(key))) return null;
  return makeChart({
    title: `${label}: predicted against measured`,
    note: "on the line both are equal; dashed are 10 %, dotted 30 % off",
    height: 440,
    option: (colours) => scatterOption(colours, results.points, key, label, view.colouring),
    columns: [
      {name: "Run", value: (point) => point.id},
      {
        name: "Measured",
        value: (point) => point[`measured_${key}_s`],
        show: milliseconds,
        number: true,
      },
      {
        name: "Predicted",
        value: (point) => point[`predicted_${key}_s`],
        show: milliseconds,
        number: true,
      },
      {name: "Error", value: (point) => point[`${key}_error`], show: signedPercent, number: true},
    ],
    rows: results.points.filter(hasBoth(key)),
  });
}

function scatterSection(results) {
  const choices = kColourings.filter(([key]) => results.points.some((point) => point[key]));
  const view = {colouring: choices.length > 0 ? choices[0][0] : "load"};
  const scatters = [
    scatterChart(results, "tpot", "TPOT", view),
    scatterChart(results, "ttft", "TTFT", view),
  ].filter((chart) => chart);
  if (scatters.length === 0) return null;
  const change = (chosen) => {
    view.colouring = chosen;
    for (const chart of scatters) chart.update();
  };
  return el(
    "section",
    {},
    el("h2", {}, "Every run"),
    el("div", {class: "controls"}, choice("Coloured by", choices, view.colouring, change)),
    el("div", {class: "charts"}, scatters),
  );
}

function groupsSection(results) {
  const columns = [
    {name: "Group", value: (group) => group.name},
    {name: "Runs", value: (group) => group.covered, show: count, number: true},
  ];
  for (const [key, label] of kErrorFigures) {
    if (!results.groups.some((group) => group[key])) continue;
    const of = (figureName) => (group) => (group[key] ? group[key][figureName] : null);
    columns.push(
      {name: `${label}, median`, value: of("median"), show: percent, number: true},
      {name: "mean", value: of("mean"), show: percent, number: true},
      {name: "P90", value: of("p90"), show: percent, number: true},
      {name: "bias", value: of("bias"), show: signedPercent, number: true},
    );
  }
  return el(
    "section",
    {},
    el("h2", {}, "Errors by group"),
    makeTable("Absolute errors; bias is the median of the signed", columns, results.groups, {
      sortable: true,
    }),
  );
}

function notDescribedSection(results) {
  if (results.not_described.length === 0) return null;
  const columns = [
    {name: "Why", value: (reason) => reason.why},
    {name: "Runs", value: (reason) => reason.rows, show: count, number: true},
  ];
  return el(
    "section",
    {},
    el("h2", {}, "Not described"),
    makeTable("Runs that were not simulated", columns, results.not_described, {}),
  );
}

function validationPage(results) {
  return [
    el("h1", {}, `How near are simulations to ${plural(results.rows, "measured run")}?`),
    validationAnswer(results),
    scatterSection(results),
    groupsSection(results),
    notDescribedSection(results),
  ];
}
