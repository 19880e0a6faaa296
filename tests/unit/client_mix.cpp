// Mixes of clients: what each of them sends, and what they are together.

#include "traces/client_mix.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "sim/scenario/resolve.h"
#include "tests/catch.h"
#include "tests/support/mix.h"
#include "tests/unit/traces_support.h"
#include "traces/moments.h"
#include "traces/statistics.h"

namespace cleave::testing {

namespace {

/// The requests of a workload that consists of the mix and of `keys`.
std::vector<Request> sent(const Json& mix, const Json& keys) {
  const TempFile file(mix.dump(), "mix.json");
  Json workload{{"trace", file.path()}};
  workload.update(keys);
  return requests_of(workload.dump());
}

Json lasting(double seconds) { return {{"duration_s", seconds}}; }

std::vector<Request> of(const std::vector<Request>& all, std::uint32_t prompt_tokens) {
  std::vector<Request> some;
  for (const Request& request : all) {
    if (request.prompt_tokens == prompt_tokens) some.push_back(request);
  }
  return some;
}

/// Within four deviations of a Poisson process.
bool about(std::size_t count, double expected) {
  return std::abs(static_cast<double>(count) - expected) < 4 * std::sqrt(expected);
}

bool same(const std::vector<Request>& some, const std::vector<Request>& others) {
  return std::equal(some.begin(), some.end(), others.begin(), others.end(),
                    [](const Request& a, const Request& b) {
                      return a.arrival_s == b.arrival_s && a.prompt_tokens == b.prompt_tokens &&
                             a.output_tokens == b.output_tokens;
                    });
}

double gap_cv(const std::vector<Request>& requests) {
  Moments gaps;
  for (std::size_t i = 1; i < requests.size(); ++i) {
    gaps.add(requests[i].arrival_s - requests[i - 1].arrival_s);
  }
  return gaps.deviation() / gaps.mean();
}

/// Variance over mean of the requests in windows: 1 of a Poisson process.
double dispersion(const std::vector<Request>& requests, double window_s, double duration_s) {
  std::vector<double> counts(static_cast<std::size_t>(duration_s / window_s));
  for (const Request& request : requests) {
    ++counts[static_cast<std::size_t>(request.arrival_s / window_s)];
  }
  Moments moments;
  for (const double count : counts) moments.add(count);
  return moments.deviation() * moments.deviation() / moments.mean();
}

class Listed final : public RequestSource {
 public:
  explicit Listed(std::vector<Request> requests) : requests_(std::move(requests)) {}
  bool next(Request& request) override {
    if (at_ == requests_.size()) return false;
    request = requests_[at_++];
    return true;
  }

 private:
  std::vector<Request> requests_;
  std::size_t at_ = 0;
};

TraceStatistics measured(std::vector<Request> requests) {
  Listed source(std::move(requests));
  return measure_trace(source);
}

std::string refusal(const Json& mix, const Json& keys = lasting(1)) {
  return error_of([&] { sent(mix, keys); });
}

/// What is wrong with a mix, behind the name of its file.
std::string complaint(const Json& mix) {
  return error_of([&] { read_client_mix(mix, "mix.json"); });
}

}  // namespace

TEST_CASE("mix: each client sends at its own rates, one after the other and from the first again") {
  const auto all =
      sent(mix_of({mix_client(10, {2, 2}), mix_client(20, {0, 6})}, 100), lasting(2000));
  CHECK(about(of(all, 10).size(), 4000));
  CHECK(about(of(all, 20).size(), 6000));
  for (const Request& request : of(all, 20)) CHECK(std::fmod(request.arrival_s, 200) >= 100);
  CHECK(std::is_sorted(all.begin(), all.end(),
                       [](const auto& a, const auto& b) { return a.arrival_s < b.arrival_s; }));
  for (std::size_t i = 0; i < all.size(); ++i) CHECK(all[i].line == i + 1);
}

TEST_CASE("mix: a client's periods are its own") {
  const auto all =
      sent(mix_of({mix_client(10, {0, 3}), mix_client(20, {0, 0, 3})}, 10), lasting(600));
  for (const Request& request : of(all, 10)) CHECK(std::fmod(request.arrival_s, 20) >= 10);
  for (const Request& request : of(all, 20)) CHECK(std::fmod(request.arrival_s, 30) >= 20);
  CHECK(about(of(all, 10).size(), 900));
  CHECK(about(of(all, 20).size(), 600));
}

TEST_CASE("mix: each client has gaps of its own burstiness") {
  const auto all =
      sent(mix_of({mix_client(10, {5}, 4), mix_client(20, {5}, 1), mix_client(30, {5}, 0.2)}),
           lasting(20'000));
  CHECK(gap_cv(of(all, 10)) == Approx(4).epsilon(0.05));
  CHECK(gap_cv(of(all, 20)) == Approx(1).epsilon(0.02));
  CHECK(gap_cv(of(all, 30)) == Approx(0.2).epsilon(0.02));
}

TEST_CASE("mix: a rate that changes stretches the gaps, and the bursts with them") {
  const auto all = sent(mix_of({mix_client(10, {9, 1}, 3)}, 5000), lasting(10'000));
  std::vector<Request> fast;
  std::vector<Request> slow;
  for (const Request& request : all) (request.arrival_s < 5000 ? fast : slow).push_back(request);
  CHECK(gap_cv(fast) == Approx(3).epsilon(0.1));
  CHECK(gap_cv(slow) == Approx(3).epsilon(0.1));
  CHECK(static_cast<double>(fast.size()) == Approx(45'000).epsilon(0.06));
}

TEST_CASE("mix: bursty clients do not begin with a burst all at once") {
  // Each sends a request in a mean gap, the first one too. Were time 0 a request of each, bursts of
  // many would follow.
  const std::vector<Json> clients(1000, mix_client(10, {0.01}, 5));
  const auto all = sent(mix_of(clients), lasting(100));
  CHECK(static_cast<double>(all.size()) == Approx(1000).epsilon(0.5));
}

TEST_CASE("mix: a few bursty clients make the sum bursty, many steady ones do not") {
  std::vector<Json> steady(50, mix_client(10, {0.2}));
  CHECK(dispersion(sent(mix_of(steady), lasting(100'000)), 100, 100'000) ==
        Approx(1).epsilon(0.15));
  // Of half the requests windows vary 16 times as much (cv^2), of the others as Poisson's.
  steady.push_back(mix_client(20, {10}, 4));
  CHECK(dispersion(sent(mix_of(steady), lasting(100'000)), 100, 100'000) ==
        Approx(0.5 * 16 + 0.5 * 1).epsilon(0.15));
}

TEST_CASE("mix: lengths are of each client's own quantiles, and go together as it says") {
  Json client = mix_client(1, {10});
  client["prompt_quantiles"] = {100, 200, 400};
  client["output_quantiles"] = {10, 20, 90};
  client["rank_correlation"] = 0.8;
  const Json mix = mix_of({client, mix_client(7, {3})});
  auto all = sent(mix, lasting(4000));
  CHECK(about(of(all, 7).size(), 12'000));
  std::erase_if(all, [](const Request& request) { return request.prompt_tokens == 7; });
  const TraceStatistics together = measured(all);
  CHECK(together.prompt_tokens.quantile(0) >= 100);
  CHECK(together.prompt_tokens.quantile(0.25) == Approx(150).epsilon(0.02));
  CHECK(together.prompt_tokens.quantile(0.5) == Approx(200).epsilon(0.02));
  CHECK(together.prompt_tokens.quantile(0.75) == Approx(300).epsilon(0.02));
  CHECK(together.output_tokens.quantile(0.75) == Approx(55).epsilon(0.02));
  CHECK(together.rank_correlation == Approx(0.8).epsilon(0.02));

  auto apart = sent(mix, {{"duration_s", 4000}, {"lengths", "independent"}});
  std::erase_if(apart, [](const Request& request) { return request.prompt_tokens == 7; });
  CHECK(std::abs(measured(apart).rank_correlation) < 0.02);
  REQUIRE(apart.size() == all.size());
  for (std::size_t i = 0; i < all.size(); ++i) {
    CHECK(apart[i].prompt_tokens == all[i].prompt_tokens);
  }
}

TEST_CASE("mix: one client more changes nothing of the others' requests") {
  const Json first = mix_client(10, {2, 5}, 3);
  const Json second = mix_client(20, {4, 1}, 0.5);
  const auto two = sent(mix_of({first, second}), lasting(3000));
  const auto three = sent(mix_of({first, second, mix_client(30, {8})}), lasting(3000));
  CHECK(same(of(two, 10), of(three, 10)));
  CHECK(same(of(two, 20), of(three, 20)));
  CHECK(of(three, 30).size() > 10'000);
  // Neither does a client that sends nothing.
  const auto silent =
      sent(mix_of({first, mix_client(20, {0, 0}), mix_client(30, {8})}), lasting(3000));
  CHECK(same(of(silent, 10), of(three, 10)));
  CHECK(of(silent, 20).empty());
  CHECK(same(of(silent, 30), of(three, 30)));
}

TEST_CASE("mix: the same seed gives the same requests, another one others") {
  const Json mix = mix_of({mix_client(10, {2}, 3), mix_client(20, {3})});
  const auto seeded = [&](int seed) { return sent(mix, {{"requests", 500}, {"seed", seed}}); };
  CHECK(same(seeded(1), seeded(1)));
  CHECK_FALSE(same(seeded(1), seeded(2)));
  // Clients that are alike do not send in step.
  const auto twins = sent(mix_of({mix_client(10, {2}), mix_client(20, {2})}), lasting(1000));
  CHECK_FALSE(of(twins, 10)[0].arrival_s == of(twins, 20)[0].arrival_s);
}

TEST_CASE("mix: rate_rps is the mean of the sum, of which each client keeps its share") {
  const Json mix = mix_of({mix_client(10, {1, 5}), mix_client(20, {9})}, 50);
  const auto scaled = sent(mix, {{"duration_s", 2000}, {"rate_rps", 6}});
  CHECK(about(scaled.size(), 12'000));
  CHECK(about(of(scaled, 10).size(), 3000));
  CHECK(about(of(scaled, 20).size(), 9000));
  // A rate that does not change: the same requests, closer together.
  const Json even = mix_of({mix_client(10, {1}, 2), mix_client(20, {3})});
  const auto slow = sent(even, {{"requests", 1000}});
  const auto fast = sent(even, {{"requests", 1000}, {"rate_rps", 8}});
  for (std::size_t i = 0; i < slow.size(); ++i) {
    CHECK(fast[i].arrival_s == Approx(slow[i].arrival_s / 2));
    CHECK(fast[i].output_tokens == slow[i].output_tokens);
  }
}

TEST_CASE("mix: what works on any requests works on those of clients") {
  const Json mix = mix_of({mix_client(1000, {5}, 2)});
  const auto plain = sent(mix, {{"requests", 300}});
  const auto spread = sent(mix, {{"requests", 300}, {"length_range", {0.5, 1}}});
  REQUIRE(spread.size() == 300);
  for (std::size_t i = 0; i < plain.size(); ++i) {
    CHECK(spread[i].arrival_s == plain[i].arrival_s);
    CHECK(spread[i].prompt_tokens >= 500);
    CHECK(spread[i].prompt_tokens <= 1000);
  }
  std::map<std::uint32_t, int> priorities;
  for (const Request& request : sent(mix, {{"requests", 1000}, {"priority_shares", {1, 3}}})) {
    ++priorities[request.priority];
  }
  CHECK(std::abs(priorities[1] - 750) < 60);
  const auto talks = sent(mix, {{"requests", 50}, {"sessions", {{"turns", {2, 2}}}}});
  for (const Request& request : talks) CHECK(request.session > 0);
  CHECK(same(talks, {plain.begin(), plain.begin() + 50}));
}

TEST_CASE("mix: in the place of the default's trace it brings its own arrivals and rates") {
  const TempFile mix(mix_of({mix_client(10, {2})}).dump(), "mix.json");
  const Json changes{{"workload", {{"trace", mix.path()}}}};
  const Json document = complete_scenario(changes);
  CHECK(document["workload"]["arrivals"] == "clients");
  CHECK_FALSE(document["workload"].contains("rate_rps"));
  CHECK(complete_scenario(document) == document);
  Json faster = changes;
  faster["workload"]["rate_rps"] = 7;
  CHECK(complete_scenario(faster)["workload"]["rate_rps"] == 7);
}

TEST_CASE("mix: what contradicts it is refused in one sentence") {
  const Json mix = mix_of({mix_client(10, {2})});
  for (const char* arrivals : {"poisson", "constant", "gamma", "trace", "infinite", "closed"}) {
    CHECK(refusal(mix, {{"duration_s", 1}, {"arrivals", arrivals}}) ==
          std::string("workload.arrivals: \"") + arrivals +
              "\" contradicts the mix of clients in trace, each of which sends at a rate of its "
              "own; leave it out");
  }
  CHECK(refusal(mix, {{"duration_s", 1}, {"rates", {{0, 1}, {9, 2}}}})
            .starts_with("workload.rates: is for arrivals"));
  CHECK(refusal(mix, {{"duration_s", 1}, {"cv", 2}}).starts_with("workload.cv: is for arrivals"));
  CHECK(refusal(mix, Json::object()).starts_with("workload.duration_s: is missing"));
  CHECK(error_of([] {
          workload_from(R"({"trace": "azure-2023-conv", "arrivals": "clients", "requests": 1})");
        }) ==
        "workload.arrivals: \"clients\" needs a mix of clients as trace; cleave trace fit "
        "makes one");
  const TempFile file(mix.dump(), "mix.json");
  CHECK(error_of([&] { load_distribution(file.path(), "test"); }) ==
        file.path() + ": is a mix of clients; expected a distribution of lengths");
}

TEST_CASE("mix: a file that is none is refused with its place") {
  const Json good = mix_of({mix_client(10, {2})});
  CHECK(complaint(good).empty());
  const auto changed = [&](const char* key, const Json& value) {
    Json mix = good;
    mix["clients"][0][key] = value;
    return complaint(mix);
  };
  CHECK(changed("rates_rps", {1, -2}) ==
        "mix.json: clients[0].rates_rps[1]: expected a number from 0 to 1000000000, found -2");
  CHECK(changed("rates_rps", Json::array()) ==
        "mix.json: clients[0].rates_rps: expected one rate at least, found []");
  CHECK(changed("rates_rps", {0, 0}) ==
        "mix.json: clients: expected one client with a rate above 0 at least");
  CHECK(changed("gap_cv", 0).starts_with("mix.json: clients[0].gap_cv: expected a number from"));
  CHECK(changed("prompt_quantiles", {5}) ==
        "mix.json: clients[0].prompt_quantiles: expected at least two quantiles, the least and the "
        "largest length");
  CHECK(changed("output_quantiles", {5, 4}) ==
        "mix.json: clients[0].output_quantiles: expected quantiles that never decrease");
  CHECK(
      changed("prompt_quantiles", {0, 4}).starts_with("mix.json: clients[0].prompt_quantiles[0]"));
  CHECK(changed("rate_rps", 1) ==
        "mix.json: clients[0]: unknown key \"rate_rps\"; did you mean \"rates_rps\"?");
  CHECK(complaint({{"rate_bin_s", 600}, {"clients", Json::array()}}) ==
        "mix.json: clients: expected one client at least, found []");
  Json binless = good;
  binless.erase("rate_bin_s");
  CHECK(complaint(binless) == "mix.json: rate_bin_s: is missing");
}

}  // namespace cleave::testing
