// Mixes of clients made of a folder of ServeGen's data.

#include "tests/support/servegen.h"

#include <cmath>
#include <numeric>

#include "tests/catch.h"
#include "tests/unit/traces_support.h"
#include "traces/mix_fit.h"

namespace cleave::testing {

namespace {

using Quantiles = std::vector<std::uint32_t>;

/// 101 quantiles, of which `count` are `low` and the others `high`.
Quantiles two_values(std::size_t count, std::uint32_t low, std::uint32_t high) {
  Quantiles all(kMixQuantiles, high);
  std::fill_n(all.begin(), count, low);
  return all;
}

/// Three clients over 30 minutes. 0 sends 60 requests in its second ten minutes, 10 sends 600, 300
/// and none, 2 sends nothing.
ServeGenFolder three_clients() {
  ServeGenFolder folder;
  folder.add(0, "0,0,0,,0,0\n600,0.1,4,Weibull,0.5,2\n1200,0,0,\n",
             {{"0", ServeGenFolder::lengths("{}", "{}")},
              {"1200", ServeGenFolder::lengths("{50: 1.0}", "{5: 1.0}")}});
  folder.add(2, "0,0,0,\n600,0,0,,0,0\n1200,0,0,,0,0\n",
             {{"0", ServeGenFolder::lengths("{}", "{}")}});
  folder.add(10, "0,1,0.5,Gamma,4,0.25\n600,0.5,2,Gamma\n1200,0,0,,0,0\n",
             {{"0", ServeGenFolder::lengths("{100: 0.5, 200.0: 0.5}", "{8: 1.0}")},
              {"600", ServeGenFolder::lengths("{300: 1}", "{8: 2e-1, 9: 0.8}")}});
  return folder;
}

std::string refusal(const ServeGenFolder& folder, const MixFitSettings& settings = {}) {
  const std::string error = error_of([&] { fit_servegen(folder.path(), settings); });
  return error.starts_with(folder.path()) ? error.substr(folder.path().size()) : error;
}

}  // namespace

TEST_CASE("ServeGen: rates are those of the lines, clients without any are left out") {
  const ClientMix mix = fit_servegen(three_clients().path(), {}).mix;
  REQUIRE(mix.clients.size() == 2);
  CHECK(mix.clients[0].name == "chunk-10");
  CHECK(mix.clients[0].requests == 900);
  CHECK(mix.clients[0].traffic.rates_rps == std::vector<double>{1, 0.5, 0});
  CHECK(mix.clients[0].traffic.rate_bin_s == 600);
  CHECK(mix.clients[1].name == "chunk-0");
  CHECK(mix.clients[1].requests == 60);
  CHECK(mix.clients[1].traffic.rates_rps == std::vector<double>{0, 0.1, 0});
  CHECK(mix.mean_rate_rps() == Approx(960.0 / 1800));
}

TEST_CASE("ServeGen: cv is the mean of the lines' by their requests, of either pattern") {
  const ClientMix mix = fit_servegen(three_clients().path(), {}).mix;
  CHECK(mix.clients[0].traffic.gap_cv == Approx((600 * 0.5 + 300 * 2) / 900));
  CHECK(mix.clients[1].traffic.gap_cv == 4);
  CHECK(mix.clients[0].traffic.rank_correlation == 0);
}

TEST_CASE("ServeGen: lengths weigh as many requests as are sent while they hold") {
  const ClientMix mix = fit_servegen(three_clients().path(), {}).mix;
  // 300 requests each of 100, 200 and 300 tokens; 660 outputs of 8 and 240 of 9.
  Quantiles prompts = two_values(67, 100, 300);
  std::fill(prompts.begin() + 34, prompts.begin() + 67, 200);
  CHECK(mix.clients[0].traffic.prompt_quantiles == prompts);
  CHECK(mix.clients[0].traffic.output_quantiles == two_values(74, 8, 9));
  // The window at 0 says nothing: what was sent then has the lengths of the first that does.
  CHECK(mix.clients[1].traffic.prompt_quantiles == two_values(0, 0, 50));
}

TEST_CASE("ServeGen: a window that says nothing, or only lengths of 0, has those before it") {
  for (const char* nothing : {"{}", " { } ", "{0: 1.0}", "{0.0: 1}"}) {
    ServeGenFolder folder;
    folder.add(1, "0,1,1,Gamma\n600,1,1,Gamma\n1200,2,1,Gamma\n",
               {{"0", ServeGenFolder::lengths("{10: 1.0}", "{1: 1.0}")},
                {"600", ServeGenFolder::lengths("{20: 1.0}", nothing)},
                {"1200", ServeGenFolder::lengths("{30: 1.0, 0: 0.5}", "{3: 1.0}")}});
    const Distribution traffic = fit_servegen(folder.path(), {}).mix.clients[0].traffic;
    CHECK(traffic.prompt_quantiles == two_values(51, 10, 30));
    CHECK(traffic.output_quantiles == two_values(51, 1, 3));
  }
}

TEST_CASE("ServeGen: of so many clients the others are one, with the sums of theirs") {
  ServeGenFolder folder = three_clients();
  folder.add(11, "0,0,0,\n600,0.1,9,Gamma\n1200,0.05,9,Gamma\n",
             {{"0", ServeGenFolder::lengths("{70: 1.0}", "{5: 1.0}")}});
  MixFitSettings settings;
  settings.clients = 1;
  const ClientMix mix = fit_servegen(folder.path(), settings).mix;
  REQUIRE(mix.clients.size() == 2);
  const MixClient& others = mix.clients[1];
  CHECK(others.requests == 150);
  CHECK(others.traffic.rates_rps[1] == Approx(0.2));
  CHECK(others.traffic.rates_rps[2] == Approx(0.05));
  CHECK(others.traffic.gap_cv == 1);
  // 60 requests of 50 tokens, 90 of 70.
  CHECK(others.traffic.prompt_quantiles == two_values(41, 50, 70));
}

TEST_CASE("ServeGen: a part of the time has the lines that begin in it") {
  MixFitSettings settings;
  settings.from_s = 600;
  settings.to_s = 1200;
  const ClientMix mix = fit_servegen(three_clients().path(), settings).mix;
  CHECK(mix.clients[0].requests == 300);
  CHECK(mix.clients[0].traffic.rates_rps == std::vector<double>{0.5});
  CHECK(mix.clients[0].traffic.gap_cv == 2);
  CHECK(mix.clients[0].traffic.prompt_quantiles == two_values(0, 0, 300));
  settings.from_s = 1200;
  settings.to_s = 9000;
  CHECK(refusal(three_clients(), settings) ==
        ": no client sends anything from --from on and before --to");
}

TEST_CASE("ServeGen: what clients say beside lengths is named once") {
  ServeGenFolder folder;
  for (const int number : {0, 1}) {
    folder.add(number, "0,1,1,Gamma\n",
               {{"0",
                 {{"text_tokens", "{9: 1.0}"},
                  {"image_tokens", "{841: 1.0}"},
                  {"image_count", "{1: 1.0}"},
                  {"output_tokens", "{3: 1.0}"}}}});
  }
  const FittedMix made = fit_servegen(folder.path(), {});
  CHECK(made.left_out == std::vector<std::string>{"image_count", "image_tokens"});
  CHECK(made.mix.clients[1].traffic.prompt_quantiles == two_values(0, 0, 9));
}

TEST_CASE("ServeGen: a folder that is not as it should be is refused with the place") {
  const auto lengths = ServeGenFolder::lengths("{10: 1.0}", "{1: 1.0}");
  const auto with_trace = [&](const std::string& trace) {
    ServeGenFolder folder;
    folder.add(3, trace, {{"0", lengths}});
    return refusal(folder);
  };
  CHECK(refusal({}) ==
        ": expected a trace file, or a folder of ServeGen's with chunk-0-trace.csv, "
        "chunk-0-dataset.json and so on");
  CHECK(with_trace("0,1,1,Gamma,1,1\n600,-2,1,Gamma,1,1\n") ==
        "/chunk-3-trace.csv:2: rate_rps: expected a number, at least 0, found \"-2\"");
  CHECK(with_trace("0,1,nan,Gamma\n") ==
        "/chunk-3-trace.csv:1: cv: expected a number, at least 0, found \"nan\"");
  CHECK(with_trace("0,2e9,1,Gamma\n") ==
        "/chunk-3-trace.csv:1: rate_rps: expected at most 1e9 requests/s");
  CHECK(with_trace("0,1,1,Pareto,1,1\n") ==
        "/chunk-3-trace.csv:1: pattern: expected Gamma, Weibull or nothing, found \"Pareto\"");
  CHECK(with_trace("0,1,1\n") ==
        "/chunk-3-trace.csv:1: expected start_s,rate_rps,cv,pattern and two parameters, found "
        "\"0,1,1\"");
  CHECK(with_trace("600,1,1,Gamma\n0,1,1,Gamma\n") ==
        "/chunk-3-trace.csv:2: start_s: expected a time after that of the line before");
  CHECK(with_trace("0,1,1,Gamma\n600,1,1,Gamma\n1800,1,1,Gamma\n") ==
        "/chunk-3-trace.csv:3: start_s: expected a line every 600 s");
  CHECK(with_trace("version https://git-lfs.github.com/spec/v1\n")
            .starts_with("/chunk-3-trace.csv:1: expected start_s,rate_rps,cv,pattern"));

  ServeGenFolder times = three_clients();
  times.add(12, "0,1,1,Gamma\n600,1,1,Gamma\n", {{"0", lengths}});
  CHECK(refusal(times) ==
        "/chunk-12-trace.csv: expected lines of the same times as those of chunk-0");

  ServeGenFolder missing;
  missing.write_trace(4, "0,1,1,Gamma\n");
  CHECK(refusal(missing).starts_with("/chunk-4-dataset.json: "));
}

TEST_CASE("ServeGen: lengths that cannot be read are refused with the place") {
  const auto with_lengths = [](const std::string& prompts) {
    ServeGenFolder folder;
    folder.add(5, "0,1,1,Gamma\n", {{"0", ServeGenFolder::lengths(prompts, "{1: 1.0}")}});
    return refusal(folder);
  };
  const std::string place = "/chunk-5-dataset.json: \"0\".input_tokens: ";
  const std::string expected =
      "expected probabilities by length, as in {808: 0.25, 874: 0.75}, found ";
  CHECK(with_lengths("{10: 0.5, 20}") == place + expected + "\"}\"");
  CHECK(with_lengths("{10: 0.5") == place + expected + "\"\"");
  CHECK(with_lengths("[10, 20]") == place + expected + "\"[10, 20]\"");
  CHECK(with_lengths("{10: -0.5}") == place + expected + "\"-0.5}\"");
  CHECK(with_lengths("{10: 0.5} x") == place + expected + "\"x\"");
  CHECK(with_lengths("{10.5: 0.5}") == place + expected + "\"10.5: 0.5}\"");
  CHECK(with_lengths("{10: 7}") == place + expected + "\"}\"");
  CHECK(with_lengths("{10: 0.0, 20: 0}") ==
        place + "expected probabilities that sum to more than 0");
  CHECK(with_lengths("{}") ==
        "/chunk-5-dataset.json: expected lengths, as the client sends requests; found none");

  ServeGenFolder folder;
  folder.write_trace(5, "0,1,1,Gamma\n");
  const auto with_dataset = [&](const std::string& text) {
    folder.write_dataset(5, text);
    return refusal(folder);
  };
  CHECK(with_dataset(R"({"0": {"output_tokens": "{1: 1}"}})") == place + "is missing");
  CHECK(with_dataset(R"({"0": {"input_tokens": {"10": 1}, "output_tokens": "{1: 1}"}})")
            .starts_with(place + "expected a text"));
  CHECK(with_dataset(R"({"x": {"input_tokens": "{1: 1}", "output_tokens": "{1: 1}"}})") ==
        "/chunk-5-dataset.json: expected windows by the second that they begin at, found \"x\"");
  CHECK(with_dataset("[]") == "/chunk-5-dataset.json: expected an object, found a list");
  CHECK(with_dataset("version https://git-lfs.github.com/spec/v1\n")
            .starts_with("/chunk-5-dataset.json: line 1: not valid JSON"));
}

}  // namespace cleave::testing
