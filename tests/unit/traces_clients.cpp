// Clients that wait for their requests, with nothing but a list in the place of a server.

#include <algorithm>
#include <cmath>

#include "tests/catch.h"
#include "tests/unit/traces_support.h"

using namespace cleave;
using namespace cleave::testing;

namespace {

constexpr double kNever = std::numeric_limits<double>::infinity();

std::string closed(const std::string& more) {
  return R"({"prompt_tokens": 100, "output_tokens": 10, "arrivals": "closed", )" + more + "}";
}

Clients clients_of(const std::string& json) { return open_workload(workload_from(json)); }

struct Served {
  Request request;
  double completion_s;
};

/// A server that takes `service_s(i)` for the i-th request, whatever else it has; what is completed
/// at one time is told in the order of arrival.
template <class Service>
std::vector<Served> serve(Clients clients, Service service_s) {
  std::vector<Served> all;
  std::vector<std::size_t> under_way;
  for (;;) {
    const auto first = std::min_element(
        under_way.begin(), under_way.end(),
        [&](std::size_t a, std::size_t b) { return all[a].completion_s < all[b].completion_s; });
    const double done_s = first == under_way.end() ? kNever : all[*first].completion_s;
    const double next_s = clients.next_s();
    if (std::isinf(next_s) && std::isinf(done_s)) return all;
    if (next_s <= done_s) {
      Request request;
      clients.send(request);
      REQUIRE(request.arrival_s == next_s);
      under_way.push_back(all.size());
      all.push_back({request, next_s + service_s(all.size())});
    } else {
      under_way.erase(first);
      clients.completed(done_s);
    }
  }
}

std::vector<double> arrivals(const std::vector<Served>& served) {
  std::vector<double> all;
  for (const Served& each : served) all.push_back(each.request.arrival_s);
  return all;
}

std::size_t most_at_once(const std::vector<Served>& served) {
  std::size_t most = 0;
  for (const Served& at : served) {
    most = std::max<std::size_t>(
        most, std::count_if(served.begin(), served.end(), [&](const Served& other) {
          return other.request.arrival_s <= at.request.arrival_s &&
                 other.completion_s > at.request.arrival_s;
        }));
  }
  return most;
}

using Times = std::vector<double>;

constexpr auto kOneSecond = [](std::size_t) { return 1.0; };
/// From 1 to 3 s, in no order.
constexpr auto kUneven = [](std::size_t i) { return 1 + static_cast<double>(i * 7 % 11) / 5; };

}  // namespace

TEST_CASE("Closed: a client sends its next request when its last is completed") {
  CHECK(arrivals(serve(clients_of(closed(R"("concurrency": 1, "requests": 4)")), kOneSecond)) ==
        Times{0, 1, 2, 3});
  CHECK(arrivals(serve(clients_of(closed(R"("concurrency": 2, "requests": 5)")), kOneSecond)) ==
        Times{0, 0, 1, 1, 2});
}

TEST_CASE("Closed: think time lies between a completion and the next request") {
  CHECK(arrivals(serve(clients_of(closed(R"("concurrency": 1, "requests": 3, "think_s": 0.5)")),
                       kOneSecond)) == Times{0, 1.5, 3});
}

TEST_CASE("Closed: clients start evenly spread over the ramp") {
  const auto served =
      serve(clients_of(closed(R"("concurrency": 4, "requests": 6, "ramp_up_s": 2)")), kOneSecond);
  // The first is back before the third starts.
  CHECK(arrivals(served) == Times{0, 0.5, 1, 1, 1.5, 1.5});
}

TEST_CASE("Closed: never more are under way than asked for, and always so many") {
  for (const std::size_t concurrency : {1, 3, 8}) {
    const auto served = serve(
        clients_of(closed(R"("requests": 200, "concurrency": )" + std::to_string(concurrency))),
        kUneven);
    CHECK(served.size() == 200);
    CHECK(most_at_once(served) == concurrency);
    double last_s = 0;
    double busy_s = 0;
    for (const Served& each : served) last_s = std::max(last_s, each.request.arrival_s);
    for (const Served& each : served) {
      busy_s += std::min(last_s, each.completion_s) - each.request.arrival_s;
    }
    CHECK(busy_s == Approx(static_cast<double>(concurrency) * last_s));
  }
}

TEST_CASE("Closed: requests are numbered as they arrive") {
  const auto served = serve(
      clients_of(closed(R"("concurrency": 5, "requests": 50, "think_s": 0.3, "ramp_up_s": 9)")),
      kUneven);
  for (std::size_t i = 0; i < served.size(); ++i) {
    CHECK(served[i].request.line == i + 1);
    if (i > 0) CHECK(served[i].request.arrival_s >= served[i - 1].request.arrival_s);
  }
}

TEST_CASE("Closed: time can end it, counted from the end of the warm-up") {
  CHECK(arrivals(serve(clients_of(closed(R"("concurrency": 1, "duration_s": 3)")), kOneSecond)) ==
        Times{0, 1, 2});
  CHECK(arrivals(
            serve(clients_of(closed(R"("concurrency": 1, "duration_s": 2, "warmup_requests": 2)")),
                  kOneSecond)) == Times{0, 1, 2, 3});
}

TEST_CASE("Closed: the others begin anew, on the ramp again, once the warm-up is completed") {
  const auto served = serve(
      clients_of(closed(
          R"("concurrency": 2, "requests": 3, "warmup_requests": 3, "ramp_up_s": 1, "think_s": 5)")),
      [](std::size_t i) { return i == 1 ? 20.0 : 1.0; });
  // The second client's warm-up request takes until 20.5 s.
  CHECK(arrivals(served) == Times{0, 0.5, 6, 20.5, 21, 26.5});
}

TEST_CASE("Infinite: all at once, after the warm-up") {
  const std::string all =
      R"({"prompt_tokens": 9, "output_tokens": 9, "arrivals": "infinite", "requests": 3)";
  CHECK(arrivals(serve(clients_of(all + "}"), kOneSecond)) == Times{0, 0, 0});
  CHECK(arrivals(serve(clients_of(all + R"(, "warmup_requests": 2})"), kOneSecond)) ==
        Times{0, 0, 1, 1, 1});
}

TEST_CASE("A rate with a limit: who finds no place is sent when there is one") {
  const std::string constant =
      R"({"prompt_tokens": 9, "output_tokens": 9, "arrivals": "constant", "rate_rps": 2,
          "requests": 6, "concurrency": )";
  CHECK(arrivals(serve(clients_of(constant + "1}"), kOneSecond)) == Times{0, 1, 2, 3, 4, 5});
  CHECK(arrivals(serve(clients_of(constant + "2}"), kOneSecond)) == Times{0, 0.5, 1, 1.5, 2, 2.5});
  const std::string trace =
      "arrived_at,num_prefill_tokens,num_decode_tokens\n0,1,1\n0.5,2,2\n9,3,3\n";
  const TempFile file(trace);
  CHECK(arrivals(serve(clients_of(R"({"trace": ")" + file.path() + R"(", "concurrency": 1})"),
                       kOneSecond)) == Times{0, 1, 9});
}

TEST_CASE("A rate with a limit: the warm-up is the first requests, and nobody waits for them") {
  const auto served =
      serve(clients_of(R"({"prompt_tokens": 9, "output_tokens": 9, "arrivals": "constant",
                     "rate_rps": 2, "requests": 2, "warmup_requests": 2, "concurrency": 9})"),
            kOneSecond);
  CHECK(arrivals(served) == Times{0, 0.5, 1, 1.5});
}

TEST_CASE("Requests that leave as soon as they are sent do not go on for ever") {
  const std::string error = error_of([] {
    serve(clients_of(closed(R"("concurrency": 1, "duration_s": 3)")),
          [](std::size_t) { return 0.0; });
  });
  CHECK(error.find("too large for every machine") != std::string::npos);
}

TEST_CASE("Lengths in a range are whole, uniform and the same every time") {
  const std::string fixed =
      R"({"prompt_tokens": 1000, "output_tokens": 7, "arrivals": "infinite", "requests": 50000)";
  const auto drawn = requests_of(fixed + R"(, "length_range": [0.8, 1]})");
  std::vector<std::size_t> outputs(8);
  double sum = 0;
  for (const Request& request : drawn) {
    REQUIRE(request.prompt_tokens >= 800);
    REQUIRE(request.prompt_tokens <= 1000);
    sum += request.prompt_tokens;
    ++outputs.at(request.output_tokens);
  }
  const auto least = std::minmax_element(
      drawn.begin(), drawn.end(),
      [](const Request& a, const Request& b) { return a.prompt_tokens < b.prompt_tokens; });
  CHECK(least.first->prompt_tokens == 800);
  CHECK(least.second->prompt_tokens == 1000);
  // The mean of 50,000 draws has a standard error of 0.26 tokens.
  CHECK(sum / 50000 == Approx(900).margin(1));
  // 0.8 x 7 is 5.6: from 5 to 7, a third each, with a standard error of 105.
  for (const std::size_t tokens : {5, 6, 7}) {
    CHECK(static_cast<double>(outputs[tokens]) == Approx(50000 / 3.0).margin(400));
  }
  const auto again = requests_of(fixed + R"(, "length_range": [0.8, 1]})");
  CHECK(
      std::equal(drawn.begin(), drawn.end(), again.begin(), [](const Request& a, const Request& b) {
        return a.prompt_tokens == b.prompt_tokens && a.output_tokens == b.output_tokens;
      }));
  CHECK(requests_of(fixed + R"(, "length_range": [0.8, 1], "seed": 2})")[0].prompt_tokens !=
        drawn[0].prompt_tokens);
}

TEST_CASE("A range of lengths reaches up, and never below one token") {
  const auto drawn = requests_of(
      R"({"prompt_tokens": 10, "output_tokens": 1, "arrivals": "infinite", "requests": 1000,
          "length_range": [0.01, 1.25]})");
  std::uint32_t most = 0;
  for (const Request& request : drawn) {
    CHECK(request.prompt_tokens >= 1);
    CHECK(request.output_tokens >= 1);
    CHECK(request.output_tokens <= 2);
    most = std::max(most, request.prompt_tokens);
  }
  CHECK(most == 13);  // 12.5, rounded up
}

TEST_CASE("A range of lengths changes no arrival, and lies around the lengths of a trace") {
  const std::string conv = R"({"trace": "azure-2023-conv", "rate_rps": 5, "requests": 500)";
  const auto as_given = requests_of(conv + "}");
  const auto drawn = requests_of(conv + R"(, "length_range": [0.5, 1]})");
  REQUIRE(drawn.size() == as_given.size());
  for (std::size_t i = 0; i < drawn.size(); ++i) {
    CHECK(drawn[i].arrival_s == as_given[i].arrival_s);
    CHECK(drawn[i].prompt_tokens <= as_given[i].prompt_tokens);
    CHECK(2 * drawn[i].prompt_tokens + 1 >= as_given[i].prompt_tokens);
  }
  const TempFile file("arrived_at,num_prefill_tokens,num_decode_tokens\n0,1000,1\n1,2000,1\n");
  const auto replayed =
      requests_of(R"({"trace": ")" + file.path() + R"(", "length_range": [0.9, 0.9]})");
  CHECK(replayed[0].prompt_tokens == 900);
  CHECK(replayed[1].prompt_tokens == 1800);
}

TEST_CASE("A range that makes lengths too large is refused") {
  const std::string error = error_of([] {
    requests_of(
        R"({"prompt_tokens": 100000000, "output_tokens": 1, "arrivals": "infinite", "requests": 1,
            "length_range": [1, 2]})");
  });
  CHECK(error.starts_with("workload.length_range: a length of 100000000 could become more than"));
}

TEST_CASE("Settings that contradict a closed workload, or that it lacks, are named") {
  const auto complaint = [](const std::string& json) {
    return error_of([&] { workload_from(json); });
  };
  const auto of_closed = [&](const std::string& more) { return complaint(closed(more)); };
  const std::string good = R"("concurrency": 4, "requests": 9)";
  CHECK(of_closed(good).empty());
  CHECK(of_closed(R"("requests": 9)").starts_with("workload.concurrency: is missing"));
  CHECK(of_closed(R"("concurrency": 4)").starts_with("workload.requests: is missing"));
  CHECK(of_closed(good + R"(, "rate_rps": 3)").starts_with("workload.rate_rps: contradicts"));
  CHECK(of_closed(good + R"(, "cv": 3)").starts_with("workload.cv: is for arrivals \"gamma\""));
  CHECK(of_closed(good + R"(, "from_s": 3)").starts_with("workload.from_s: is for arrivals"));
  for (const char* number : {"0", "-1", "1.5", "1000001", "\"4\"", "null"}) {
    INFO(number);
    CHECK(of_closed(R"("requests": 9, "concurrency": )" + std::string(number))
              .starts_with("workload.concurrency: "));
  }
  for (const char* key : {"think_s", "ramp_up_s", "warmup_requests"}) {
    INFO(key);
    CHECK(of_closed(good + ", \"" + key + "\": -1").starts_with("workload." + std::string(key)));
  }
  const std::string fixed = R"({"prompt_tokens": 9, "output_tokens": 9, "arrivals": )";
  const std::string infinite = fixed + R"("infinite")";
  CHECK(complaint(infinite + "}").starts_with("workload.requests: is missing"));
  const std::string some = infinite + R"(, "requests": 3)";
  CHECK(
      complaint(some + R"(, "concurrency": 3})").starts_with("workload.concurrency: contradicts"));
  CHECK(complaint(some + R"(, "rate_rps": 3})").starts_with("workload.rate_rps: contradicts"));
  CHECK(complaint(some + R"(, "duration_s": 3})").starts_with("workload.duration_s: contradicts"));
  CHECK(complaint(fixed + R"("poisson", "rate_rps": 1, "requests": 3, "think_s": 1})")
            .starts_with("workload.think_s: is for arrivals \"closed\" only, not \"poisson\""));
  for (const char* range :
       {"0.8", "[0.8]", "[1, 0.8]", "[0, 1]", "[0.5, 1, 2]", "[1, 101]", "{}"}) {
    INFO(range);
    CHECK(complaint(some + R"(, "length_range": )" + range + "}")
              .starts_with("workload.length_range"));
  }
}
