// What a run or a plan is of: its traffic, LLM, formats and degrees, in words.

/** The file of a path, with the path as its tooltip; a name stays as it is. */
function fileName(path) {
  const name = path.split("/").filter((part) => part).pop() || path;
  return name === path ? path : el("span", {title: path}, name);
}

/** "of trace conv.csv", parts of a heading; a scenario can hold the trace itself. */
function trafficParts(workload) {
  const trace = workload?.trace;
  return typeof trace === "string" ? ["trace ", fileName(trace)] : ["traffic"];
}

/** A profile by name, or one that the scenario holds. */
const profileName = (value, other = "its own") =>
  typeof value === "string" ? fileName(value) : other;

const tokens = (value) => `${count(Math.round(value))}`;

/** "1,024 prompt and 128 output tokens"; of what varies the means, where a summary knows them. */
function lengthsText(workload, summary) {
  const fixed = (key) => (isNumber(workload?.[key]) ? tokens(workload[key]) : null);
  const mean = (key) =>
    isNumber(summary?.[key]?.mean) ? tokens(summary[key].mean) : null;
  const prompt = fixed("prompt_tokens");
  const output = fixed("output_tokens");
  if (prompt && output) {
    const [low, high] = workload.length_range || [1, 1];
    const range = low === 1 && high === 1 ? "" : `, times ${figure(low)} to ${figure(high)}`;
    return `${prompt} prompt and ${output} output tokens${range}`;
  }
  const means = [mean("prompt_length"), mean("output_length")];
  return means.every((value) => value)
    ? `${means[0]} prompt and ${means[1]} output tokens in the mean`
    : "lengths of the trace";
}

const kDegrees = [
  ["tensor_parallel", "TP"],
  ["pipeline_parallel", "PP"],
  ["data_parallel", "DP"],
  ["expert_parallel", "EP"],
];
/** "TP8", "TP1 DP8 EP8": how an instance of a pool is spread over its GPUs. */
const degreesOf = (pool) =>
  kDegrees
    .filter(([key, name]) => name === "TP" || (isNumber(pool[key]) && pool[key] > 1))
    .map(([key, name]) => `${name}${pool[key] ?? "?"}`)
    .join(" ");

function formatsText(scenario) {
  const format = (value) => (value || "fp16").toUpperCase();
  const weights = format(scenario.weights?.format);
  const cache = format(scenario.kv_cache?.format);
  return weights === cache ? `weights and KV cache ${weights}` : `weights ${weights}, KV cache ${cache}`;
}

function engineText({latency, batching}) {
  const engine = latency?.engine;
  if (engine) return ["engine ", profileName(engine)];
  return batching?.policy ? [`batching as ${batching.policy}`] : [];
}

/** A line of facts, each in a span of its own. */
function factsLine(facts) {
  const shown = facts.filter((fact) => fact && fact.length > 0);
  return el(
    "p",
    {class: "facts"},
    shown.map((fact) => el("span", {}, fact)),
  );
}

/** The names of all LLMs that are served; none in older summaries. */
const llmsOf = (summary) =>
  [...new Set(summary.pools.map((pool) => pool.llm).filter((llm) => llm))];

/** GPUs of an instance. */
const gpusOf = (pool) =>
  pool.tensor_parallel * pool.pipeline_parallel * (pool.data_parallel || 1);

function runFacts({scenario, summary}) {
  const several = summary.pools.length > 1;
  const llms = llmsOf(summary);
  return factsLine([
    llms.length > 1 ? [`LLMs ${llms.join(", ")}`] : ["LLM ", profileName(scenario.llm)],
    lengthsText(scenario.workload, summary),
    ...summary.pools.map(
      (pool) =>
        `${several ? pool.role + ": " : ""}${plural(pool.instances, "instance")} of ` +
        `${plural(gpusOf(pool), "GPU")}, ${degreesOf(pool)}`,
    ),
    formatsText(scenario),
    engineText(scenario),
    `scheduler ${scenario.scheduler?.policy ?? "-"}`,
  ]);
}

function planFacts({scenario, seeds}) {
  return factsLine([
    ["LLM ", profileName(scenario.llm)],
    lengthsText(scenario.workload, null),
    formatsText(scenario),
    engineText(scenario),
    `${plural(seeds.length, "seed")}: ${seeds.join(", ")}`,
  ]);
}

/** The model's own error, as estimates say it: {tpot: 0.08, ttft: 0.14}; {} where nobody knows. */
function modelError(howSure) {
  const errors = {};
  for (const [, metric, share] of (howSure || "").matchAll(/(TPOT|TTFT) \+\/- (\d+(?:\.\d+)?) %/g)) {
    const key = metric.toLowerCase();
    errors[key] = Math.max(errors[key] || 0, Number(share) / 100);
  }
  return errors;
}

/** " ± 8 %" behind a value of a metric that has such an error. */
const errorText = (errors, metric) =>
  errors[metric] ? ` \u00b1 ${figure(100 * errors[metric])} %` : "";

/** Where profiles of a page are from; `sources` as the page carries them. */
function sourcesSection(sources) {
  if (!sources || sources.length === 0) return null;
  return el(
    "section",
    {},
    el("h2", {}, "Sources"),
    makeTable(
      "Where machines, prices and latencies are from, and of when",
      [
        {name: "What", value: (row) => row.what},
        {name: "Profile", value: (row) => row.name},
        {name: "Date", value: (row) => row.date || "-"},
        {name: "Source", value: (row) => row.source || "-"},
      ],
      sources,
    ),
  );
}
