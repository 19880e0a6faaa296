// The table of a sweep's points.

/**
 * Whether a row passes a filter: words that must all hold. "name<5", "name=text" compare a
 * parameter or metric; any other word must stand in the row's settings or its result.
 */
function rowFilter(text) {
  const tests = text
    .trim()
    .split(/\s+/)
    .filter((word) => word)
    .map((word) => {
      const parts = /^(.+?)(<=|>=|!=|=|<|>)(.+)$/.exec(word);
      if (!parts) {
        return (row) =>
          `${settingsText(row, Object.keys(row.parameters))} ${brokenText(row)}`
            .toLowerCase()
            .includes(word.toLowerCase());
      }
      const [, name, comparison, wanted] = parts;
      return (row) => passes(row.parameters[name] ?? row.metrics[name] ?? null, comparison, wanted);
    });
  return (row) => tests.every((test) => test(row));
}

function passes(value, comparison, wanted) {
  if (value === null) return false;
  const number = Number(wanted);
  const order =
    isNumber(value) && !Number.isNaN(number)
      ? value - number
      : plain(value).localeCompare(wanted, "en", {numeric: true});
  return {
    "<": order < 0,
    "<=": order <= 0,
    ">": order > 0,
    ">=": order >= 0,
    "=": order === 0,
    "!=": order !== 0,
  }[comparison];
}

function pointColumns(sweep) {
  const shown = kTableMetrics.filter((name) => sweep.metrics.includes(name));
  const numeric = (name) => sweep.rows.every((row) => isNumber(row.parameters[name]));
  return [
    {name: "Point", value: (row) => row.number},
    ...sweep.parameters.map((name) => ({
      name,
      value: (row) => row.parameters[name],
      number: numeric(name),
    })),
    {
      name: "Result",
      value: resultText,
      show: (text, row) => el("span", {class: `result ${row.feasible ? "good" : "bad"}`}, text),
    },
    ...shown.map((name) => ({
      name: metricLabel(name),
      value: (row) => row.metrics[name],
      show: figure,
      number: true,
    })),
  ];
}

/** `optimum`: the objective of kObjectives whose best point is marked. */
function pointsSection(sweep, title = "Points", optimum = "cost") {
  const [, words, names] = kObjectives.find(([name]) => name === optimum);
  const best = bestBy(sweep.rows, objectiveMetric(sweep, names) || sweep.metrics[0]);
  const table = makeTable(
    `All points; the headings sort; the marked row keeps the objective with the ${words}`,
    pointColumns(sweep),
    sweep.rows,
    {sortable: true, marked: (row) => row === best},
  );
  const found = el("span", {role: "status"}, plural(sweep.rows.length, "point"));
  const only = el("input", {type: "checkbox", id: "only-feasible"});
  const search = el("input", {
    type: "search",
    id: "filter",
    placeholder: `${sweep.parameters[0] || "cost_per_hour"}>=10 ttft`,
  });
  const apply = () => {
    const wanted = rowFilter(search.value);
    const rows = sweep.rows.filter((row) => (!only.checked || row.feasible) && wanted(row));
    table.show(rows);
    found.textContent = `${count(rows.length)} of ${plural(sweep.rows.length, "point")}`;
  };
  only.addEventListener("change", apply);
  search.addEventListener("input", apply);
  return el(
    "section",
    {},
    el("h2", {}, title),
    el(
      "div",
      {class: "controls"},
      el("label", {}, "Filter: words, or conditions such as name>=10", search),
      el("label", {class: "check"}, only, "only points that keep the objective"),
      found,
    ),
    table,
    el(
      "details",
      {},
      el("summary", {}, "Names that conditions may use"),
      el("p", {}, [...sweep.parameters, ...sweep.metrics, "slo_broken"].join(", ")),
    ),
  );
}
