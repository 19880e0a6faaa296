// The page of a plan.

const kGoals = {
  cost: "the cheapest cluster",
  power: "the cluster of the least power",
  machines: "the cluster of the fewest machines",
  throughput: "the cluster of the most throughput",
};

/** Limits as people write them: "tpot p90" is TPOT P90. */
const limitText = (name) => (/^(ttft|tpot|itl|e2e) p/.test(name) ? name.toUpperCase() : name);
const breaksText = (breaks) =>
  breaks.length > 0 ? `breaks ${breaks.map(limitText).join(", ")}` : "still holds";
/** "tp4 pp2"; "" where an older answer does not say. */
const degreesText = (tensor, stages) =>
  isNumber(tensor) ? `tp${tensor}${stages > 1 ? ` pp${stages}` : ""}` : "";
function poolText(pool) {
  const degrees = degreesText(pool.tensor_parallel, pool.pipeline_parallel);
  return `${count(pool.count)} ${pool.role} ${pool.machine} ${degrees}`.trim();
}
const sizesText = (found) => found.pools.map(poolText).join(" + ");
/** "tp8 + tp4", of what was simulated. */
const parallelismText = (candidate) =>
  (candidate.tensor_parallel || [])
    .map((tensor, i) => degreesText(tensor, candidate.pipeline_parallel[i]))
    .join(" + ");
const foundParallelism = (found) =>
  found.pools
    .map((pool) => degreesText(pool.tensor_parallel, pool.pipeline_parallel))
    .filter((text) => text)
    .join(" + ");
const kilowatts = (watts) => `${figure(watts / 1000)} kW`;
/** By how much the limit that comes nearest could tighten. */
const headroomText = (margin) => percent(margin - 1);

function budgetText(budget) {
  const parts = [
    budget.cost_per_hour ? `${figure(budget.cost_per_hour)} $/h` : null,
    budget.power_w ? kilowatts(budget.power_w) : null,
  ].filter((part) => part);
  return parts.length > 0 ? `within ${parts.join(" and ")} ` : "";
}

function planQuestion(plan) {
  const {workload, llm, slo} = plan.scenario;
  const name = (value, other) => (typeof value === "string" ? value : other);
  const traffic = [...trafficParts(workload), " to ", profileName(llm, "its own LLM")];
  const designs = new Set(plan.candidates.map((candidate) => candidate.design));
  const rate = plan.goal === "throughput" ? "" : `${figure(workload.rate_rps)} requests/s of `;
  return [
    `Which is ${kGoals[plan.goal]} for ${rate}`,
    ...traffic,
    ` ${budgetText(plan.budget)}` +
      (plan.slo ? `within ${objectiveText(plan.slo)}, ` : `under the objective ${name(slo, "of its own")}, `) +
      `of ${plural(designs.size, "design")}?`,
  ];
}

/** The limit of the optimum that is nearest to breaking. */
function boundText(slo) {
  if (!slo) return "";
  const worst = tightest(slo);
  return (
    ` Nearest to its limit: ${limitName(worst)}, ${limitValue(worst, worst.value)} of at most ` +
    `${limitValue(worst, worst.limit)}.`
  );
}

/** How sure it is that the answer holds. */
function verifiedText({verified}) {
  const seeds = verified.seeds === 1 ? "one seed" : `each of ${count(verified.seeds)} seeds`;
  return (
    `Verified in a run of ${figure(verified.duration_s)} s, at least ` +
    `${count(verified.times_e2e_p99)} times E2E P99, with ${seeds}: every limit holds and no ` +
    "requests pile up."
  );
}

/** What it takes where estimated latencies turn out as long as they may. */
function sureText(sure) {
  if (!sure) return "";
  const found = sure.optimum;
  if (!found) return ` Nothing is ${percent(sure.confidence)} sure: ${sure.why}.`;
  return (
    ` To be ${percent(sure.confidence)} sure: ${sizesText(found)}, ${dollars(found.cost_per_hour)} ` +
    `for ${figure(found.rate_rps)} requests/s (latencies ${figure(sure.longer)} times as long).`
  );
}

function planAnswer(plan) {
  const best = plan.optimum;
  if (!best) {
    const why = plan.infeasible.map((one) => `${one.design}: ${one.why}`).join("; ");
    return el("p", {class: "answer no"}, el("strong", {}, "None"), `: ${why}.`);
  }
  return el(
    "p",
    {class: "answer yes"},
    el("strong", {}, sizesText(best)),
    ` (${best.design}, scheduler ${best.scheduler}): ${dollars(best.cost_per_hour)} and ` +
      `${kilowatts(best.provisioned_w)} provisioned for ${figure(best.rate_rps)} requests/s. `,
    best.estimated ? `${estimatedSentence(best.how_sure)} ` : "",
    `${verifiedText(best)}${boundText(plan.slo)}${sureText(plan.sure)}`,
  );
}

function planFigures(plan) {
  const best = plan.optimum;
  if (!best) return null;
  const items = [
    [count(best.machines), "machines"],
    [dollars(best.cost_per_hour), plan.prices ? `price, of ${plan.prices}` : "price"],
    [`${figure(best.cost_per_million_tokens)} $`, "per million tokens"],
    [`${figure(best.cost_per_million_output_tokens)} $`, "per million output tokens"],
    [kilowatts(best.provisioned_w), "provisioned"],
    [`${figure(best.rate_rps)} requests/s`, "rate"],
    [headroomText(best.margin), "left of the nearest limit"],
    [count(plan.ties.length - 1), "other sizes as good"],
    [count(plan.simulations), "simulations"],
    [`${figure(best.verified.duration_s)} s`, "of the run that verifies it"],
  ];
  return el(
    "ul",
    {class: "figures"},
    items.map(([value, name]) => el("li", {}, el("b", {}, value), name)),
  );
}

function machinesText(found) {
  if (!found.pools) return `none: ${found.why}`;
  return sizesText(found) + (found.estimated ? " (estimated)" : "");
}

/** Columns of what a plan found, which `of` gives of a row. */
function foundColumns(of) {
  const number = (name, value) => ({name, value: (row) => value(of(row)), show: figure, number: true});
  return {
    design: {name: "Design", value: (row) => of(row).design},
    machines: {
      name: "Machines",
      value: (row) => machinesText(of(row)),
      show: (text) => el("span", {class: "machines"}, text),
    },
    figures: [
      number("In all", (found) => found.machines),
      number("GPUs", (found) => found.gpus),
      number("Price ($/h)", (found) => found.cost_per_hour),
      number("$ per million tokens", (found) => found.cost_per_million_tokens),
      number("$ per million output tokens", (found) => found.cost_per_million_output_tokens),
      number("Provisioned (kW)", (found) => found.provisioned_w / 1000),
      number("Rate (requests/s)", (found) => found.rate_rps),
      {
        name: "Left of the nearest limit",
        value: (row) => of(row).margin - 1,
        show: percent,
        number: true,
      },
    ],
  };
}

function foundTable(plan, caption, rows) {
  const columns = foundColumns((found) => found);
  return makeTable(
    caption,
    [
      columns.design,
      columns.machines,
      {name: "Scheduler", value: (found) => found.scheduler || ""},
      ...columns.figures,
      {
        name: "Pareto front",
        value: (found) => (plan.pareto.includes(found.design) ? "yes" : ""),
      },
    ],
    rows,
    {
      sortable: true,
      marked: (found) => found.pools && sizesText(found) === sizesText(plan.optimum),
    },
  );
}

/** The best of each design; a design without one has a row that says why. */
function designsSection(plan) {
  if (!plan.optimum) return null;
  const rows = [...plan.designs, ...plan.infeasible];
  const caption = "Pareto front: no other design is better in price, power and rate at once";
  const tied = plan.ties.length > 1;
  return el(
    "section",
    {},
    el("h2", {}, "Best of each design"),
    foundTable(plan, caption, rows),
    tied ? el("h3", {}, "Equally good sizes") : null,
    tied ? foundTable(plan, "Widest margin first; the first is the answer", plan.ties) : null,
  );
}

function headroomSection(plan) {
  if (!plan.optimum) return null;
  return el(
    "section",
    {},
    el("h2", {}, "What bounds it"),
    makeTable(
      "What happens to the answer when one thing changes",
      [
        {name: "Change", value: (row) => row.change},
        {
          name: "Result",
          value: (row) => breaksText(row.breaks),
          show: (text, row) => el("span", {class: row.breaks.length > 0 ? "bad" : "good"}, text),
        },
      ],
      plan.headroom,
    ),
    plan.slo ? sloTable(plan.slo, modelError(plan.optimum.how_sure)) : null,
  );
}

/** What was simulated, as the points of a sweep; the answer first, before what is as good. */
function candidateSweep(plan) {
  const best = plan.optimum;
  const isBest = (candidate) =>
    best &&
    candidate.design === best.design &&
    candidate.rate_rps === best.rate_rps &&
    parallelismText(candidate) === foundParallelism(best) &&
    best.pools.every((pool, i) => pool.count === candidate.counts[i]);
  const candidates = [...plan.candidates].sort((a, b) => isBest(b) - isBest(a));
  const roles = [...new Set(candidates.flatMap((candidate) => candidate.roles))];
  const column = (name, value) => ({name, values: candidates.map(value)});
  return unpack({
    name: "candidates",
    numbers: candidates.map((_, i) => i),
    errors: candidates.map(() => null),
    parameters: [
      column("design", (candidate) => candidate.design),
      column("parallelism", parallelismText),
      ...roles.map((role) =>
        column(role, (candidate) => candidate.counts[candidate.roles.indexOf(role)] ?? null),
      ),
    ],
    metrics: [
      column("cost_per_hour", (candidate) => candidate.cost_per_hour),
      column("provisioned_w", (candidate) => candidate.provisioned_w),
      column("machines", (candidate) => candidate.machines),
      column("longest_run_s", (candidate) => candidate.duration_s),
      column("rate_rps", (candidate) => candidate.rate_rps),
      column("margin", (candidate) => candidate.margin),
      column("slo_holds", (candidate) => candidate.breaks.length === 0),
      column("slo_broken", (candidate) => candidate.breaks[0] || ""),
    ],
  });
}

/** The plane of sizes that is drawn: of the best of two pools, where there is one. */
function mappedDesign(plan) {
  const best = plan.optimum ? [plan.optimum, ...plan.designs] : [];
  const two = best.find((found) => found.pools.length === 2);
  const any = plan.candidates.find((candidate) => candidate.roles.length === 2);
  const found = two || (any ? null : plan.optimum);
  if (found) return {design: found.design, parallelism: foundParallelism(found)};
  return any ? {design: any.design, parallelism: parallelismText(any)} : {design: ""};
}

function planPage(plan) {
  const sweep = candidateSweep(plan);
  const up = plan.goal === "throughput" ? "rate_rps" : "provisioned_w";
  const [, , names] = kObjectives.find(([name]) => name === plan.goal);
  const objective = objectiveMetric(sweep, names);
  const split = ["prompt", "token"].every((role) => sweep.parameters.includes(role));
  const axes = split ? {x: "prompt", y: "token"} : {};
  const map = {metric: objective, objective, fixed: mappedDesign(plan)};
  return [
    el("h1", {}, planQuestion(plan)),
    planFacts(plan),
    planAnswer(plan),
    planFigures(plan),
    designsSection(plan),
    headroomSection(plan),
    heatSection(sweep, {...axes, ...map}),
    paretoSection(sweep, {x: "cost_per_hour", y: up}),
    pointsSection(sweep, "All that was simulated", plan.goal),
    sourcesSection(plan.sources),
    el(
      "section",
      {},
      el("h2", {}, "Scenario"),
      el(
        "p",
        {class: "note"},
        "Of every simulation, but for its pools, scheduler, rate and seed, the settings of its " +
          "design, and the length of those that verify.",
      ),
      el("pre", {tabindex: 0}, JSON.stringify(plan.scenario, null, 2)),
    ),
  ];
}
