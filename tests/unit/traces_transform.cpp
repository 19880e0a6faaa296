#include "tests/catch.h"
#include "tests/unit/traces_support.h"
#include "traces/transform.h"

using namespace cleave;
using namespace cleave::testing;

namespace {

class Listed final : public RequestSource {
 public:
  explicit Listed(std::vector<double> arrivals_s) : arrivals_s_(std::move(arrivals_s)) {}
  bool next(Request& request) override {
    if (at_ == arrivals_s_.size()) return false;
    request = {arrivals_s_[at_], 1, 1, at_ + 1};
    ++at_;
    return true;
  }

 private:
  std::vector<double> arrivals_s_;
  std::size_t at_ = 0;
};

SourcePtr listed(std::vector<double> arrivals_s) {
  return std::make_unique<Listed>(std::move(arrivals_s));
}

std::vector<double> arrivals(const SourcePtr& source) {
  std::vector<double> all;
  for (const Request& request : read_all(*source)) all.push_back(request.arrival_s);
  return all;
}

using Times = std::vector<double>;

}  // namespace

TEST_CASE("Twice the rate halves the times") {
  CHECK(arrivals(scale_rate(listed({0, 1, 5}), 2)) == Times{0, 0.5, 2.5});
}

TEST_CASE("A window is half open and starts at 0") {
  CHECK(arrivals(cut_window(listed({0, 1, 2, 2, 3, 4}), 1, 3)) == Times{0, 1, 1});
  CHECK(arrivals(cut_window(listed({0, 1}), 5, 6)).empty());
}

TEST_CASE("Repeated traces go on after one mean gap, or by the period given") {
  const auto open = [] { return listed({1, 2, 5}); };
  CHECK(arrivals(repeat(open, 1)) == Times{1, 2, 5});
  CHECK(arrivals(repeat(open, 3)) == Times{1, 2, 5, 7, 8, 11, 13, 14, 17});
  CHECK(arrivals(repeat(open, 2, 10.0)) == Times{1, 2, 5, 11, 12, 15});
  CHECK(arrivals(repeat([] { return listed({}); }, 3)).empty());
  CHECK(read_all(*repeat(open, 2)).at(4).line == 2);
}

TEST_CASE("A source can be limited in requests and in time") {
  CHECK(arrivals(limit_requests(listed({1, 2, 5}), 2)) == Times{1, 2});
  CHECK(arrivals(limit_requests(listed({1}), 2)) == Times{1});
  CHECK(arrivals(limit_duration(listed({0, 1, 2, 5}), 2)) == Times{0, 1});
}
