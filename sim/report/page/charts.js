const kLight = {
  text: "#1b1f24",
  muted: "#57606a",
  line: "#d0d7de",
  page: "#ffffff",
  bad: "#b42318",
  offText: "#3d2a2a",
  broken: ["#f3c9c4", "#f7dcb5", "#dccdf0", "#cfe3ea", "#d8dbdf"],
  series: ["#0b62a4", "#c2410c", "#15803d", "#7e22ce", "#8a6100", "#0e7490"],
  ramp: ["#fff3b0", "#7fc8a9", "#2a7f9e", "#24306e"],
  star: "#b42318",
};
const kDark = {
  text: "#e6edf3",
  muted: "#9aa4af",
  line: "#3a424c",
  page: "#0d1117",
  bad: "#ff8a80",
  offText: "#e6dada",
  broken: ["#57302d", "#574118", "#42335c", "#1f4854", "#30363d"],
  series: ["#58a6ff", "#fb923c", "#4ade80", "#c084fc", "#facc15", "#22d3ee"],
  ramp: ["#2b2f77", "#2a7f9e", "#7fc8a9", "#fff3b0"],
  star: "#ff8a80",
};
const kDashes = ["solid", "dashed", "dotted"];
const kPrintedWidth = 660;
const hasLibrary = typeof echarts !== "undefined";
const darkWanted = window.matchMedia("(prefers-color-scheme: dark)");

/** Every chart of the page, in its order. */
const charts = [];
let printing = false;

const palette = () => (darkWanted.matches && !printing ? kDark : kLight);

/**
 * A chart with its caption and, folded away, its numbers. `parts`: title, note, wide, height,
 * option(palette) of ECharts, columns and rows of the table (rows may be a function).
 * figure.update() draws it again after its data changed.
 */
function makeChart(parts) {
  const canvas = el("div", {
    class: "canvas",
    tabindex: 0,
    role: "img",
    "aria-label":
      `Chart: ${parts.title}. ${parts.note || ""} ` +
      "Arrow keys read the values; the table below has all of them.",
  });
  canvas.style.height = `${parts.height || 300}px`;
  const numbers = foldedNumbers(parts);
  const note = el("span", {class: "note"}, parts.note || "");
  const figureElement = el(
    "figure",
    {class: parts.wide ? "wide" : null},
    el("figcaption", {}, parts.title, note),
    hasLibrary ? canvas : null,
    numbers,
  );
  if (!hasLibrary) numbers.open = true;
  const chart = {parts, canvas, drawn: null, at: -1};
  if (hasLibrary) {
    charts.push(chart);
    canvas.addEventListener("keydown", (event) => readWithKeys(chart, event));
  }
  figureElement.update = (title, text) => {
    if (title) figureElement.querySelector("figcaption").firstChild.textContent = title;
    if (text !== undefined) note.textContent = text;
    numbers.refresh();
    draw(chart);
  };
  return figureElement;
}

/** The numbers behind a chart; the table is made when it is first unfolded. */
function foldedNumbers(parts) {
  const details = el("details", {}, el("summary", {}, "Numbers"));
  details.refresh = () => {
    details.querySelector("div")?.remove();
    if (!details.open) return;
    const rows = typeof parts.rows === "function" ? parts.rows() : parts.rows;
    details.append(makeTable(parts.title, parts.columns, rows, {most: 100}));
  };
  details.addEventListener("toggle", details.refresh);
  return details;
}

/** The tooltip's element: a heading and lines of [name, value]. Never HTML. */
function tip(heading, lines) {
  return el(
    "div",
    {class: "tip"},
    el("b", {}, heading),
    lines.map(([name, value]) => el("div", {}, name ? `${name}: ${value}` : value)),
  );
}

/** What all charts share. */
function basicOption(colours) {
  const axis = {
    axisLine: {lineStyle: {color: colours.muted}},
    axisLabel: {color: colours.muted, hideOverlap: true},
    splitLine: {lineStyle: {color: colours.line}},
    nameTextStyle: {color: colours.muted},
    nameLocation: "middle",
  };
  return {
    axis,
    option: {
      animation: false,
      color: colours.series,
      textStyle: {color: colours.text, fontFamily: "system-ui, DejaVu Sans, sans-serif"},
      grid: {left: 66, right: 24, top: 40, bottom: 48},
      legend: {
        top: 4,
        type: "scroll",
        textStyle: {color: colours.text},
        itemWidth: 26,
        pageTextStyle: {color: colours.text},
      },
      tooltip: {
        trigger: "axis",
        confine: true,
        backgroundColor: colours.page,
        borderColor: colours.muted,
        textStyle: {color: colours.text},
      },
    },
  };
}

/**
 * Lines over a numeric axis. `lines`: {name, points: [[x, y]...], step, marks: [{x, y, name}]}.
 * `x` and `y`: {name, unit, show(value)}.
 */
function lineOption(colours, lines, x, y) {
  const {axis, option} = basicOption(colours);
  const label = (of) => (of.unit ? `${of.name} (${of.unit})` : of.name);
  option.xAxis = {
    ...axis,
    type: "value",
    name: label(x),
    nameGap: 28,
    min: x.min ?? null,
    max: x.max ?? null,
    axisLabel: {
      ...axis.axisLabel,
      showMaxLabel: x.max ? false : null,
      formatter: (value) => figure(value),
    },
  };
  option.yAxis = {
    ...axis,
    type: "value",
    name: label(y),
    nameGap: 50,
    min: y.min ?? null,
    max: y.max ?? null,
    axisLabel: {...axis.axisLabel, formatter: (value) => figure(value)},
  };
  option.series = lines.map((line, i) => ({
    name: line.name,
    type: "line",
    data: line.points,
    symbol: "none",
    step: line.step ? "end" : false,
    sampling: "lttb",
    lineStyle: {width: 2, type: kDashes[Math.floor(i / 2) % kDashes.length]},
    markPoint: marks(colours, line.marks),
  }));
  option.tooltip.formatter = (points) =>
    tip(
      `${x.name} ${x.show(points[0].value[0])}`,
      points.map((point) => [point.seriesName, y.show(point.value[1])]),
    );
  if (lines.length < 2) option.legend.show = false;
  return option;
}

/** Limits of an objective: a point that the line must pass on its left. */
function marks(colours, list) {
  if (!list || list.length === 0) return undefined;
  return {
    symbol: "diamond",
    symbolSize: 12,
    itemStyle: {color: colours.bad},
    label: {
      color: colours.text,
      position: "right",
      formatter: (mark) => mark.name,
      textBorderColor: colours.page,
      textBorderWidth: 3,
    },
    // At the right edge there is room on the left only, below the line.
    data: list.map((mark) => ({
      name: mark.name,
      coord: [mark.x, mark.y],
      label: mark.y > 0.95 ? {position: "bottom"} : {},
    })),
  };
}

function draw(chart) {
  if (!hasLibrary || !chart.canvas.isConnected) return;
  if (!chart.drawn) chart.drawn = echarts.init(chart.canvas, null, {renderer: "svg"});
  chart.drawn.setOption(chart.parts.option(palette()), {notMerge: true});
}

/** Left and right step through the points of the first series, with tooltip and announcement. */
function readWithKeys(chart, event) {
  const step = {ArrowRight: 1, ArrowLeft: -1, PageDown: 20, PageUp: -20}[event.key];
  if (event.key === "Escape") {
    chart.drawn.dispatchAction({type: "hideTip"});
    return;
  }
  if (!step) return;
  event.preventDefault();
  const data = chart.drawn.getOption().series[0].data;
  chart.at = Math.max(0, Math.min(data.length - 1, chart.at + step));
  chart.drawn.dispatchAction({type: "showTip", seriesIndex: 0, dataIndex: chart.at});
  const shown = chart.canvas.querySelector(".tip");
  if (shown) announce([...shown.children].map((line) => line.textContent).join("; "));
}

function drawAll() {
  for (const chart of charts) draw(chart);
}

/** Paper is white, and as wide as paper is. */
function preparePrint(begins) {
  printing = begins;
  for (const chart of charts) {
    if (!chart.drawn) continue;
    chart.drawn.resize({width: begins ? kPrintedWidth : "auto"});
    draw(chart);
  }
}

function watchWindow() {
  darkWanted.addEventListener("change", drawAll);
  window.addEventListener("beforeprint", () => preparePrint(true));
  window.addEventListener("afterprint", () => preparePrint(false));
  let width = window.innerWidth;
  window.addEventListener("resize", () => {
    if (printing || window.innerWidth === width) return;
    width = window.innerWidth;
    for (const chart of charts) chart.drawn?.resize();
  });
}
