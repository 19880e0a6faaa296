#include "traces/traffic_classes.h"

#include <algorithm>
#include <utility>

#include "sim/base/random.h"
#include "traces/generator.h"

namespace cleave {

namespace {

class DrawnClasses final : public Transform {
 public:
  DrawnClasses(SourcePtr source, std::vector<SharedClass> classes, std::uint64_t seed)
      : Transform(std::move(source)), classes_(std::move(classes)), random_(seed, kClassStream) {
    for (const SharedClass& each : classes_) sum_ += each.share;
  }

  bool next(Request& request) override {
    if (!source().next(request)) return false;
    double left = random_.uniform() * sum_;
    std::size_t drawn = 0;
    while (drawn + 1 < classes_.size() && left >= classes_[drawn].share) {
      left -= classes_[drawn++].share;
    }
    const SharedClass& found = classes_[drawn];
    request.traffic_class = found.number;
    request.priority = found.priority;
    if (found.lengths) {
      found.lengths->draw(request);
      request.content.clear();
    }
    return true;
  }

 private:
  std::vector<SharedClass> classes_;
  double sum_ = 0;
  Random random_;
};

class OfClass final : public Transform {
 public:
  OfClass(SourcePtr source, std::uint32_t number, std::uint32_t priority)
      : Transform(std::move(source)), number_(number), priority_(priority) {}

  bool next(Request& request) override {
    if (!source().next(request)) return false;
    mark(request);
    return true;
  }
  bool follow_up(std::uint64_t session, bool served, Request& request) override {
    if (!source().follow_up(session, served, request)) return false;
    mark(request);
    return true;
  }

 private:
  void mark(Request& request) const {
    request.traffic_class = number_;
    request.priority = priority_;
  }

  std::uint32_t number_;
  std::uint32_t priority_;
};

class GivenPriorities final : public Transform {
 public:
  GivenPriorities(SourcePtr source, std::vector<std::uint32_t> of_classes)
      : Transform(std::move(source)), of_classes_(std::move(of_classes)) {}

  bool next(Request& request) override {
    if (!source().next(request)) return false;
    request.priority = of_classes_[request.traffic_class];
    return true;
  }

 private:
  std::vector<std::uint32_t> of_classes_;
};

class Merged final : public RequestSource {
 public:
  explicit Merged(std::vector<SourcePtr> sources) {
    for (SourcePtr& source : sources) {
      inputs_.push_back({std::move(source), {}, false});
      fetch(inputs_.back());
    }
  }

  bool next(Request& request) override {
    Input* first = nullptr;
    for (Input& input : inputs_) {
      if (!input.more) continue;
      if (first == nullptr || input.request.arrival_s < first->request.arrival_s) first = &input;
    }
    if (first == nullptr) return false;
    std::swap(request, first->request);
    give_own_session(request, *first);
    request.line = ++count_;
    fetch(*first);
    return true;
  }

  bool follow_up(std::uint64_t session, bool served, Request& request) override {
    Input& input = inputs_[session % inputs_.size()];
    if (!input.source->follow_up(session / inputs_.size(), served, request)) return false;
    give_own_session(request, input);
    request.line = ++count_;
    return true;
  }

 private:
  struct Input {
    SourcePtr source;
    Request request;
    bool more;
  };

  static void fetch(Input& input) {
    input.request.content.clear();
    input.request.session = 0;
    input.more = input.source->next(input.request);
  }
  void give_own_session(Request& request, const Input& input) const {
    if (request.session == 0) return;
    request.session =
        request.session * inputs_.size() + static_cast<std::size_t>(&input - inputs_.data());
  }

  std::vector<Input> inputs_;
  std::uint64_t count_ = 0;
};

}  // namespace

SourcePtr draw_classes(SourcePtr source, std::vector<SharedClass> classes, std::uint64_t seed) {
  return std::make_unique<DrawnClasses>(std::move(source), std::move(classes), seed);
}

SourcePtr give_priorities(SourcePtr source, std::vector<std::uint32_t> of_classes) {
  return std::make_unique<GivenPriorities>(std::move(source), std::move(of_classes));
}

SourcePtr of_class(SourcePtr source, std::uint32_t number, std::uint32_t priority) {
  return std::make_unique<OfClass>(std::move(source), number, priority);
}

SourcePtr merge(std::vector<SourcePtr> sources) {
  return std::make_unique<Merged>(std::move(sources));
}

}  // namespace cleave
