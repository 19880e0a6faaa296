// Several plans side by side: what each takes, and the best of each of its designs.

/** The best of each design of all plans; a plan without an answer has a row that says why. */
function planRows(plans) {
  return plans.flatMap((plan) => {
    const rows = plan.designs?.length ? plan.designs : [];
    const best = (found) =>
      plan.optimum && sizesText(found) === sizesText(plan.optimum) && found.design === plan.optimum.design;
    return [
      ...rows.map((found) => ({plan, found, best: best(found)})),
      ...plan.infeasible.map((found) => ({plan, found, best: false})),
    ];
  });
}

function plansTable(caption, rows) {
  const columns = foundColumns(({found}) => found);
  return makeTable(
    caption,
    [
      {name: "Plan", value: ({plan}) => plan.name},
      columns.design,
      columns.machines,
      ...columns.figures,
    ],
    rows,
    {sortable: true, marked: (row) => row.best},
  );
}

/** Bars of one figure, a plan's design each; the answers of the plans in the first colour. */
function plansChart(rows, title, unit, value) {
  const drawn = rows.filter(({found}) => isNumber(value(found)));
  const label = ({plan, found}) => `${plan.name}: ${found.design}`;
  return makeChart({
    title: `${title} (${unit})`,
    note: "the best of each design; answers of the plans in the first colour",
    height: Math.max(160, 70 + 30 * drawn.length),
    option: (colours) => {
      const {axis, option} = basicOption(colours);
      option.legend.show = false;
      option.grid = {left: 30, right: 56, top: 10, bottom: 30, containLabel: true};
      option.tooltip.trigger = "item";
      option.tooltip.formatter = ({data}) =>
        tip(label(data.row), [[title, `${figure(data.value)} ${unit}`], [null, machinesText(data.row.found)]]);
      option.xAxis = {...axis, type: "value", axisLabel: {...axis.axisLabel, formatter: figure}};
      option.yAxis = {
        ...axis,
        type: "category",
        inverse: true,
        data: drawn.map(label),
        axisLabel: {...axis.axisLabel, width: 150, overflow: "truncate"},
      };
      option.series = [
        {
          type: "bar",
          barMaxWidth: 22,
          label: {show: true, position: "right", color: colours.text, formatter: ({value: v}) => figure(v)},
          data: drawn.map((row) => ({
            value: value(row.found),
            row,
            itemStyle: {color: row.best ? colours.series[0] : colours.muted},
          })),
        },
      ];
      return option;
    },
    columns: [
      {name: "Design", value: label},
      {name: `${title} (${unit})`, value: ({found}) => value(found), show: figure, number: true},
    ],
    rows: drawn,
  });
}

function plansAnswer(plans) {
  const answered = plans.filter((plan) => plan.optimum);
  const price = (plan) => plan.optimum.cost_per_hour ?? Infinity;
  if (answered.length === 0) {
    return el("p", {class: "answer no"}, el("strong", {}, "None"), " of these plans has an answer.");
  }
  const best = answered.reduce((least, plan) => (price(plan) < price(least) ? plan : least));
  return el(
    "p",
    {class: "answer yes"},
    el("strong", {}, `${answered.length} of ${plans.length}`),
    ` ${answered.length === 1 ? "has" : "have"} an answer. The cheapest: ${best.name}, `,
    `${sizesText(best.optimum)}, ${dollars(best.optimum.cost_per_hour)} for `,
    `${figure(best.optimum.rate_rps)} requests/s.`,
  );
}

/** A plan in words, folded: its question, its answer, how sure that is. */
const planInWords = (plan) =>
  el(
    "section",
    {},
    el("h3", {}, plan.name),
    el("p", {}, planQuestion(plan)),
    planFacts(plan),
    planAnswer(plan),
  );

function plansPage({plans, sources}) {
  const rows = planRows(plans);
  return [
    el("h1", {}, `What do ${plans.map((plan) => plan.name).join(", ")} take?`),
    plansAnswer(plans),
    el(
      "section",
      {},
      el("h2", {}, "Best of each design"),
      plansTable("The answers of the plans are marked", rows),
      el(
        "div",
        {class: "charts"},
        plansChart(rows, "Machines", "number", (found) => found.machines),
        plansChart(rows, "Price", "$/h", (found) => found.cost_per_hour),
        plansChart(rows, "Price of tokens", "$ per million", (found) => found.cost_per_million_tokens),
        plansChart(rows, "Provisioned power", "kW", (found) => found.provisioned_w / 1000),
      ),
    ),
    el("section", {}, el("h2", {}, "The plans"), plans.map(planInWords)),
    sourcesSection(sources),
  ];
}
