#pragma once

#include <vector>

#include "sim/core/observer.h"

namespace cleave {

/// Lets several observers watch the same run.
class ObserverList : public Observer {
 public:
  explicit ObserverList(std::vector<Observer*> observers) : observers_(std::move(observers)) {}

  void arrived(double time_s) override {
    for (Observer* o : observers_) o->arrived(time_s);
  }
  void finished(const FinishedRequest& request) override {
    for (Observer* o : observers_) o->finished(request);
  }
  void rejected(const FinishedRequest& request, double needed_bytes) override {
    for (Observer* o : observers_) o->rejected(request, needed_bytes);
  }
  void unfinished(const FinishedRequest& request) override {
    for (Observer* o : observers_) o->unfinished(request);
  }
  void segment(const Segment& segment) override {
    for (Observer* o : observers_) o->segment(segment);
  }
  void gap(double time_s, double gap_s) override {
    for (Observer* o : observers_) o->gap(time_s, gap_s);
  }
  void given_up(double time_s, std::uint32_t output_tokens) override {
    for (Observer* o : observers_) o->given_up(time_s, output_tokens);
  }
  void memory(InstanceId instance, double time_s, double bytes) override {
    for (Observer* o : observers_) o->memory(instance, time_s, bytes);
  }
  void queue(InstanceId instance, double time_s, std::uint32_t requests) override {
    for (Observer* o : observers_) o->queue(instance, time_s, requests);
  }
  void transferred(InstanceId from, InstanceId to, double start_s, double end_s, double bytes,
                   double ideal_s) override {
    for (Observer* o : observers_) o->transferred(from, to, start_s, end_s, bytes, ideal_s);
  }
  void tier_moved(const TierMove& move) override {
    for (Observer* o : observers_) o->tier_moved(move);
  }
  void link_used(const LinkUse& link) override {
    for (Observer* o : observers_) o->link_used(link);
  }
  void status_changed(InstanceId instance, double time_s, InstanceStatus status) override {
    for (Observer* o : observers_) o->status_changed(instance, time_s, status);
  }
  void pool_changed(InstanceId instance, double time_s, PoolRole role) override {
    for (Observer* o : observers_) o->pool_changed(instance, time_s, role);
  }

 private:
  std::vector<Observer*> observers_;
};

}  // namespace cleave
