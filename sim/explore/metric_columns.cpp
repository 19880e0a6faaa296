#include "sim/explore/metric_columns.h"

#include <algorithm>

namespace cleave {

namespace {

struct Group {
  const char* prefix;  ///< of the columns' names
  const char* where;   ///< in the summary
  std::vector<const char*> fields;
};

const std::vector<Group>& groups() {
  static const std::vector<const char*> latency{"count", "mean", "std", "min",   "p50",
                                                "p90",   "p95",  "p99", "p99.9", "max"};
  static const std::vector<Group> all{
      {"", "", {"estimated", "events", "duration_s", "offered_rps", "served_rps"}},
      {"requests_",
       "/requests",
       {"arrived", "completed", "rejected", "unfinished", "restarts", "deadlocks",
        "over_prompt_limit", "stranded", "measured"}},
      {"ttft_", "/ttft", latency},
      {"tpot_", "/tpot", latency},
      {"itl_", "/itl", latency},
      {"e2e_", "/e2e", latency},
      {"largest_gap_", "/largest_gap", latency},
      {"queueing_", "/queueing", latency},
      {"transfer_", "/transfer", latency},
      {"slo_", "/slo", {"holds", "attainment", "goodput_rps"}},
      {"",
       "/steady",
       {"overload", "too_short", "in_cluster_second_quarter", "in_cluster_last_quarter",
        "growth_rps", "growth_error_rps", "waiting_growth_rps", "waiting_growth_error_rps",
        "filling_share"}},
      {"steady_", "/steady", {"from_s", "offered_rps", "served_rps"}},
      {"window_",
       "/window",
       {"from_s", "to_s", "arrived", "completed", "prompt_tokens", "output_tokens", "energy_kwh"}},
      {"tokens_",
       "/tokens",
       {"prompt", "output", "prompt_per_s", "output_per_s", "output_per_s_per_gpu",
        "prompt_per_s_per_prompt_gpu", "output_per_s_per_token_gpu", "output_per_s_per_user"}},
      {"",
       "/cost",
       {"spent_usd", "usd_per_million_prompt_tokens", "usd_per_million_output_tokens",
        "requests_per_usd"}},
      {"",
       "/power",
       {"provisioned_w", "idle_w", "mean_w", "p99_w", "peak_w", "energy_kwh", "j_per_output_token",
        "j_per_token", "j_per_request", "prompt_j_per_prompt_token", "decode_j_per_output_token"}},
      {"power_", "/power", {"window_s", "estimated"}},
      {"busiest_link_", "/links/0", {"utilization", "utilization_p99", "above_90_share", "bytes"}},
  };
  return all;
}

const std::vector<const char*> kPoolFields{
    "machines",    "tensor_parallel",    "pipeline_parallel",    "instances",     "gpus",
    "utilization", "batch_prompts_mean", "batch_sequences_mean", "prompt_tokens", "decode_tokens",
    "memory_mean", "memory_peak",        "queued_requests_mean", "mixed_share",   "moves_to_mixed",
    "energy_kwh",  "price_per_hour",     "provisioned_w"};

void add(std::vector<MetricColumn>& columns, const std::string& prefix, const std::string& where,
         const std::vector<const char*>& fields) {
  for (const char* field : fields) {
    std::string name = prefix + field;
    std::replace(name.begin(), name.end(), '.', '_');
    columns.push_back({name, Json::json_pointer(where + "/" + field)});
  }
}

}  // namespace

std::vector<MetricColumn> metric_columns(std::size_t pools) {
  // SQLite takes 2,000 columns; the summary in the row has every pool.
  constexpr std::size_t kMostPools = 16;
  std::vector<MetricColumn> columns{{"cost_per_hour", Json::json_pointer("/cost/price_per_hour")}};
  for (const Group& group : groups()) add(columns, group.prefix, group.where, group.fields);
  for (std::size_t i = 0; i < std::min(pools, kMostPools); ++i) {
    const std::string number = std::to_string(i);
    add(columns, "pool" + number + "_", "/pools/" + number, kPoolFields);
  }
  return columns;
}

std::optional<double> metric_value(const Json& summary, const MetricColumn& column) {
  if (!summary.contains(column.where)) return std::nullopt;
  const Json& value = summary[column.where];
  if (value.is_boolean()) return value.get<bool>() ? 1 : 0;
  if (value.is_number()) return value.get<double>();
  return std::nullopt;
}

Json compact_summary(Json summary) {
  for (const char* key : {"cdf", "units", "slowest_requests", "rejected_requests"}) {
    summary.erase(key);
  }
  for (Json& pool : summary["pools"]) {
    pool.erase("over_time");
    pool.erase("batch_tokens_cdf");
  }
  return summary;
}

}  // namespace cleave
