#include "traces/client_mix.h"

#include <algorithm>
#include <charconv>
#include <numeric>

#include "sim/base/files.h"
#include "sim/base/reference.h"
#include "traces/trace_reader.h"

namespace cleave {

namespace {

const std::vector<std::string> kNotes{"summary", "source", "licence", "cite"};
const Setting kBin{"rate_bin_s", nullptr, "s", "of each entry of rates_rps", in(kPositive)};
const Setting kClients{"clients", nullptr, "", "who send, each at its own rate, and independently",
                       words("a list of sections")};
std::vector<Setting> settings() {
  std::vector<Setting> all{kBin, kClients};
  for (const std::string& note : kNotes)
    all.push_back({note, "", "", "said of it", words("a text")});
  return all;
}
const Reference::Entry kMix{
    {"profile", "mix",
     "A mix of clients; cleave trace fit makes one of a trace that says who "
     "sent each request, or of ServeGen's data.",
     settings()}};

const Setting kName{"name", "", "", "of the client", words("a text")};
const Setting kRequests{"requests", 0, "requests", "that it was made from",
                        whole(0, std::int64_t{1} << 53)};
const Setting kRates{"rates_rps", nullptr, "requests/s",
                     "over time, one behind the other and from the first again",
                     in({0, 1e9, false}).each()};
const Setting kGapCv{"gap_cv", 1, "", "coefficient of variation of its gaps, drawn as gamma",
                     in({kLeastGapCv, kLargestGapCv, false})};
const Setting kPrompts{"prompt_quantiles", nullptr, "tokens",
                       "of prompts, evenly spaced, from the least to the largest",
                       in({1, kMaxTokens, false}).each()};
const Setting kOutputs{"output_quantiles", nullptr, "tokens", "of outputs, the same",
                       in({1, kMaxTokens, false}).each()};
const Setting kCorrelation{"rank_correlation", 0, "", "of prompts and outputs", in({-1, 1, false})};
const Reference::Entry kClient{
    {"profile",
     "mix.clients[]",
     "A client of a mix.",
     {kName, kRequests, kRates, kGapCv, kPrompts, kOutputs, kCorrelation}}};

double mean(const std::vector<double>& values) {
  return std::accumulate(values.begin(), values.end(), 0.0) / static_cast<double>(values.size());
}

MixClient read_client(JsonReader& reader, double bin_s) {
  MixClient client;
  client.name = kName.text(reader);
  client.requests = static_cast<std::uint64_t>(kRequests.integer(reader));
  Distribution& traffic = client.traffic;
  traffic.rate_bin_s = bin_s;
  traffic.rates_rps = kRates.numbers(reader);
  if (traffic.rates_rps.empty()) reader.fail(kRates.name, "expected one rate at least, found []");
  traffic.mean_rate_rps = mean(traffic.rates_rps);
  traffic.gap_cv = kGapCv.number(reader);
  traffic.prompt_quantiles = read_quantiles(reader, kPrompts);
  traffic.output_quantiles = read_quantiles(reader, kOutputs);
  traffic.rank_correlation = kCorrelation.number(reader);
  reader.finish();
  return client;
}

/// With the digits that it means, and no more in a file.
double rounded(double value) {
  constexpr int kDigits = 6;
  char text[32];
  const auto end =
      std::to_chars(text, text + sizeof text, value, std::chars_format::general, kDigits).ptr;
  std::from_chars(text, end, value);
  return value;
}

}  // namespace

double ClientMix::mean_rate_rps() const {
  double sum = 0;
  for (const MixClient& client : clients) sum += client.traffic.mean_rate_rps;
  return sum;
}

ClientMix read_client_mix(const Json& json, const std::string& place) {
  JsonReader reader(json, place);
  for (const std::string& note : kNotes) reader.text(note, "");
  const double bin_s = kBin.number(reader);
  ClientMix mix;
  for (JsonReader& client : reader.objects(kClients.name)) {
    mix.clients.push_back(read_client(client, bin_s));
  }
  if (mix.clients.empty()) reader.fail(kClients.name, "expected one client at least, found []");
  if (!(mix.mean_rate_rps() > 0)) {
    reader.fail(kClients.name, "expected one client with a rate above 0 at least");
  }
  reader.finish();
  return mix;
}

bool is_client_mix(const std::string& trace) {
  return trace.ends_with(".json") && file_exists(trace) && load_json(trace).contains(kClients.name);
}

std::shared_ptr<const ClientMix> find_client_mix(const std::string& trace) {
  if (!trace.ends_with(".json") || !file_exists(trace)) return nullptr;
  const Json json = load_json(trace);
  if (!json.contains(kClients.name)) return nullptr;
  return std::make_shared<ClientMix>(read_client_mix(json, trace));
}

Json client_mix_json(const ClientMix& mix, const DistributionOrigin& origin) {
  Json json{{"source", origin.source}, {"licence", origin.licence}, {"cite", origin.cite}};
  json["rate_bin_s"] = mix.clients.front().traffic.rate_bin_s;
  for (const MixClient& client : mix.clients) {
    const Distribution& traffic = client.traffic;
    std::vector<double> rates = traffic.rates_rps;
    std::transform(rates.begin(), rates.end(), rates.begin(), rounded);
    json["clients"].push_back({{"name", client.name},
                               {"requests", client.requests},
                               {"rates_rps", rates},
                               {"gap_cv", rounded(traffic.gap_cv)},
                               {"prompt_quantiles", traffic.prompt_quantiles},
                               {"output_quantiles", traffic.output_quantiles},
                               {"rank_correlation", rounded(traffic.rank_correlation)}});
  }
  return json;
}

}  // namespace cleave
