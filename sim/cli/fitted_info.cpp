#include "sim/cli/fitted_info.h"

#include <algorithm>
#include <fstream>
#include <functional>
#include <numeric>
#include <utility>
#include <vector>

#include "sim/base/json_reader.h"
#include "sim/cli/trace_info.h"
#include "sim/report/table.h"
#include "traces/client_mix.h"

namespace cleave {

namespace {

using Quantiles = std::vector<std::uint32_t>;

/// Of what is drawn from the table: as much lies between two of its values as between any others.
double mean_of(const Quantiles& table) {
  const double ends = (1.0 * table.front() + table.back()) / 2;
  const double between = std::accumulate(table.begin() + 1, table.end() - 1, 0.0);
  return (ends + between) / static_cast<double>(table.size() - 1);
}

struct Share {
  const char* name;
  double share;
};
constexpr Share kShares[] = {{"min", 0},    {"p50", 0.5},  {"p90", 0.9},
                             {"p95", 0.95}, {"p99", 0.99}, {"max", 1}};

std::string length_table(const Distribution& traffic) {
  std::vector<std::string> header{"tokens", "mean"};
  for (const Share& each : kShares) header.emplace_back(each.name);
  Table table(header);
  const auto row = [&](const char* name, const Quantiles& quantiles) {
    std::vector<std::string> cells{name, grouped(mean_of(quantiles))};
    for (const Share& each : kShares) cells.push_back(grouped(quantile_at(quantiles, each.share)));
    table.add(cells);
  };
  row("prompt", traffic.prompt_quantiles);
  row("output", traffic.output_quantiles);
  return table.text();
}

Json lengths_json(const Quantiles& quantiles) {
  Json json{{"mean", mean_of(quantiles)}};
  for (const Share& each : kShares) json[each.name] = quantile_at(quantiles, each.share);
  return json;
}

Json traffic_json(const Distribution& traffic) {
  Json json{{"mean_rate_rps", traffic.mean_rate_rps > 0 ? Json(traffic.mean_rate_rps) : Json()},
            {"gap_cv", traffic.gap_cv > 0 ? Json(traffic.gap_cv) : Json()},
            {"rank_correlation", traffic.rank_correlation},
            {"prompt_tokens", lengths_json(traffic.prompt_quantiles)},
            {"output_tokens", lengths_json(traffic.output_quantiles)}};
  if (!traffic.rates_rps.empty()) {
    json["rate_bin_s"] = traffic.rate_bin_s;
    json["rates_rps"] = traffic.rates_rps;
  }
  return json;
}

std::string rate_text(const Distribution& traffic) {
  if (traffic.rates_rps.size() < 2) return "";
  return "\n" + rate_chart({traffic.rates_rps, traffic.rate_bin_s});
}

/// `json` is the whole file, for what is said of where it comes from.
std::string distribution_info(const std::string& name, const Json& json,
                              const Distribution& traffic) {
  std::string text = trace_field("file", name) + trace_field("format", "distribution of lengths");
  if (json.contains("requests")) {
    text += trace_field("requests",
                        grouped(json["requests"].get<double>()) + ", that it was made from");
  }
  if (traffic.mean_rate_rps > 0) {
    text += trace_field("mean rate", figure(traffic.mean_rate_rps) + " requests/s");
  }
  if (traffic.gap_cv > 0) {
    text += trace_field("burstiness",
                        figure(traffic.gap_cv) + " (CV of the gaps; Poisson arrivals have 1)");
  }
  text += trace_field("rank correlation",
                      figure(traffic.rank_correlation) + " (prompt with output tokens, Spearman)");
  for (const char* key : {"source", "licence"}) {
    const std::string value = json.value(key, "");
    if (!value.empty()) text += trace_field(key, value);
  }
  return text + "\n" + length_table(traffic) + rate_text(traffic);
}

/// Of all clients together.
Distribution together(const ClientMix& mix) {
  Distribution all;
  all.rate_bin_s = mix.clients.front().traffic.rate_bin_s;
  for (const MixClient& client : mix.clients) {
    const std::vector<double>& rates = client.traffic.rates_rps;
    all.rates_rps.resize(std::max(all.rates_rps.size(), rates.size()));
    std::transform(rates.begin(), rates.end(), all.rates_rps.begin(), all.rates_rps.begin(),
                   std::plus<>());
  }
  return all;
}

/// The busiest first.
std::vector<const MixClient*> by_rate(const ClientMix& mix) {
  std::vector<const MixClient*> clients;
  for (const MixClient& client : mix.clients) clients.push_back(&client);
  std::stable_sort(clients.begin(), clients.end(), [](const MixClient* a, const MixClient* b) {
    return a->traffic.mean_rate_rps > b->traffic.mean_rate_rps;
  });
  return clients;
}

std::string mix_info(const std::string& name, const ClientMix& mix) {
  constexpr std::size_t kMostShown = 20;
  const std::vector<const MixClient*> clients = by_rate(mix);
  const double rate_rps = mix.mean_rate_rps();
  std::string text = trace_field("file", name) + trace_field("format", "mix of clients") +
                     trace_field("clients", grouped(static_cast<double>(clients.size()))) +
                     trace_field("mean rate", figure(rate_rps) + " requests/s, of all") + "\n";
  Table table(
      {"client", "requests/s", "share", "burstiness", "prompt p50", "p99", "output p50", "p99"});
  double shown_rps = 0;
  for (std::size_t i = 0; i < std::min(clients.size(), kMostShown); ++i) {
    const Distribution& traffic = clients[i]->traffic;
    const auto tokens = [](const Quantiles& quantiles, double share) {
      return grouped(quantile_at(quantiles, share));
    };
    shown_rps += traffic.mean_rate_rps;
    table.add({clients[i]->name.empty() ? "-" : clients[i]->name, figure(traffic.mean_rate_rps),
               percent(traffic.mean_rate_rps / rate_rps), figure(traffic.gap_cv),
               tokens(traffic.prompt_quantiles, 0.5), tokens(traffic.prompt_quantiles, 0.99),
               tokens(traffic.output_quantiles, 0.5), tokens(traffic.output_quantiles, 0.99)});
  }
  text += table.text();
  if (clients.size() > kMostShown) {
    text += "  and " + grouped(static_cast<double>(clients.size() - kMostShown)) + " more, with " +
            percent(1 - shown_rps / rate_rps) + " of the requests\n";
  }
  return text + rate_text(together(mix));
}

Json mix_json(const ClientMix& mix) {
  Json clients = Json::array();
  for (const MixClient& client : mix.clients) {
    Json one{{"name", client.name}};
    one.update(traffic_json(client.traffic));
    clients.push_back(one);
  }
  return {{"mean_rate_rps", mix.mean_rate_rps()}, {"clients", clients}};
}

/// One JSON object with what these have; nothing where it is something else, as JSON lines are.
std::optional<Json> object_in(const std::string& file) {
  if (!file.ends_with(".json")) return {};
  std::ifstream in(file, std::ios::binary);
  Json json = Json::parse(in, nullptr, false);
  const bool fitted =
      json.is_object() && (json.contains("clients") || json.contains("prompt_quantiles"));
  return fitted ? std::optional(std::move(json)) : std::nullopt;
}

std::optional<Json> built_in(const std::string& name) {
  if (!is_builtin_trace(name)) return {};
  return load_profile("traces", "trace", name, "FILE");
}

}  // namespace

std::optional<std::string> fitted_info(const std::string& name, bool json) {
  check_trace_name("FILE", name);
  const bool is_file = std::ifstream(name).is_open();
  const std::optional<Json> fitted = is_file ? object_in(name) : built_in(name);
  if (!fitted) return {};
  const auto text_of = [&](const char* format, const Json& figures) {
    Json all{{"file", name}, {"format", format}};
    all.update(figures);
    return readable_json(all, 2) + "\n";
  };
  if (fitted->contains("clients")) {
    const ClientMix mix = read_client_mix(*fitted, name);
    return json ? text_of("mix of clients", mix_json(mix)) : mix_info(name, mix);
  }
  const Distribution traffic = read_distribution(*fitted, name);
  return json ? text_of("distribution of lengths", traffic_json(traffic))
              : distribution_info(name, *fitted, traffic);
}

}  // namespace cleave
