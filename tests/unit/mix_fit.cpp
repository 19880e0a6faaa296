// Mixes of clients made of traces that name who sent each request.

#include "traces/mix_fit.h"

#include <cmath>
#include <sstream>
#include <tuple>

#include "tests/catch.h"
#include "tests/support/mix.h"
#include "tests/unit/traces_support.h"
#include "traces/mixed_clients.h"

namespace cleave::testing {

namespace {

const char* const kColumns = "arrival=t,prompt=in,output=out,client=user";

ClientMix fitted(const std::string& text, const MixFitSettings& settings,
                 const std::string& columns = kColumns) {
  const TempFile file(text);
  return fit_clients(*open_trace(file.path(), parse_columns(columns, "test")), settings, "trace")
      .mix;
}

MixFitSettings bins_of(double bin_s) {
  MixFitSettings settings;
  settings.bin_s = bin_s;
  return settings;
}

/// Two bins of 10 s: a sends 3 and 1, b none and 2, c one and none; then one more, in a part of a
/// bin.
const std::string kTrace =
    "t,user,in,out\n"
    "0,a,100,10\n"
    "2,a,200,20\n"
    "4,\"c, d\",7,9\n"
    "8,a,300,30\n"
    "12,b,5,50\n"
    "15,a,400,40\n"
    "17,b,6,40\n"
    "25,b,9000,9000\n";

/// What comes before `duration_s`, and one request behind it.
std::string trace_of(RequestSource& source, double duration_s) {
  std::ostringstream text;
  text.precision(17);
  text << "t,user,in,out\n";
  Request request;
  for (bool more = true; more && source.next(request);) {
    more = request.arrival_s < duration_s;
    text << request.arrival_s << ",user " << request.prompt_tokens / 1000 << ','
         << request.prompt_tokens << ',' << request.output_tokens << '\n';
  }
  return text.str();
}

}  // namespace

TEST_CASE("a fitted mix has each client's rates in whole bins, most requests first") {
  const ClientMix mix = fitted(kTrace, bins_of(10));
  REQUIRE(mix.clients.size() == 3);
  const auto& [a, b, c] = std::tie(mix.clients[0], mix.clients[1], mix.clients[2]);
  CHECK(a.name == "a");
  CHECK(a.requests == 4);
  CHECK(a.traffic.rates_rps == std::vector<double>{0.3, 0.1});
  CHECK(a.traffic.rate_bin_s == 10);
  CHECK(b.name == "b");
  CHECK(b.requests == 2);
  CHECK(b.traffic.rates_rps == std::vector<double>{0, 0.2});
  CHECK(c.name == "c, d");
  CHECK(c.traffic.rates_rps == std::vector<double>{0.1, 0});
  CHECK(mix.mean_rate_rps() == Approx(7.0 / 20));
}

TEST_CASE("a fitted mix has each client's lengths, and how they go together") {
  const ClientMix mix = fitted(kTrace, bins_of(10));
  const Distribution& a = mix.clients[0].traffic;
  CHECK(a.prompt_quantiles == std::vector<std::uint32_t>{100, 200, 300, 400});
  CHECK(a.output_quantiles == std::vector<std::uint32_t>{10, 20, 30, 40});
  CHECK(a.rank_correlation == Approx(1));
  const Distribution& b = mix.clients[1].traffic;
  CHECK(b.prompt_quantiles == std::vector<std::uint32_t>{5, 6});
  CHECK(b.rank_correlation == Approx(-1));
  CHECK(mix.clients[2].traffic.prompt_quantiles == std::vector<std::uint32_t>{7, 7});
}

TEST_CASE("a fitted client's gaps are measured in its own mean gaps") {
  // In the time in which its rate is 1, a sends at 0, 0.6, 2.4 and 3.5, and again at 4.
  const double gaps[] = {0.6, 1.8, 1.1, 0.5};
  double squares = 0;
  for (const double gap : gaps) squares += (gap - 1) * (gap - 1) / 4;
  const ClientMix mix = fitted(kTrace, bins_of(10));
  CHECK(mix.clients[0].traffic.gap_cv == Approx(std::sqrt(squares)));
  // Of two requests nobody knows.
  CHECK(mix.clients[1].traffic.gap_cv == 1);
}

TEST_CASE("a rate that changes from bin to bin is no burstiness") {
  std::ostringstream text;
  text << "t,user,in,out\n";
  for (int i = 0; i < 1000; ++i) text << i * 0.01 << ",a,1,1\n";
  for (int i = 0; i < 10; ++i) text << 10 + i << ",a,1,1\n";
  text << "20,b,1,1\n";
  const ClientMix mix = fitted(text.str(), bins_of(10));
  const Distribution& traffic = mix.clients[0].traffic;
  CHECK(traffic.rates_rps == std::vector<double>{100, 1});
  CHECK(traffic.gap_cv == kLeastGapCv);
  // One bin for both: most gaps are tiny beside the mean.
  CHECK(fitted(text.str(), bins_of(20)).clients[0].traffic.gap_cv > 4);
}

TEST_CASE("of a fitted mix so many clients stay apart, all others are one that is not bursty") {
  MixFitSettings settings = bins_of(10);
  settings.clients = 1;
  const ClientMix mix = fitted(kTrace, settings);
  REQUIRE(mix.clients.size() == 2);
  CHECK(mix.clients[0].name == "a");
  const MixClient& others = mix.clients[1];
  CHECK(others.name == "all others");
  CHECK(others.requests == 3);
  CHECK(others.traffic.rates_rps == std::vector<double>{0.1, 0.2});
  CHECK(others.traffic.gap_cv == 1);
  CHECK(others.traffic.prompt_quantiles == std::vector<std::uint32_t>{5, 6, 7});
  CHECK(others.traffic.output_quantiles == std::vector<std::uint32_t>{9, 40, 50});
  CHECK(others.traffic.rank_correlation == Approx(-1));

  std::ostringstream many;
  many << "t,user,in,out\n";
  for (int i = 0; i < 303; ++i) many << i << ",user-" << i % 101 << ",1,1\n";
  CHECK(fitted(many.str(), bins_of(10)).clients.size() == 101);
  settings.clients = 101;
  CHECK(fitted(many.str(), settings).clients.back().name == "user-100");
}

TEST_CASE("a mix is fitted to a part of a trace") {
  MixFitSettings settings = bins_of(5);
  settings.from_s = 10;
  settings.to_s = 20;
  const ClientMix mix = fitted(kTrace, settings);
  REQUIRE(mix.clients.size() == 2);
  CHECK(mix.clients[0].name == "b");
  CHECK(mix.clients[0].traffic.rates_rps == std::vector<double>{0.2, 0.2});
  CHECK(mix.clients[1].name == "a");
  CHECK(mix.clients[1].traffic.rates_rps == std::vector<double>{0, 0.2});
}

TEST_CASE("a trace shorter than a bin gives one rate, over its length") {
  const ClientMix mix = fitted("t,user,in,out\n0,a,1,1\n30,a,1,1\n40,b,1,1\n", bins_of(600));
  CHECK(mix.clients[0].traffic.rates_rps == std::vector<double>{0.05});
  CHECK(mix.clients[1].traffic.rates_rps == std::vector<double>{0.025});
}

TEST_CASE("clients of JSON lines are fields, also within others, and may be numbers") {
  const ClientMix mix = fitted(
      R"({"t": 0, "u": {"in": 5, "out": 2}, "who": {"id": "x"}}
{"t": 4, "u": {"in": 6, "out": 2}, "who": {"id": 17}}
{"t": 8, "u": {"in": 7, "out": 2}, "who": {"id": "x"}}
)",
      bins_of(600), "arrival=t,prompt=u.in,output=u.out,client=who.id");
  REQUIRE(mix.clients.size() == 2);
  CHECK(mix.clients[0].name == "x");
  CHECK(mix.clients[0].requests == 2);
  CHECK(mix.clients[1].name == "17");
}

TEST_CASE("a mix fitted to what a mix gives is that mix again") {
  const auto client = [](std::uint32_t thousand, std::vector<double> rates, double cv,
                         double correlation) {
    return Json{
        {"name", "user " + std::to_string(thousand)},
        {"rates_rps", rates},
        {"gap_cv", cv},
        {"prompt_quantiles", {1000 * thousand, 1000 * thousand + 300, 1000 * thousand + 900}},
        {"output_quantiles", {10, 100 * thousand, 1000}},
        {"rank_correlation", correlation}};
  };
  const ClientMix before =
      read_client_mix(mix_of({client(1, {30, 10, 20}, 2, 0.6), client(2, {8, 16, 4}, 1, -0.3),
                              client(3, {2, 2, 2}, 0.5, 0)},
                             2000),
                      "mix");
  const SourcePtr source = mixed_clients(before, {{}, true, 3});
  const ClientMix after = fitted(trace_of(*source, 6000), bins_of(2000));
  REQUIRE(after.clients.size() == 3);
  for (std::size_t i = 0; i < 3; ++i) {
    const Distribution& was = before.clients[i].traffic;
    const Distribution& is = after.clients[i].traffic;
    INFO(before.clients[i].name);
    CHECK(after.clients[i].name == before.clients[i].name);
    REQUIRE(is.rates_rps.size() == 3);
    for (std::size_t bin = 0; bin < 3; ++bin) {
      const double expected = was.rates_rps[bin] * 2000;
      CHECK(std::abs(is.rates_rps[bin] * 2000 - expected) < 4 * was.gap_cv * std::sqrt(expected));
    }
    CHECK(is.gap_cv == Approx(was.gap_cv).epsilon(0.05));
    CHECK(is.rank_correlation == Approx(was.rank_correlation).margin(0.03));
    for (const auto& [quantiles, expected] :
         {std::pair(is.prompt_quantiles, was.prompt_quantiles),
          std::pair(is.output_quantiles, was.output_quantiles)}) {
      REQUIRE(quantiles.size() == kMixQuantiles);
      CHECK(quantiles[50] == Approx(expected[1]).epsilon(0.05));
      CHECK(quantiles[25] == Approx((expected[0] + expected[1]) / 2).epsilon(0.05));
      CHECK(quantiles[75] == Approx((expected[1] + expected[2]) / 2).epsilon(0.05));
    }
  }
}

TEST_CASE("a mix as text is read as the same mix") {
  const ClientMix mix = fitted(kTrace, bins_of(10));
  const Json json = client_mix_json(mix, {"a \"test\"", "CC0", "nobody"});
  const std::string text = distribution_text(json);
  const ClientMix again = read_client_mix(parse_json(text, "mix.json"), "mix.json");
  REQUIRE(again.clients.size() == mix.clients.size());
  for (std::size_t i = 0; i < mix.clients.size(); ++i) {
    CHECK(again.clients[i].name == mix.clients[i].name);
    CHECK(again.clients[i].requests == mix.clients[i].requests);
    CHECK(again.clients[i].traffic.rates_rps == mix.clients[i].traffic.rates_rps);
    CHECK(again.clients[i].traffic.gap_cv == Approx(mix.clients[i].traffic.gap_cv));
    CHECK(again.clients[i].traffic.prompt_quantiles == mix.clients[i].traffic.prompt_quantiles);
  }
  CHECK(json["source"] == "a \"test\"");
  CHECK(text.find("\n    {\"name\":\"b\",\"requests\":2,\"rates_rps\":[0.0,0.2],") !=
        std::string::npos);
}

TEST_CASE("traces of which no mix can be made are refused in one sentence") {
  const auto refused = [](const std::string& text, const MixFitSettings& settings) {
    return error_of([&] { fitted(text, settings); });
  };
  CHECK(refused("t,user,in,out\n1,a,1,1\n1,b,1,1\n", bins_of(10)) ==
        "trace: all requests arrive at once; expected a trace that takes some time");
  MixFitSettings part = bins_of(10);
  part.from_s = 100;
  CHECK(refused(kTrace, part) == "trace: no request arrives in the part asked for");
  part.from_s = 21;
  part.to_s = 22;
  CHECK(refused(kTrace, part) == "trace: no request arrives in the part asked for");
  part.to_s = 24.5;
  CHECK(refused("t,user,in,out\n0,a,1,1\n24,a,1,1\n26,a,1,1\n", [&] {
          MixFitSettings late = part;
          late.bin_s = 2;
          return late;
        }()) == "trace: no request arrives in whole bins; expected a smaller --bin-s");
  CHECK(refused(kTrace, bins_of(1e-6)) ==
        "trace: has more than 1,000,000 bins of 0.000001 s; expected longer ones (--bin-s)");
  CHECK(refused("t,who,in,out\n1,a,1,1\n", bins_of(10)).find("no column \"user\"") !=
        std::string::npos);
}

}  // namespace cleave::testing
