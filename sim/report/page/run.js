// The page of one run.

const kPhaseNames = ["queueing", "prompt", "transfer", "token"];

/** Machines that a pool borrows are counted where they are from. */
function clusterText(summary) {
  return summary.pools
    .filter((pool) => !Number.isInteger(pool.borrows_machines_of))
    .map(
      (pool) =>
        `${plural(pool.machines, pool.machine + " machine")} for ${
          {prompt: "prompts", token: "tokens", mixed: "both phases"}[pool.role] || pool.role
        }`,
    )
    .join(" and ");
}

function paceText({scenario, summary}) {
  if (isNumber(summary.offered_rps)) return `${figure(summary.offered_rps)} requests/s`;
  const concurrency = scenario.workload?.concurrency;
  return isNumber(concurrency) ? plural(concurrency, "concurrent request") : "requests all at once";
}

/** An objective by its name; one without, by its limits where they are few. */
function objectiveText(slo) {
  const kFew = 4;
  if (slo.name !== "custom" || slo.limits.length > kFew) return `the objective ${slo.name}`;
  return slo.limits
    .map((limit) => `${limitName(limit)} ${limitValue(limit, limit.limit)}`)
    .join(", ");
}

/** What the run asks, in parts: names of files have their path as a tooltip. */
function questionParts(run) {
  const {workload, llm} = run.scenario;
  const {slo} = run.summary;
  const within = slo ? `within ${objectiveText(slo)}` : "and how fast";
  const pools = run.summary.pools.length > 1 || run.summary.pools[0].machines > 1;
  const subject = `${pools ? "Do" : "Does"} ${clusterText(run.summary)}`;
  return [
    `${subject} serve ${paceText(run)} of `,
    ...trafficParts(workload),
    " to ",
    llmsOf(run.summary).length > 1 ? llmsOf(run.summary).join(" and ") : profileName(llm),
    ` ${within}?`,
  ];
}

/** The limit that is missed by most, or that comes nearest. */
function tightest(slo) {
  return [...slo.limits].sort((a, b) => b.value / b.limit - a.value / a.limit)[0];
}

/** Why the objective is kept or not. */
function reason(slo) {
  const all = slo.limits.length;
  const broken = slo.limits.filter((limit) => !limit.holds).length;
  const worst = tightest(slo);
  const measured = `${limitName(worst)} is ${limitValue(worst, worst.value)}`;
  const against = `${measured}, at most ${limitValue(worst, worst.limit)} allowed`;
  if (broken > 0) return `${broken} of ${all} limits are broken; most of all, ${against}`;
  if (!slo.holds) return "the limits hold for what completed, but not all requests did";
  return `all ${all} limits hold; nearest to its limit: ${against}`;
}

/** A price that nobody publishes is null. */
const dollars = (price) => (isNumber(price) ? `${figure(price)} $/h` : "an unknown price");
const pricesOf = (prices) => (prices ? ` at the prices of ${prices}` : "");
const priceText = ({cost, power}) =>
  `${dollars(cost.price_per_hour)}${pricesOf(cost.prices)} and ` +
  `${figure(power.provisioned_w / 1000)} kW provisioned`;

/** Which prices would tell what it costs. */
const missingPrices = ({pools}) =>
  pools
    .map((pool, i) => [pool, `pools[${i}].price_per_hour (${pool.machine})`])
    .filter(([pool]) => pool.price_per_hour === null && pool.shares_machines_of === null && !Number.isInteger(pool.borrows_machines_of))
    .map(([, name]) => name);

function answer(summary) {
  const {slo, requests} = summary;
  if (!slo) {
    return el(
      "p",
      {class: "answer"},
      "No objective was set. It completes ",
      `${count(requests.completed)} of ${count(requests.arrived)} requests at `,
      `${figure(summary.served_rps)} requests/s, TTFT P99 ${seconds(summary.ttft.p99)}, `,
      `TPOT P99 ${seconds(summary.tpot.p99)}, for ${priceText(summary)}.`,
    );
  }
  return el(
    "p",
    {class: `answer ${slo.holds ? "yes" : "no"}`},
    el("strong", {}, slo.holds ? "Yes" : "No"),
    `: ${reason(slo)}. Apart from that, ${percent(slo.attainment)} of the requests (attainment), `,
    `${figure(slo.goodput_rps)} requests/s (goodput), each for itself keep the limits of the `,
    "highest percentiles; the objective asks every percentile of all requests. ",
    `It takes ${priceText(summary)}.`,
  );
}

/** What prefix caches saved, and the conversations. */
function sharing({prefix_cache: cache, tiers, sessions}) {
  const parts = [];
  if (cache) {
    parts.push(
      `Prefix caches had ${percent(cache.hit_rate)} of the prompt tokens: ` +
        `${count(cache.hit_tokens)} of ${count(cache.prompt_tokens)} were not computed again. `,
    );
  }
  for (const {tier, hit_rate: share, loads, load} of tiers ?? []) {
    const time = loads > 0 ? `, in ${figure(1e3 * load.mean)} ms in the mean` : "";
    parts.push(`${percent(share)} were loaded from ${tier}${time}. `);
  }
  if (sessions) {
    parts.push(
      `${count(sessions.completed)} of ${count(sessions.begun)} conversations were completed, ` +
        `of ${figure(sessions.turns_per_session)} turns each.`,
    );
  }
  return parts.length > 0 ? [el("p", {}, ...parts)] : [];
}

function warnings(summary) {
  const {steady, requests} = summary;
  const before = figure(steady.in_cluster_second_quarter);
  const after = figure(steady.in_cluster_last_quarter);
  const prices = missingPrices(summary);
  const all = [
    [
      prices.length > 0,
      `Cost is unknown, as no price is published: give ${prices.join(", ")} in $/hour.`,
    ],
    [
      steady.overload,
      `Overload: ${figure(steady.served_rps)} requests/s served of ` +
        `${figure(steady.offered_rps)}; they pile up (${before} in the cluster in the second ` +
        `quarter of the arrivals, ${after} in the last), and percentiles depend on how long the ` +
        "run lasts.",
    ],
    [
      steady.too_short,
      "Short: nobody can tell whether the cluster keeps up; it was still filling, or too few " +
        "requests came. A longer run would tell.",
    ],
    [
      requests.rejected > 0,
      `Rejected: ${plural(requests.rejected, "request")}; no machine can hold the KV cache.`,
    ],
    [requests.unfinished > 0, `Unfinished: ${plural(requests.unfinished, "request")}.`],
    [
      requests.over_prompt_limit > 0,
      `Prompts: ${plural(requests.over_prompt_limit, "request")} longer than ` +
        "batching.max_prompt_tokens; each has an iteration to itself, and decodes on its machine wait.",
    ],
    [
      requests.stranded > 0,
      `Stranded: ${plural(requests.stranded, "request")} found no machine that was up.`,
    ],
    [summary.estimated, estimatedSentence(summary.how_sure)],
    [summary.power.estimated, powerSentence(summary.power.how_sure)],
    [
      summary.power.peak_w > summary.power.provisioned_w,
      "Power peaks above what is provisioned: a cap scales the whole machine's, as in the paper, " +
        "but only GPUs draw less.",
    ],
  ];
  return all.filter(([applies]) => applies).map(([, text]) => el("p", {class: "warning"}, text));
}

const windowText = ({from_s, to_s}) => `from ${figure(from_s)} to ${figure(to_s)} s`;

/** Exposed: what requests wait for; the rest is hidden behind their prompt phase. */
function transferFigure({transfer, exposed_transfer: exposed}) {
  if (!isNumber(exposed?.mean)) return [];
  const all = `of ${seconds(transfer.mean)}`;
  return [[`${seconds(exposed.mean)}`, `KV transfer exposed, mean ${all}; P99 ${seconds(exposed.p99)}`]];
}

function keyFigures(summary) {
  const {requests, tokens, cost, power} = summary;
  const errors = modelError(summary.how_sure);
  const items = [
    [`${count(requests.completed)} of ${count(requests.arrived)}`, "requests completed"],
    [`${figure(summary.served_rps)} requests/s`, `served, ${windowText(summary.window)}`],
    [seconds(summary.ttft.p99) + errorText(errors, "ttft"), "TTFT P99"],
    [seconds(summary.tpot.p99) + errorText(errors, "tpot"), "TPOT P99"],
    [seconds(summary.e2e.p99), "E2E P99"],
    ...transferFigure(summary),
    [`${figure(tokens.output_per_s)} tokens/s`, "output"],
    [`${figure(cost.usd_per_million_tokens)} $`, "per million tokens"],
    [`${figure(cost.usd_per_million_output_tokens)} $`, "per million output tokens"],
    [`${figure(power.mean_w / 1000)} kW`, "mean power"],
    [
      `${figure(power.energy_kwh)} kWh`,
      `energy, ${figure(power.j_per_output_token)} J per output token`,
    ],
  ];
  return el(
    "ul",
    {class: "figures"},
    items.map(([value, name]) => el("li", {}, el("b", {}, value), name)),
  );
}

/** How long each phase of a request took, in the order of kPhaseNames. */
function phases(request) {
  const parts = [request.queueing_s, request.prompt_s, request.transfer_s];
  return [...parts, Math.max(0, request.e2e_s - parts.reduce((sum, part) => sum + part, 0))];
}

function phaseBar(request, longest) {
  const colours = palette().series;
  const order = [5, 0, 1, 2];
  return el(
    "div",
    {
      class: "phases",
      role: "img",
      "aria-label": phases(request)
        .map((part, i) => `${kPhaseNames[i]} ${seconds(part)}`)
        .join(", "),
    },
    phases(request).map((part, i) => {
      const span = el("span", {title: `${kPhaseNames[i]} ${seconds(part)}`});
      span.style.width = `${(100 * part) / longest}%`;
      span.style.background = colours[order[i]];
      return span;
    }),
  );
}

function slowestSection(requests) {
  if (!requests || requests.length === 0) return null;
  const longest = Math.max(...requests.map((request) => request.e2e_s));
  const number = (name, value) => ({name, value, show: inSeconds, number: true});
  return el(
    "section",
    {},
    el("h2", {}, "Slowest requests"),
    makeTable(
      "The slowest requests and how long each phase took; " +
        "the bar shows queueing, prompt, transfer and token phase in this order",
      [
        {name: "Request", value: (request) => request.request},
        {
          name: "Phases",
          value: (request) => request.e2e_s,
          show: (_, request) => phaseBar(request, longest),
        },
        {name: "Line", value: (request) => request.line, number: true},
        number("Prompt tokens", (request) => request.prompt_tokens),
        number("Output tokens", (request) => request.output_tokens),
        number("Arrival (s)", (request) => request.arrival_s),
        number("E2E (s)", (request) => request.e2e_s),
        ...kPhaseNames.map((name, i) =>
          number(`${name[0].toUpperCase()}${name.slice(1)} (s)`, (request) => phases(request)[i]),
        ),
        number("Largest gap (s)", (request) => request.largest_gap_s),
        {
          name: "Machines",
          value: (request) => `${request.prompt_instance} to ${request.token_instance}`,
        },
      ],
      requests,
      {sortable: true},
    ),
  );
}

function scenarioSection(run) {
  return el(
    "section",
    {},
    el("h2", {}, "Scenario"),
    el(
      "p",
      {class: "note"},
      `Hash ${run.summary.scenario_hash}; save it as a file and cleave run repeats this run.`,
    ),
    el("pre", {tabindex: 0}, JSON.stringify(run.scenario, null, 2)),
  );
}

function runPage(run, sources) {
  const {summary} = run;
  return [
    el("h1", {}, questionParts(run)),
    runFacts(run),
    answer(summary),
    ...sharing(summary),
    warnings(summary),
    keyFigures(summary),
    el(
      "p",
      {class: "note"},
      `Rates, $ and J per token are taken ${windowText(summary.window)}, to the last arrival` +
        (summary.window.warmup === "automatic" && summary.window.from_s > 0
          ? "; what comes before is cut as warm-up."
          : "."),
    ),
    clusterSection(summary),
    classesSection(summary),
    el(
      "section",
      {},
      el("h2", {}, "Latencies"),
      summary.slo ? sloTable(summary.slo, modelError(summary.how_sure)) : null,
      latencyTable(summary),
      el("div", {class: "charts"}, distributions([run])),
    ),
    el("section", {}, el("h2", {}, "Pools over time"), summary.pools.map(poolCharts)),
    linkSection(summary.links),
    slowestSection(summary.slowest_requests),
    sourcesSection(sources),
    scenarioSection(run),
  ];
}
