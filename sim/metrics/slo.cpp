#include "sim/metrics/slo.h"

#include <algorithm>
#include <cmath>

#include "sim/metrics/ratio.h"

namespace cleave {

SloCheck::SloCheck(const Scenario& scenario, const SloSpec& slo)
    : spec_(slo), reference_(scenario, slo) {
  const std::vector<SloLimit>& limits = spec_.limits;
  for (const SloLimit& limit : limits) {
    const bool looser = std::any_of(limits.begin(), limits.end(), [&](const SloLimit& other) {
      return other.metric == limit.metric && other.slowdown == limit.slowdown &&
             other.percentile > limit.percentile;
    });
    if (!looser) loosest_.push_back({limit.limit, limited_value(limit)});
  }
}

void SloCheck::add(const FinishedRequest& request, const RequestLatency& latency) {
  if (spec_.limits.empty()) return;
  Slowdowns slowdown;
  if (reference_.exists()) {
    slowdown = reference_.slowdowns(request, latency);
    ttft_slowdown_.add(slowdown.ttft);
    if (latency.has_tpot) tpot_slowdown_.add(slowdown.tpot);
    e2e_slowdown_.add(slowdown.e2e);
  }
  ++requests_;
  const bool good = std::all_of(loosest_.begin(), loosest_.end(), [&](const Loosest& each) {
    return each.value(request, latency, slowdown) <= each.limit;
  });
  good_ += good ? 1 : 0;
  over_time_.count(request.arrival_s, {good ? 1.0 : 0.0, 1});
}

const Quantiles& SloCheck::limited(const SloLimit& limit, const Measured& measured) const {
  if (limit.metric == "ttft") return limit.slowdown ? ttft_slowdown_ : measured.ttft;
  if (limit.metric == "tpot") return limit.slowdown ? tpot_slowdown_ : measured.tpot;
  if (limit.metric == "e2e") return limit.slowdown ? e2e_slowdown_ : measured.e2e;
  return measured.itl;
}

SloOverTime SloCheck::over_time() const {
  SloOverTime result{time_.width_s(), Json::array(), Json::array()};
  for (std::size_t i = 0; i < time_.size(); ++i) {
    const auto [good, all] = over_time_.integrals(i);
    result.attainment.push_back(all > 0 ? Json(good / all) : Json());
    result.requests.push_back(std::llround(all));
  }
  return result;
}

std::optional<SloResult> SloCheck::result(const Measured& measured, std::uint64_t failed,
                                          double seconds) const {
  if (spec_.limits.empty()) return std::nullopt;
  SloResult result{spec_.name, std::nullopt, failed == 0 && requests_ > 0, 0, 0, {}, {}};
  if (reference_.exists()) result.reference = spec_.reference.name;
  for (const SloLimit& limit : spec_.limits) {
    const double value = limited(limit, measured).quantile(limit.percentile / 100);
    const bool holds = value <= limit.limit;
    result.holds = result.holds && holds;
    result.limits.push_back({limit, value, holds});
  }
  const auto good = static_cast<double>(good_);
  result.attainment = per(good, static_cast<double>(requests_ + failed));
  result.goodput_rps = per(good, seconds);
  result.over_time = over_time();
  return result;
}

const FigureTable<SloFinding>& SloFinding::figures() {
  static const FigureTable<SloFinding> table{
      {"metric", "", "what is limited: `ttft`, `tpot`, `itl` or `e2e`",
       [](const SloFinding& finding) { return finding.limit.metric; }},
      {"percentile", "", "`p50` to `p99.9`",
       [](const SloFinding& finding) { return percentile_name(finding.limit.percentile); }},
      {"kind", "",
       "`seconds`, or `slowdown`: times the latency of the same request alone on the reference "
       "machine",
       [](const SloFinding& finding) { return finding.limit.slowdown ? "slowdown" : "seconds"; }},
      {"value", "s, or times", "what came out",
       [](const SloFinding& finding) { return finding.value; }},
      {"limit", "s, or times", "the most it may be",
       [](const SloFinding& finding) { return finding.limit.limit; }},
      {"holds", "", "`value` <= `limit`", [](const SloFinding& finding) { return finding.holds; }}};
  return table;
}

const FigureTable<SloOverTime>& SloOverTime::figures() {
  static const FigureTable<SloOverTime> table{
      {"bucket_s", "s", "width of the buckets, by arrival",
       [](const SloOverTime& time) { return time.bucket_s; }},
      {"attainment", "fraction", "as `slo.attainment`, null where nobody came",
       [](const SloOverTime& time) { return time.attainment; }},
      {"requests", "requests", "measured ones, and those that failed",
       [](const SloOverTime& time) { return time.requests; }}};
  return table;
}

const FigureTable<SloResult>& SloResult::figures() {
  static const FigureTable<SloResult> table{
      {"name", "", "of the SLO profile, or `custom`",
       [](const SloResult& result) { return result.name; }},
      {"reference", "", "machine of the slowdowns, or `null`",
       [](const SloResult& result) { return result.reference; }},
      {"holds", "", "slo_holds", better::more("0"),
       "every limit holds and no measured request failed",
       [](const SloResult& result) { return result.holds; }},
      {"attainment", "fraction", "slo_attainment", better::more("1%"),
       "requests that keep, each for itself, the limit of the highest percentile of every metric, "
       "out of the measured ones and those that failed; it can be 1 where the SLO is broken, as "
       "that asks every percentile of all requests",
       [](const SloResult& result) { return result.attainment; }},
      {"goodput_rps", "requests/s", "slo_goodput_rps", better::more("1%"),
       "those requests / length of the window",
       [](const SloResult& result) { return result.goodput_rps; }},
      {"limits[]", SloFinding::figures(),
       [](const SloResult& result) { return SloFinding::figures().json(result.limits); }},
      {"over_time", SloOverTime::figures(),
       [](const SloResult& result) { return SloOverTime::figures().json(result.over_time); }}};
  return table;
}

}  // namespace cleave
