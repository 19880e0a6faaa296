#include "traces/statistics.h"

#include <algorithm>
#include <deque>
#include <string>
#include <unordered_map>
#include <unordered_set>

#include "sim/base/error.h"
#include "traces/moments.h"
#include "traces/trace_reader.h"

namespace cleave {

namespace {

/// The most arrivals in any window of one length.
class PeakWindow {
 public:
  explicit PeakWindow(double length_s) : length_s_(length_s) {}
  void add(double arrival_s) {
    window_.push_back(arrival_s);
    while (window_.front() <= arrival_s - length_s_) window_.pop_front();
    most_ = std::max(most_, window_.size());
  }
  double rate() const { return static_cast<double>(most_) / length_s_; }

 private:
  double length_s_;
  std::deque<double> window_;
  std::size_t most_ = 0;
};

class PrefixCounter {
 public:
  explicit PrefixCounter(const TraceReader* reader) : reader_(reader) {}
  void add() {
    const auto* blocks = reader_ == nullptr ? nullptr : reader_->prompt_blocks();
    if (blocks == nullptr) return;
    sharing_.blocks += blocks->size();
    for (const std::uint64_t id : *blocks) {
      if (!seen_.insert(id).second) ++sharing_.seen_before;
    }
  }
  std::optional<PrefixSharing> result() {
    if (sharing_.blocks == 0) return {};
    sharing_.block_tokens = reader_->prompt_block_tokens();
    return sharing_;
  }

 private:
  const TraceReader* reader_;
  PrefixSharing sharing_;
  std::unordered_set<std::uint64_t> seen_;
};

struct Row {
  std::uint32_t prompt;
  std::uint32_t output;
};

/// The rank of each length, averaged over the requests that share it.
std::unordered_map<std::uint32_t, double> ranks(const TokenCounts& counts) {
  std::unordered_map<std::uint32_t, double> result;
  double below = 0;
  counts.for_each([&](std::uint32_t tokens, std::uint64_t count) {
    result[tokens] = below + 0.5 * (static_cast<double>(count) + 1);
    below += static_cast<double>(count);
  });
  return result;
}

double rank_correlation(const std::vector<Row>& rows, const TraceStatistics& statistics) {
  const auto prompt_ranks = ranks(statistics.prompt_tokens);
  const auto output_ranks = ranks(statistics.output_tokens);
  PairMoments together;
  for (const Row& row : rows) {
    together.add(prompt_ranks.at(row.prompt), output_ranks.at(row.output));
  }
  return together.correlation();
}

/// The finest of a few round bins that holds 100 requests on average and gives at most 2,000 bins.
double rate_bin(double duration_s, double requests) {
  constexpr double kBins[] = {1, 10, 60, 600, 3600, 86400};
  for (const double bin_s : kBins) {
    if (bin_s * requests >= 100 * duration_s && duration_s <= 2000 * bin_s) return bin_s;
  }
  return std::max(kBins[5], duration_s / 2000);
}

std::vector<double> rates(const std::vector<double>& arrivals_s, double duration_s, double bin_s) {
  const auto bins = std::max<std::size_t>(1, static_cast<std::size_t>(duration_s / bin_s));
  std::vector<double> result(bins);
  const double length_s = bins == 1 ? std::min(bin_s, duration_s) : bin_s;
  for (const double at : arrivals_s) {
    const auto bin = static_cast<std::size_t>((at - arrivals_s.front()) / bin_s);
    if (bin < bins) result[bin] += 1 / length_s;
  }
  return result;
}

Json lengths_json(const TokenCounts& counts) {
  Json json;
  json["mean"] = counts.mean();
  json["std"] = counts.deviation();
  json["min"] = counts.quantile(0);
  json["p50"] = counts.quantile(0.5);
  json["p90"] = counts.quantile(0.9);
  json["p95"] = counts.quantile(0.95);
  json["p99"] = counts.quantile(0.99);
  json["p99.9"] = counts.quantile(0.999);
  json["max"] = counts.quantile(1);
  return json;
}

}  // namespace

TraceStatistics measure_trace(RequestSource& source) {
  TraceStatistics result;
  std::vector<Row> rows;
  std::vector<double> arrivals_s;
  Moments gaps;
  PeakWindow second(1);
  PeakWindow minute(60);
  PrefixCounter prefix(dynamic_cast<const TraceReader*>(&source));
  Request request;
  while (source.next(request)) {
    if (!arrivals_s.empty()) gaps.add(request.arrival_s - arrivals_s.back());
    arrivals_s.push_back(request.arrival_s);
    rows.push_back({request.prompt_tokens, request.output_tokens});
    result.prompt_tokens.add(request.prompt_tokens);
    result.output_tokens.add(request.output_tokens);
    second.add(request.arrival_s);
    minute.add(request.arrival_s);
    prefix.add();
  }
  if (rows.empty()) throw InputError("empty trace; expected at least one request");
  result.requests = rows.size();
  result.first_arrival_s = arrivals_s.front();
  result.duration_s = arrivals_s.back() - arrivals_s.front();
  result.peak_rate_1s_rps = second.rate();
  result.peak_rate_60s_rps = minute.rate();
  if (result.duration_s > 0) {
    result.mean_rate_rps = 1 / gaps.mean();
    result.gap_cv = gaps.deviation() / gaps.mean();
    result.rate_bin_s = rate_bin(result.duration_s, static_cast<double>(result.requests));
    result.rates_rps = rates(arrivals_s, result.duration_s, result.rate_bin_s);
  }
  result.rank_correlation = rank_correlation(rows, result);
  result.prefix = prefix.result();
  return result;
}

Json statistics_json(const TraceStatistics& statistics) {
  Json json;
  json["requests"] = statistics.requests;
  json["first_arrival_s"] = statistics.first_arrival_s;
  json["duration_s"] = statistics.duration_s;
  json["mean_rate_rps"] = statistics.mean_rate_rps;
  json["peak_rate_1s_rps"] = statistics.peak_rate_1s_rps;
  json["peak_rate_60s_rps"] = statistics.peak_rate_60s_rps;
  json["gap_cv"] = statistics.gap_cv;
  json["prompt_tokens"] = lengths_json(statistics.prompt_tokens);
  json["output_tokens"] = lengths_json(statistics.output_tokens);
  json["rank_correlation"] = statistics.rank_correlation;
  if (statistics.prefix) {
    json["prefix"] = {{"block_tokens", statistics.prefix->block_tokens},
                      {"blocks", statistics.prefix->blocks},
                      {"seen_before", statistics.prefix->seen_before},
                      {"share", statistics.prefix->share()}};
  }
  json["rate_bin_s"] = statistics.rate_bin_s;
  json["rates_rps"] = statistics.rates_rps;
  return json;
}

}  // namespace cleave
