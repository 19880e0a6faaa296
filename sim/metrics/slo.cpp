#include "sim/metrics/slo.h"

#include <algorithm>

#include "sim/scenario/pool_latency.h"

namespace cleave {

namespace {

std::string percentile_name(double percentile) {
  if (percentile == 99.9) return "p99.9";
  return "p" + std::to_string(static_cast<int>(percentile));
}

}  // namespace

SloCheck::SloCheck(const Scenario& scenario) : spec_(scenario.slo) {
  for (const SloLimit& limit : spec_.limits) {
    const auto same = std::find_if(loosest_.begin(), loosest_.end(), [&](const SloLimit& other) {
      return other.metric == limit.metric && other.slowdown == limit.slowdown;
    });
    if (same == loosest_.end()) {
      loosest_.push_back(limit);
    } else if (limit.percentile > same->percentile) {
      *same = limit;
    }
    if (limit.slowdown && !reference_) {
      reference_ = reference_latency(scenario);
      reference_decode_ = reference_->cost({0, 0, 0, 1, 0});
    }
  }
}

SloCheck::Slowdowns SloCheck::slowdowns(const FinishedRequest& request,
                                        const RequestLatency& latency) const {
  const double prompt = request.prompt_tokens;
  const double gaps = request.output_tokens - 1.0;
  const double first_s = prompt_s(*reference_, request.prompt_tokens);
  const double mean_kv_tokens = prompt + (gaps + 1) / 2;
  const double gap_s = reference_decode_.first_s + reference_decode_.growth_s * mean_kv_tokens;
  return {latency.ttft_s / first_s, latency.tpot_s / gap_s,
          latency.e2e_s / (first_s + gaps * gap_s)};
}

void SloCheck::add(const FinishedRequest& request, const RequestLatency& latency) {
  if (spec_.limits.empty()) return;
  Slowdowns slowdown{};
  if (reference_) {
    slowdown = slowdowns(request, latency);
    ttft_slowdown_.add(slowdown.ttft);
    if (latency.has_tpot) tpot_slowdown_.add(slowdown.tpot);
    e2e_slowdown_.add(slowdown.e2e);
  }
  ++requests_;
  const bool good = std::all_of(loosest_.begin(), loosest_.end(), [&](const SloLimit& limit) {
    if (limit.metric == "ttft")
      return (limit.slowdown ? slowdown.ttft : latency.ttft_s) <= limit.limit;
    if (limit.metric == "tpot")
      return (limit.slowdown ? slowdown.tpot : latency.tpot_s) <= limit.limit;
    if (limit.metric == "e2e")
      return (limit.slowdown ? slowdown.e2e : latency.e2e_s) <= limit.limit;
    return request.largest_gap_s <= limit.limit;
  });
  good_ += good ? 1 : 0;
}

void SloCheck::add_cumulative(Json& cdf, std::size_t points) const {
  if (!reference_) return;
  cdf["ttft_slowdown"] = ttft_slowdown_.cumulative(points);
  cdf["tpot_slowdown"] = tpot_slowdown_.cumulative(points);
  cdf["e2e_slowdown"] = e2e_slowdown_.cumulative(points);
}

Json SloCheck::json(const Measured& measured, std::uint64_t failed, double seconds) const {
  if (spec_.limits.empty()) return nullptr;
  Json limits = Json::array();
  bool all = true;
  for (const SloLimit& limit : spec_.limits) {
    const Quantiles* of = nullptr;
    if (limit.metric == "ttft") of = limit.slowdown ? &ttft_slowdown_ : &measured.ttft;
    if (limit.metric == "tpot") of = limit.slowdown ? &tpot_slowdown_ : &measured.tpot;
    if (limit.metric == "e2e") of = limit.slowdown ? &e2e_slowdown_ : &measured.e2e;
    if (limit.metric == "itl") of = &measured.itl;
    const double value = of->quantile(limit.percentile / 100);
    const bool holds = value <= limit.limit;
    all = all && holds;
    limits.push_back({{"metric", limit.metric},
                      {"percentile", percentile_name(limit.percentile)},
                      {"kind", limit.slowdown ? "slowdown" : "seconds"},
                      {"value", value},
                      {"limit", limit.limit},
                      {"holds", holds}});
  }
  const auto total = static_cast<double>(requests_ + failed);
  const auto good = static_cast<double>(good_);
  return {{"name", spec_.name},
          {"reference", reference_ ? Json(spec_.reference.name) : Json()},
          {"holds", all && failed == 0 && requests_ > 0},
          {"attainment", total > 0 ? good / total : 0},
          {"goodput_rps", seconds > 0 ? good / seconds : 0},
          {"limits", limits}};
}

}  // namespace cleave
