#pragma once

#include <sstream>
#include <string>

#include "sim/core/observer.h"

namespace cleave {

/// Everything that an observer hears, as text: a line for each event, numbers to the last bit.
class EventLog : public Observer {
 public:
  EventLog() { out_ << std::hexfloat; }
  std::string text() const { return out_.str(); }

  void arrived(double time_s) override { line("arrived", time_s); }
  void finished(const FinishedRequest& request) override { line("finished", request); }
  void rejected(const FinishedRequest& request, double needed_bytes) override {
    line("rejected", request, needed_bytes);
  }
  void unfinished(const FinishedRequest& request) override { line("unfinished", request); }
  void segment(const Segment& s) override {
    line("segment", s.instance, s.start_s, s.end_s, s.iterations, s.first_iteration_s, s.growth_s,
         s.prompts, s.prompt_tokens, s.decodes, s.joined, s.kv_tokens);
  }
  void gap(double time_s, double gap_s) override { line("gap", time_s, gap_s); }
  void given_up(double time_s, std::uint32_t output_tokens) override {
    line("given_up", time_s, output_tokens);
  }
  void memory(InstanceId instance, double time_s, double bytes) override {
    line("memory", instance, time_s, bytes);
  }
  void queue(InstanceId instance, double time_s, std::uint32_t requests) override {
    line("queue", instance, time_s, requests);
  }
  void transferred(InstanceId from, InstanceId to, double start_s, double end_s, double bytes,
                   double ideal_s) override {
    line("transferred", from, to, start_s, end_s, bytes, ideal_s);
  }
  void tier_moved(const TierMove& move) override {
    line("tier_moved", static_cast<int>(move.tier), move.instance, move.load, move.asked_s,
         move.end_s, move.tokens, move.bytes);
  }
  void link_used(const LinkUse& link) override {
    line("link_used", link.name, link.bandwidth_bytes_per_s, link.bytes, link.mean, link.p99,
         link.above_90);
  }
  void status_changed(InstanceId instance, double time_s, InstanceStatus status) override {
    line("status_changed", instance, time_s, static_cast<int>(status));
  }
  void pool_changed(InstanceId instance, double time_s, PoolRole role) override {
    line("pool_changed", instance, time_s, role_name(role));
  }

 private:
  template <class... Values>
  void line(const Values&... values) {
    (put(values), ...);
    out_ << '\n';
  }
  template <class Value>
  void put(const Value& value) {
    out_ << value << ' ';
  }
  void put(const FinishedRequest& r) {
    line(r.number, r.line, r.prompt_tokens, r.output_tokens, r.arrival_s, r.prompt_start_s,
         r.first_token_s, r.transfer_ready_s, r.transfer_start_s, r.transfer_end_s, r.token_start_s,
         r.completion_s, r.largest_gap_s, r.aside_s, r.prompt_instance, r.token_instance,
         r.preemptions, r.restarts);
  }

  std::ostringstream out_;
};

}  // namespace cleave
