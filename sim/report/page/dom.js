// Names from scenarios and traces come in as data: everything is put on the page as text nodes.

/** An element with attributes; children are elements or text, null is left out. */
function el(tag, attributes, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes || {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) {
      element.addEventListener(name.slice(2), value);
    } else {
      element.setAttribute(name, value === true ? "" : String(value));
    }
  }
  for (const child of children.flat(Infinity)) {
    if (child === null || child === undefined) continue;
    element.append(child instanceof Node ? child : document.createTextNode(String(child)));
  }
  return element;
}

const isNumber = (value) => typeof value === "number" && Number.isFinite(value);
const digits = new Intl.NumberFormat("en", {maximumSignificantDigits: 4});
const whole = new Intl.NumberFormat("en", {maximumFractionDigits: 0});

/** A number with four significant digits, as the terminal shows it. */
function figure(value) {
  if (!isNumber(value)) return "-";
  if (Math.abs(value) >= 1000) return whole.format(value);
  if (value !== 0 && Math.abs(value) < 1e-4) return value.toExponential(2);
  return digits.format(value);
}
const count = (value) => (isNumber(value) ? whole.format(value) : "-");
const hundredths = new Intl.NumberFormat("en", {maximumFractionDigits: 2});
const percent = (value) => (isNumber(value) ? `${hundredths.format(value * 100)} %` : "-");
const kClockResolutionS = 1e-9;
/** A time without a unit; differences below the clock's resolution are none. */
const inSeconds = (value) =>
  figure(isNumber(value) && Math.abs(value) < kClockResolutionS ? 0 : value);
const seconds = (value) => {
  if (!isNumber(value)) return "-";
  if (Math.abs(value) < kClockResolutionS) return "0 s";
  return Math.abs(value) < 1 ? `${figure(value * 1000)} ms` : `${figure(value)} s`;
};
const plural = (n, one, many) => `${count(n)} ${n === 1 ? one : many || one + "s"}`;

/** That power is estimated, and what that rests on. */
const powerSentence = (howSure) => `Power is estimated${howSure ? `: ${howSure}` : ""}.`;

/** That latencies are estimated, and how far such estimates were from measurements. */
const estimatedSentence = (howSure) =>
  `Latencies are estimated, not fitted from measurements${howSure ? `: ${howSure}` : ""}.`;

/** Any value of a scenario or result as text. */
function plain(value) {
  if (value === null || value === undefined) return "-";
  if (isNumber(value)) return Number.isInteger(value) ? String(value) : figure(value);
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}

/** Says something to screen readers. */
function announce(text) {
  document.getElementById("announcement").textContent = text;
}

/** Order of values of one column: numbers by size, then text, then what is missing. */
function compareValues(a, b) {
  const rank = (value) => (isNumber(value) ? 0 : value === null || value === undefined ? 2 : 1);
  if (rank(a) !== rank(b)) return rank(a) - rank(b);
  return rank(a) === 0 ? a - b : String(a).localeCompare(String(b), "en", {numeric: true});
}

/**
 * A table. Columns: {name, value(row), show(value, row), number}; show gives text or an element.
 * With options.sortable the headings are buttons; at most `most` rows stand on the page until a
 * button asks for more. element.show(rows) replaces the rows.
 */
function makeTable(caption, columns, rows, options = {}) {
  const most = options.most || 200;
  const body = el("tbody");
  const more = el("button", {class: "more", type: "button"}, "Show all rows");
  const state = {rows, sorted: null, down: false, limit: most};
  const fill = () => {
    let shown = state.rows;
    if (state.sorted) {
      const value = state.sorted.value;
      shown = [...shown].sort((a, b) => compareValues(value(a), value(b)) * (state.down ? -1 : 1));
    }
    body.replaceChildren(
      ...shown.slice(0, state.limit).map((row) => makeRow(columns, row, options)),
    );
    more.hidden = shown.length <= state.limit;
    more.textContent = `Show all ${count(shown.length)} rows`;
  };
  more.addEventListener("click", () => {
    state.limit = Infinity;
    fill();
  });
  const headings = columns.map((column) => {
    const heading = el("th", {scope: "col", class: column.number ? "number" : null});
    if (!options.sortable) {
      heading.textContent = column.name;
      return heading;
    }
    heading.append(
      el(
        "button",
        {
          type: "button",
          onclick: () => {
            state.down = state.sorted === column ? !state.down : false;
            state.sorted = column;
            headings.forEach((other) => other.removeAttribute("aria-sort"));
            heading.setAttribute("aria-sort", state.down ? "descending" : "ascending");
            fill();
          },
        },
        column.name,
      ),
    );
    return heading;
  });
  fill();
  const table = el(
    "table",
    {},
    el("caption", {}, caption),
    el("thead", {}, el("tr", {}, headings)),
    body,
  );
  const element = el("div", {}, el("div", {class: "scroll"}, table), more);
  element.show = (replaced) => {
    state.rows = replaced;
    fill();
  };
  return element;
}

function makeRow(columns, row, options) {
  const marked = options.marked && options.marked(row);
  return el(
    "tr",
    {class: marked ? "marked" : null},
    columns.map((column, i) => {
      const value = column.value(row);
      const shown = column.show ? column.show(value, row) : plain(value);
      const tag = i === 0 && !options.noRowHeading ? "th" : "td";
      return el(
        tag,
        {class: column.number ? "number" : null, scope: tag === "th" ? "row" : null},
        shown,
      );
    }),
  );
}

/** A labelled choice; `choices` are [value, label] pairs. */
function choice(label, choices, chosen, change) {
  const select = el(
    "select",
    {onchange: () => change(select.value)},
    choices.map(([value, text]) => el("option", {value, selected: value === chosen}, text)),
  );
  return el("label", {}, label, select);
}
