#include "sim/metrics/single_requests.h"

#include <algorithm>

namespace cleave {

namespace {

constexpr const char* kLogged = "as in requests.csv";

double e2e_s(const FinishedRequest& request) { return request.completion_s - request.arrival_s; }

bool slower(const FinishedRequest& a, const FinishedRequest& b) {
  return e2e_s(a) != e2e_s(b) ? e2e_s(a) > e2e_s(b) : a.number < b.number;
}

}  // namespace

const FigureTable<RejectedRequest>& RejectedRequest::figures() {
  using R = RejectedRequest;
  static const FigureTable<R> table{
      {"line", "", kLogged, [](const R& r) { return r.line; }},
      {"tokens", "tokens", "prompt and output", [](const R& r) { return r.tokens; }},
      {"needed_bytes", "bytes", "of KV cache", [](const R& r) { return r.needed_bytes; }}};
  return table;
}

void SlowestRequests::add(const FinishedRequest& request) {
  constexpr std::size_t kMost = 50;
  if (heap_.size() == kMost && !slower(request, heap_.front())) return;
  if (heap_.size() == kMost) {
    std::pop_heap(heap_.begin(), heap_.end(), slower);
    heap_.pop_back();
  }
  heap_.push_back(request);
  std::push_heap(heap_.begin(), heap_.end(), slower);
}

Json SlowestRequests::json() const {
  std::vector<FinishedRequest> requests = heap_;
  std::sort(requests.begin(), requests.end(),
            [](const FinishedRequest& a, const FinishedRequest& b) { return e2e_s(a) > e2e_s(b); });
  return figures().json(requests);
}

const FigureTable<FinishedRequest>& SlowestRequests::figures() {
  using R = FinishedRequest;
  static const FigureTable<R> table{
      {"request", "", kLogged, [](const R& r) { return r.number; }},
      {"line", "", kLogged, [](const R& r) { return r.line; }},
      {"prompt_tokens", "tokens", kLogged, [](const R& r) { return r.prompt_tokens; }},
      {"output_tokens", "tokens", kLogged, [](const R& r) { return r.output_tokens; }},
      {"arrival_s", "s", kLogged, [](const R& r) { return r.arrival_s; }},
      {"queueing_s", "s", "arrival to prompt phase",
       [](const R& r) { return r.prompt_start_s - r.arrival_s; }},
      {"prompt_s", "s", "prompt phase",
       [](const R& r) { return r.first_token_s - r.prompt_start_s; }},
      {"transfer_s", "s", "first token to the transfer's end",
       [](const R& r) { return r.exposed_transfer_s(); }},
      {"e2e_s", "s", kLogged, [](const R& r) { return e2e_s(r); }},
      {"largest_gap_s", "s", kLogged, [](const R& r) { return r.largest_gap_s; }},
      {"prompt_instance", "", kLogged, [](const R& r) { return r.prompt_instance; }},
      {"token_instance", "", kLogged, [](const R& r) { return r.token_instance; }},
      {"restarts", "", kLogged, [](const R& r) { return r.restarts; }}};
  return table;
}

}  // namespace cleave
