#include "sim/metrics/class_log.h"

#include <vector>

#include "sim/metrics/ratio.h"

namespace cleave {

namespace {

double jain(const std::vector<double>& values) {
  double sum = 0;
  double squares = 0;
  for (const double value : values) {
    sum += value;
    squares += value * value;
  }
  return squares > 0 ? sum * sum / (static_cast<double>(values.size()) * squares) : 1;
}

}  // namespace

void ClassLog::finished(const FinishedRequest& request) {
  ++completed_;
  prompt_tokens_ += request.prompt_tokens;
  output_tokens_ += request.output_tokens;
  asked_tokens_ += request.prompt_tokens + request.output_tokens;
}

void ClassLog::failed(const FinishedRequest& request) {
  asked_tokens_ += request.prompt_tokens + request.output_tokens;
  switch (request.refusal) {
    case Refusal::kNone:
      ++unfinished_;
      break;
    case Refusal::kTooLarge:
      ++too_large_;
      break;
    case Refusal::kOverRate:
      ++over_rate_;
      break;
    case Refusal::kLate:
      ++late_;
  }
}

void ClassLog::measured(const FinishedRequest& request, const RequestLatency& latency) {
  ttft_.add(latency.ttft_s);
  e2e_.add(latency.e2e_s);
  queueing_.add(request.prompt_start_s - request.arrival_s);
  if (latency.has_tpot) tpot_.add(latency.tpot_s);
  slo_.add(request, latency);
}

void ClassLog::measured_failed(const FinishedRequest& request) {
  ++measured_failures_;
  slo_.add_failed(request.arrival_s);
}

void ClassLog::end(double window_s) {
  static const Quantiles none;
  if (ttft_.count() + measured_failures_ == 0) return;  // nothing of it to judge
  result_ = slo_.result({ttft_, tpot_, none, e2e_}, measured_failures_, window_s);
}

double ClassLog::served_share() const {
  return asked_tokens_ > 0 ? (prompt_tokens_ + output_tokens_) / asked_tokens_ : 1;
}

const FigureTable<ClassLog>& ClassLog::figures() {
  using C = ClassLog;
  static const FigureTable<C> table{
      {"name", "", "as in the scenario", [](const C& c) { return c.name_; }},
      {"arrived", "requests", "= completed + unfinished + too_large + over_rate + late",
       [](const C& c) {
         return c.completed_ + c.unfinished_ + c.too_large_ + c.over_rate_ + c.late_;
       }},
      {"completed", "requests", "left with all their tokens",
       [](const C& c) { return c.completed_; }},
      {"unfinished", "requests", "still in the cluster at the end",
       [](const C& c) { return c.unfinished_; }},
      {"too_large", "requests", "sent away: too large for every instance",
       [](const C& c) { return c.too_large_; }},
      {"over_rate", "requests", "sent away: the class sent more than its admission lets in",
       [](const C& c) { return c.over_rate_; }},
      {"late", "requests", "sent away: they still waited when their first token was due",
       [](const C& c) { return c.late_; }},
      {"prompt_tokens", "tokens", "of completed requests",
       [](const C& c) { return c.prompt_tokens_; }},
      {"output_tokens", "tokens", "of completed requests",
       [](const C& c) { return c.output_tokens_; }},
      {"served_share", "fraction",
       "of the tokens that all its requests asked for, those of completed ones",
       [](const C& c) { return c.served_share(); }},
      {"ttft", "s", "as `ttft`, of the class", [](const C& c) { return &c.ttft_; }},
      {"tpot", "s", "as `tpot`", [](const C& c) { return &c.tpot_; }},
      {"e2e", "s", "as `e2e`", [](const C& c) { return &c.e2e_; }},
      {"queueing", "s", "as `queueing`", [](const C& c) { return &c.queueing_; }},
      {"attainment", "fraction",
       "as `slo.attainment`, of the class's own SLO; null where it has none, or no request was "
       "measured",
       [](const C& c) { return c.result_ ? std::optional(c.result_->attainment) : std::nullopt; }},
      {"goodput_rps", "requests/s", "as `slo.goodput_rps`",
       [](const C& c) { return c.result_ ? std::optional(c.result_->goodput_rps) : std::nullopt; }},
      {"holds", "",
       "whether its SLO holds, as `slo.holds`; null where it has none, or no request was "
       "measured",
       [](const C& c) { return c.result_ ? std::optional(c.result_->holds) : std::nullopt; }},
      {"limits[]", SloFinding::figures(), [](const C& c) {
         return c.result_ ? SloFinding::figures().json(c.result_->limits) : Json::array();
       }}};
  return table;
}

Fairness Fairness::of(const std::deque<ClassLog>& classes) {
  std::vector<double> served;
  std::vector<double> attained;
  for (const ClassLog& each : classes) {
    served.push_back(each.served_share());
    if (each.slo()) attained.push_back(each.slo()->attainment);
  }
  Fairness result{jain(served), {}};
  if (attained.size() == classes.size()) result.attainment = jain(attained);
  return result;
}

const FigureTable<Fairness>& Fairness::figures() {
  static const FigureTable<Fairness> table{
      {"service", "fraction", "fairness_service", better::more(),
       "Jain's index of the classes' `served_share`: 1 where all are equal",
       [](const Fairness& fairness) { return fairness.service; }},
      {"attainment", "fraction", "fairness_attainment", better::more(),
       "Jain's index of their `attainment`; null where a class has no SLO",
       [](const Fairness& fairness) { return fairness.attainment; }}};
  return table;
}

}  // namespace cleave
