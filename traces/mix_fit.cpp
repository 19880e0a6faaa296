#include "traces/mix_fit.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <unordered_map>
#include <utility>

#include "sim/base/error.h"
#include "sim/base/json_reader.h"
#include "traces/moments.h"
#include "traces/statistics.h"

namespace cleave {

namespace {

struct Row {
  double arrival_s;
  std::uint32_t prompt_tokens;
  std::uint32_t output_tokens;
};

struct Sent {
  std::string name;
  std::vector<Row> rows;
};

struct Traffic {
  std::vector<Sent> clients;
  double span_s = 0;  ///< up to its last request, or to its end where the trace goes on behind it
};

Traffic read_traffic(TraceReader& reader, const MixFitSettings& settings) {
  Traffic traffic;
  std::vector<Sent>& all = traffic.clients;
  std::unordered_map<std::string, std::size_t> numbers;
  Request request;
  while (reader.next(request)) {
    traffic.span_s = std::min(request.arrival_s, settings.to_s) - settings.from_s;
    if (request.arrival_s >= settings.to_s) break;
    if (request.arrival_s < settings.from_s) continue;
    const std::string name(reader.client());
    require_utf8(name, "the client of a request");
    const std::size_t number = numbers.emplace(name, all.size()).first->second;
    if (number == all.size()) all.push_back({name, {}});
    all[number].rows.push_back(
        {request.arrival_s - settings.from_s, request.prompt_tokens, request.output_tokens});
  }
  return traffic;
}

/// The whole bins of the traffic, or a part of one where it is no longer.
struct Bins {
  std::size_t count;
  double bin_s;
  double length_s;  ///< that requests come in each of them

  double end_s() const { return static_cast<double>(count) * bin_s; }
  double requests_s() const { return static_cast<double>(count) * length_s; }
};

Bins bins_of(double span_s, double bin_s, const std::string& place) {
  constexpr double kMostBins = 1e6;
  // The last request of a trace of a day comes a little before the day ends.
  constexpr double kNearlyWhole = 0.95;
  const double whole = std::floor(span_s / bin_s + 1 - kNearlyWhole);
  if (whole > kMostBins) {
    throw InputError(place + ": has more than 1,000,000 bins of " + std::to_string(bin_s) +
                     " s; expected longer ones (--bin-s)");
  }
  if (whole < 1) return {1, bin_s, span_s};
  return {static_cast<std::size_t>(whole), bin_s, bin_s};
}

/// Rows as requests.
class Rows final : public RequestSource {
 public:
  explicit Rows(const std::vector<Row>& rows) : rows_(rows) {}
  bool next(Request& request) override {
    if (at_ == rows_.size()) return false;
    const Row& row = rows_[at_++];
    request.arrival_s = row.arrival_s;
    request.prompt_tokens = row.prompt_tokens;
    request.output_tokens = row.output_tokens;
    return true;
  }

 private:
  const std::vector<Row>& rows_;
  std::size_t at_ = 0;
};

std::vector<double> rates_of(const std::vector<Row>& rows, const Bins& bins) {
  std::vector<double> counts(bins.count);
  for (const Row& row : rows) ++counts[static_cast<std::size_t>(row.arrival_s / bins.bin_s)];
  for (double& count : counts) count /= bins.length_s;
  return counts;
}

double gap_cv(const std::vector<Row>& rows, const std::vector<double>& rates, const Bins& bins) {
  if (rows.size() < 3) return 1;
  std::vector<double> expected{0};  // requests up to each bin
  for (const double rate : rates) expected.push_back(expected.back() + rate * bins.length_s);
  const auto own_time = [&](double arrival_s) {
    const auto bin = static_cast<std::size_t>(arrival_s / bins.bin_s);
    return expected[bin] + rates[bin] * (arrival_s - static_cast<double>(bin) * bins.bin_s);
  };
  Moments gaps;
  for (std::size_t i = 1; i < rows.size(); ++i) {
    gaps.add(own_time(rows[i].arrival_s) - own_time(rows[i - 1].arrival_s));
  }
  gaps.add(expected.back() - own_time(rows.back().arrival_s) + own_time(rows.front().arrival_s));
  return std::clamp(gaps.deviation() / gaps.mean(), kLeastGapCv, kLargestGapCv);
}

MixClient measure(const Sent& sent, const Bins& bins) {
  Rows source(sent.rows);
  const TraceStatistics statistics = measure_trace(source);
  const std::size_t count = std::clamp<std::size_t>(sent.rows.size(), 2, kMixQuantiles);
  MixClient client{sent.name, sent.rows.size(), {}};
  Distribution& traffic = client.traffic;
  traffic.prompt_quantiles = statistics.prompt_tokens.quantiles(count);
  traffic.output_quantiles = statistics.output_tokens.quantiles(count);
  traffic.rank_correlation = statistics.rank_correlation;
  traffic.rate_bin_s = bins.bin_s;
  traffic.rates_rps = rates_of(sent.rows, bins);
  traffic.mean_rate_rps = static_cast<double>(sent.rows.size()) / bins.requests_s();
  traffic.gap_cv = gap_cv(sent.rows, traffic.rates_rps, bins);
  return client;
}

Sent gathered(const std::vector<Sent>& all, const std::vector<std::size_t>& numbers) {
  Sent others{"all others", {}};
  for (const std::size_t number : numbers) {
    others.rows.insert(others.rows.end(), all[number].rows.begin(), all[number].rows.end());
  }
  std::stable_sort(others.rows.begin(), others.rows.end(),
                   [](const Row& a, const Row& b) { return a.arrival_s < b.arrival_s; });
  return others;
}

}  // namespace

ChosenClients choose_clients(const std::vector<double>& requests, std::optional<std::size_t> most) {
  std::vector<std::size_t> order(requests.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::erase_if(order, [&](std::size_t number) { return !(requests[number] > 0); });
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return requests[a] > requests[b]; });
  const auto split = order.begin() + static_cast<std::ptrdiff_t>(
                                         std::min(order.size(), most.value_or(kMostClients)));
  return {{order.begin(), split}, {split, order.end()}};
}

FittedMix fit_clients(TraceReader& reader, const MixFitSettings& settings,
                      const std::string& place) {
  auto [all, span_s] = read_traffic(reader, settings);
  if (all.empty()) throw InputError(place + ": no request arrives in the part asked for");
  if (!(span_s > 0)) {
    throw InputError(place +
                     ": all requests arrive at once; expected a trace that takes some time");
  }
  const Bins bins = bins_of(span_s, settings.bin_s, place);
  FittedMix fitted;
  std::vector<double> requests;
  for (Sent& sent : all) {
    fitted.behind +=
        std::erase_if(sent.rows, [&](const Row& row) { return row.arrival_s >= bins.end_s(); });
    requests.push_back(static_cast<double>(sent.rows.size()));
  }
  const ChosenClients chosen = choose_clients(requests, settings.clients);
  if (chosen.apart.empty()) {
    throw InputError(place + ": no request arrives in whole bins; expected a smaller --bin-s");
  }
  ClientMix& mix = fitted.mix;
  for (const std::size_t number : chosen.apart) mix.clients.push_back(measure(all[number], bins));
  if (!chosen.together.empty()) {
    mix.clients.push_back(measure(gathered(all, chosen.together), bins));
    mix.clients.back().traffic.gap_cv = 1;
  }
  return fitted;
}

}  // namespace cleave
