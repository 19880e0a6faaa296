#include "sim/report/run_text.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <utility>

#include "sim/report/day_text.h"
#include "sim/report/summary_values.h"
#include "sim/report/table.h"

namespace cleave {

namespace {

/// Seconds; differences below the clock's resolution are none.
std::string seconds(const Json& json, const char* key) {
  constexpr double kResolution = 1e-9;
  return std::abs(number(json, key)) < kResolution && json[key].is_number() ? "0"
                                                                            : quantity(json, key);
}

class Paint {
 public:
  explicit Paint(bool colours) : colours_(colours) {}
  std::string good(const std::string& text) const { return with("\033[32m", text); }
  std::string bad(const std::string& text) const { return with("\033[31m", text); }
  std::string bold(const std::string& text) const { return with("\033[1m", text); }

 private:
  std::string with(const char* code, const std::string& text) const {
    return colours_ ? code + text + "\033[0m" : text;
  }
  bool colours_;
};

/// Whether the pool's machines are counted with another pool.
bool on_machines_of_another(const Json& pool) {
  return !pool["shares_machines_of"].is_null() ||
         !pool.value("borrows_machines_of", Json()).is_null();
}

std::string cluster_line(const Json& summary) {
  const Json& pools = summary["pools"];
  const auto llm = [](const Json& pool) { return pool.value("llm", std::string()); };
  const bool several = std::any_of(pools.begin(), pools.end(),
                                   [&](const Json& pool) { return llm(pool) != llm(pools[0]); });
  std::string line;
  for (const Json& pool : pools) {
    const bool shared = !pool["shares_machines_of"].is_null();
    const Json owner = pool.value("borrows_machines_of", Json());
    if (!line.empty()) line += shared ? " and on the same " : " + ";
    line += (owner.is_null() ? "" : "up to ") + grouped(number(pool, "machines")) + " " +
            pool["role"].get<std::string>() + " " + pool["machine"].get<std::string>();
    if (several) line += " for " + llm(pool);
    if (!owner.is_null()) line += " on those that pool " + owner.dump() + " has off";
  }
  return line;
}

std::string requests_line(const Json& summary) {
  const Json& requests = summary["requests"];
  std::string line = grouped(number(requests, "arrived")) + " arrived, " +
                     grouped(number(requests, "completed")) + " completed, " +
                     grouped(number(requests, "rejected")) + " rejected, " +
                     grouped(number(requests, "unfinished")) + " unfinished";
  if (number(requests, "late") > 0) {
    line += ", " + grouped(number(requests, "late")) + " of the rejected late";
  }
  if (number(requests, "over_rate") > 0) {
    line += ", " + grouped(number(requests, "over_rate")) + " over their class's rate";
  }
  if (number(requests, "restarts") > 0) {
    line += ", " + grouped(number(requests, "restarts")) + " restarts";
  }
  if (number(requests, "moves") > 0) {
    line += ", " + grouped(number(requests, "moves")) + " moved while machines drained";
  }
  if (number(requests, "deadlocks") > 0) {
    line += ", " + grouped(number(requests, "deadlocks")) + " deadlocks";
  }
  return line + " within " + figure(number(summary, "duration_s")) + " s";
}

/// What the rates below are taken over.
std::string window_line(const Json& summary) {
  const Json& window = summary["window"];
  std::string line = "Measured from " + figure(number(window, "from_s")) + " to " +
                     figure(number(window, "to_s")) + " s";
  if (window["warmup"] == "automatic" && number(window, "from_s") > 0) {
    line += " (what comes before is cut as warm-up)";
  }
  line += ": ";
  if (summary["offered_rps"].is_number()) {
    line += "offered " + figure(number(summary, "offered_rps")) + "/s, ";
  }
  return line + "served " + figure(number(summary, "served_rps")) + "/s";
}

std::string latency_table(const Json& summary) {
  Table table({"seconds", "mean", "std", "min", "P50", "P90", "P95", "P99", "P99.9", "max"});
  const std::vector<std::pair<const char*, const char*>> rows{
      {"TTFT", "ttft"},         {"TPOT", "tpot"},
      {"ITL", "itl"},           {"largest gap", "largest_gap"},
      {"E2E", "e2e"},           {"queueing", "queueing"},
      {"transfer", "transfer"}, {"  exposed", "exposed_transfer"}};
  for (const auto& [label, key] : rows) {
    const Json& of = summary[key];
    if (number(of, "count") == 0 && std::string_view(key) == "exposed_transfer") continue;
    std::vector<std::string> row{label};
    for (const char* column : {"mean", "std", "min", "p50", "p90", "p95", "p99", "p99.9", "max"}) {
      row.push_back(seconds(of, column));
    }
    table.add(std::move(row));
  }
  return table.text();
}

/// "27,014 x 16": of an instance.
std::string blocks(const Json& pool) {
  return grouped(number(pool, "kv_blocks")) + " x " + grouped(number(pool, "kv_block_tokens"));
}

std::string pool_table(const Json& summary) {
  // Means over time: prompts and decoding sequences in a batch, memory in use, requests waiting.
  Table table({"pool", "busy", "prompts", "decodes", "KV blocks", "memory", "peak", "waiting",
               "mixed", "kWh"});
  for (const Json& pool : summary["pools"]) {
    table.add({pool["role"].get<std::string>() + " " + pool["machine"].get<std::string>(),
               percent(number(pool, "utilization")), figure(number(pool, "batch_prompts_mean")),
               figure(number(pool, "batch_sequences_mean")), blocks(pool),
               percent(number(pool, "memory_mean")), percent(number(pool, "memory_peak")),
               figure(number(pool, "queued_requests_mean")), percent(number(pool, "mixed_share")),
               figure(number(pool, "energy_kwh"))});
  }
  return table.text();
}

/// "ttft p99, tpot p99": what each request is held against for itself.
std::string highest_limits(const Json& slo) {
  std::map<std::pair<Json, Json>, std::string> highest;
  std::string text;
  const auto height = [](const std::string& percentile) { return std::stod(percentile.substr(1)); };
  for (const Json& limit : slo["limits"]) {
    auto& of = highest[{limit["metric"], limit["kind"]}];
    const auto percentile = limit["percentile"].get<std::string>();
    if (of.empty() || height(percentile) > height(of)) of = percentile;
  }
  for (const auto& [what, percentile] : highest) {
    text += (text.empty() ? "" : ", ") + what.first.get<std::string>() + " " + percentile;
  }
  return text;
}

std::string slo_text(const Json& summary, const Paint& paint) {
  const Json& slo = summary["slo"];
  if (slo.is_null()) return "";
  const bool holds = slo["holds"].get<bool>();
  std::string text = "SLO " + slo["name"].get<std::string>() + ": " +
                     (holds ? paint.good("holds") : paint.bad("broken")) + "\n";
  Table table({"limit", "value", "at most", ""});
  for (const Json& limit : slo["limits"]) {
    const bool slowdown = limit["kind"] == "slowdown";
    table.add({limit["metric"].get<std::string>() + " " + limit["percentile"].get<std::string>() +
                   (slowdown ? " slowdown" : " s"),
               figure(number(limit, "value")), figure(number(limit, "limit")),
               limit["holds"].get<bool>() ? "holds" : "broken"});
  }
  return text + table.text() +
         wrapped("Goodput " + figure(number(slo, "goodput_rps")) + "/s, attainment " +
                 percent(number(slo, "attainment")) +
                 ": requests that each, for itself, keep the limit of the highest percentile (" +
                 highest_limits(slo) + "); the SLO asks every percentile above of all requests.") +
         "\n";
}

/// What of it was loaded, and how long that took.
std::string tiers_text(const Json& summary) {
  std::string text;
  for (const Json& tier : summary.value("tiers", Json::array())) {
    text += (text.empty() ? "; of all, loaded from " : ", from ") +
            tier["tier"].get<std::string>() + " " + percent(number(tier, "hit_rate"));
    if (number(tier, "loads") > 0) {
      text += " (in " + figure(1e3 * number(tier["load"], "mean")) + " ms)";
    }
  }
  return text;
}

/// What prefix caches saved, and the conversations.
std::string sharing_text(const Json& summary) {
  std::string text;
  const Json cache = summary.value("prefix_cache", Json());
  if (cache.is_object()) {
    text = "Prefix caches: " + percent(number(cache, "hit_rate")) +
           " of the prompt tokens were there, " + grouped(number(cache, "hit_tokens")) + " of " +
           grouped(number(cache, "prompt_tokens")) + tiers_text(summary) + "\n";
  }
  const Json sessions = summary.value("sessions", Json());
  if (sessions.is_object()) {
    text += "Conversations: " + grouped(number(sessions, "completed")) + " of " +
            grouped(number(sessions, "begun")) + " completed, " +
            figure(number(sessions, "turns_per_session")) + " turns each\n";
  }
  return text;
}

std::string link_text(const Json& summary) {
  const Json& links = summary["links"];
  if (links.empty()) return "";
  const Json& link = links[0];
  return "Busiest link " + link["link"].get<std::string>() + ": " +
         percent(number(link, "utilization")) + " used, P99 " +
         percent(number(link, "utilization_p99")) + ", above 90 % for " +
         percent(number(link, "above_90_share")) + " of the time\n";
}

/// What it costs, or which prices would tell.
std::string price_text(const Json& summary) {
  const Json& cost = summary["cost"];
  if (cost["price_per_hour"].is_number()) {
    const bool scaled = !summary.value("scaling", Json()).is_null();
    return "Cost: " + figure(number(cost, "price_per_hour")) + " $/h" +
           (scaled ? " with all machines on, " + quantity(cost, "spent_usd") + " $ spent" : "") +
           "; " + quantity(cost, "usd_per_million_prompt_tokens") +
           " $ per million prompt tokens, " + quantity(cost, "usd_per_million_output_tokens") +
           " $ per million output tokens; " + figure(number(cost, "requests_per_usd")) +
           " requests per $" +
           (cost.contains("prices") ? "; prices of " + cost["prices"].get<std::string>() : "") +
           "\n";
  }
  std::string missing;
  const Json& pools = summary["pools"];
  for (std::size_t i = 0; i < pools.size(); ++i) {
    if (pools[i]["price_per_hour"].is_number() || on_machines_of_another(pools[i])) continue;
    missing += (missing.empty() ? "" : ", ") + ("pools[" + std::to_string(i)) +
               "].price_per_hour (" + pools[i]["machine"].get<std::string>() + ")";
  }
  const std::string why = cost.contains("prices")
                              ? cost["prices"].get<std::string>() + " has no price of it"
                              : std::string("no price is published");
  return "Cost: unknown, as " + why + "; give " + missing + " in $/hour\n";
}

std::string cost_text(const Json& summary) {
  const Json& power = summary["power"];
  const Json& tokens = summary["tokens"];
  constexpr double kKilo = 1000;
  return "Tokens: " + figure(number(tokens, "output_per_s")) + " output/s, " +
         figure(number(tokens, "output_per_s_per_gpu")) + " per GPU, " +
         figure(number(tokens, "output_per_s_per_token_gpu")) + " per token GPU; " +
         figure(number(tokens, "prompt_per_s_per_prompt_gpu")) + " prompt/s per prompt GPU; " +
         figure(number(tokens, "output_per_s_per_user")) + " output/s per user\n" +
         price_text(summary) + "Power: provisioned " +
         figure(number(power, "provisioned_w") / kKilo) + " kW, mean " +
         figure(number(power, "mean_w") / kKilo) + " kW, P99 " +
         figure(number(power, "p99_w") / kKilo) + " kW; energy " +
         figure(number(power, "energy_kwh")) + " kWh, " + quantity(power, "j_per_output_token") +
         " J per output token" + (power["estimated"].get<bool>() ? " (power estimated)" : "") +
         "\n";
}

std::string budget_text(const Json& summary, const Paint& paint) {
  const Json& budget = summary["power"]["budget"];
  if (budget.is_null()) return "";
  constexpr double kKilo = 1000;
  const double at_rest_w = number(summary["power"], "idle_w");
  const bool holds = budget["holds"].get<bool>();
  return "Power budget " + figure(number(budget, "budget_w") / kKilo) +
         " kW: " + (holds ? paint.good("holds") : paint.bad("exceeded")) + "; P99 " +
         percent(number(budget, "p99_share")) + ", peak " + percent(number(budget, "peak_share")) +
         ", above it " + percent(number(budget, "above_share")) + " of the time\n" +
         (at_rest_w > number(budget, "budget_w")
              ? "  all machines at rest draw " + figure(at_rest_w / kKilo) + " kW\n"
              : "");
}

/// Whether prompts and tokens have pools of their own, and no KV cache went from one to another.
bool ignores_roles(const Json& summary) {
  const auto has = [&](const char* role) {
    return std::any_of(summary["pools"].begin(), summary["pools"].end(),
                       [&](const Json& pool) { return pool["role"] == role; });
  };
  const bool decodes =
      number(summary["tokens"], "output") > number(summary["requests"], "completed");
  return has("prompt") && has("token") && decodes && summary["transfers"].empty();
}

std::string warnings(const Json& summary, const Paint& paint) {
  std::string text;
  const auto warn = [&](const std::string& word, const std::string& rest) {
    text += paint.bad(word) + wrapped(word + rest).substr(word.size()) + "\n";
  };
  const Json& steady = summary["steady"];
  if (steady["overload"].get<bool>()) {
    warn("Overload:", " " + figure(number(steady, "served_rps")) + "/s served of " +
                          figure(number(steady, "offered_rps")) + "/s; requests pile up (" +
                          figure(number(steady, "in_cluster_second_quarter")) +
                          " in the cluster in the second quarter of the arrivals, " +
                          figure(number(steady, "in_cluster_last_quarter")) +
                          " in the last), and percentiles depend on how long the run lasts.");
  }
  if (steady["too_short"].get<bool>()) {
    warn("Short:",
         " nobody can tell whether the cluster keeps up; it was still filling, or too few requests "
         "came. A longer run would tell.");
  }
  for (const Json& request : summary["rejected_requests"]) {
    warn("Rejected:", " line " + grouped(number(request, "line")) + ", " +
                          grouped(number(request, "tokens")) +
                          " tokens: no machine can hold its KV cache of " +
                          figure(number(request, "needed_bytes") / 1e9) + " GB");
  }
  if (number(summary["requests"], "over_prompt_limit") > 0) {
    warn("Prompts:", " " + grouped(number(summary["requests"], "over_prompt_limit")) +
                         " are longer than an iteration of the batching policy may be (splitwise: "
                         "batching.max_prompt_tokens); each has one to itself, and decodes on its "
                         "machine wait");
  }
  if (ignores_roles(summary)) {
    warn("Roles:",
         " no request was split between the pools: the scheduler put both phases on one machine, "
         "whatever the role of its pool; mixed_pool and kv_jsq go by roles");
  }
  for (const Json& pool : summary["pools"]) {
    if (number(pool, "memory_peak") <= 1) continue;
    warn("Memory:", " weights and KV blocks took " + percent(number(pool, "memory_peak")) +
                        " of the GPUs' memory; kv_cache.blocks gives more than they have");
  }
  if (oscillates(summary)) {
    warn("Oscillates:", " pools grow and shrink in turn " +
                            figure(number(summary["scaling"], "reversals_per_hour")) +
                            " times an hour; a longer down_window_s or tick_s, or other targets, "
                            "would calm the policy");
  }
  const Json& power = summary["power"];
  if (number(power, "peak_w") > number(power, "provisioned_w")) {
    warn("Power:", " the peak of " + figure(number(power, "peak_w") / 1e3) + " kW is above the " +
                       figure(number(power, "provisioned_w") / 1e3) +
                       " kW provisioned; a cap scales the whole machine's, as in the paper, but "
                       "only GPUs draw less");
  }
  if (number(summary["requests"], "stranded") > 0) {
    warn("Stranded:", " " + grouped(number(summary["requests"], "stranded")) +
                          " requests found no machine that was up");
  }
  return text;
}

}  // namespace

std::string run_text(const Json& summary, bool colours) {
  const Paint paint(colours);
  std::string text = paint.bold(cluster_line(summary));
  if (summary["estimated"].get<bool>()) text += " (estimated latencies)";
  const std::string sure = summary.value("how_sure", std::string());
  if (!sure.empty()) text += "\n" + wrapped("Latencies: " + sure + ".");
  text += "\n" + wrapped(requests_line(summary)) + "\n" + wrapped(window_line(summary)) + "\n" +
          warnings(summary, paint) + "\n" + latency_table(summary) + "\n" + pool_table(summary) +
          "\n" + slo_text(summary, paint) + "\n" + classes_text(summary) +
          wrapped(scaling_text(summary) + sharing_text(summary) + link_text(summary) +
                  cost_text(summary) + energy_text(summary)) +
          budget_text(summary, paint);
  return text;
}

}  // namespace cleave
