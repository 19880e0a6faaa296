#include <algorithm>
#include <cmath>
#include <utility>

#include "sim/base/error.h"
#include "traces/mix_fit.h"
#include "traces/servegen.h"

namespace cleave {

namespace {

constexpr double kUsualStepS = 600;

/// The lines of the part asked for, of all clients at the same times.
class Times {
 public:
  Times(const std::string& folder, const MixFitSettings& settings)
      : folder_(folder), settings_(settings) {}

  /// `lines` of one more client, only those of the part.
  std::vector<ServeGenLine> cut(const std::vector<ServeGenLine>& lines, const std::string& client) {
    if (first_.empty()) set_step(lines, client);
    const bool same =
        lines.size() == first_.size() &&
        std::equal(lines.begin(), lines.end(), first_.begin(),
                   [](const auto& a, const auto& b) { return a.start_s == b.start_s; });
    if (!same) {
      throw InputError(folder_ + "/" + client +
                       "-trace.csv: expected lines of the same times as those of " + first_client_);
    }
    std::vector<ServeGenLine> part;
    for (const ServeGenLine& line : lines) {
      if (line.start_s >= settings_.from_s && line.start_s < settings_.to_s) part.push_back(line);
    }
    return part;
  }
  double step_s() const { return step_s_; }

 private:
  void set_step(const std::vector<ServeGenLine>& lines, const std::string& client) {
    first_ = lines;
    first_client_ = client;
    step_s_ = lines.size() < 2 ? kUsualStepS : lines[1].start_s - lines[0].start_s;
    for (std::size_t i = 1; i < lines.size(); ++i) {
      if (lines[i].start_s - lines[i - 1].start_s == step_s_) continue;
      throw InputError(folder_ + "/" + client + "-trace.csv:" + std::to_string(i + 1) +
                       ": start_s: expected a line every " + std::to_string(std::llround(step_s_)) +
                       " s");
    }
  }

  std::string folder_;
  MixFitSettings settings_;
  std::vector<ServeGenLine> first_;
  std::string first_client_;
  double step_s_ = kUsualStepS;
};

double requests_of(const std::vector<ServeGenLine>& lines, double step_s) {
  double sum = 0;
  for (const ServeGenLine& line : lines) sum += line.rate_rps * step_s;
  return sum;
}

/// Weighted by requests; 1 where no line says any.
double mean_cv(const std::vector<ServeGenLine>& lines) {
  double sum = 0;
  double weight = 0;
  for (const ServeGenLine& line : lines) {
    if (line.cv == 0) continue;
    sum += line.rate_rps * line.cv;
    weight += line.rate_rps;
  }
  return weight > 0 ? std::clamp(sum / weight, kLeastGapCv, kLargestGapCv) : 1;
}

/// The traffic of one client, or of several as one.
class Gathered {
 public:
  explicit Gathered(double step_s) : step_s_(step_s) {}

  void add(const std::vector<ServeGenLine>& lines, const std::vector<ServeGenWindow>& windows) {
    rates_.resize(lines.size());
    for (std::size_t i = 0; i < lines.size(); ++i) rates_[i] += lines[i].rate_rps;
    requests_ += requests_of(lines, step_s_);
    std::vector<double> sent(windows.size());  // while each holds
    for (const ServeGenLine& line : lines) {
      const auto behind = std::upper_bound(
          windows.begin(), windows.end(), line.start_s,
          [](double time_s, const ServeGenWindow& window) { return time_s < window.start_s; });
      sent[static_cast<std::size_t>(std::max<std::ptrdiff_t>(0, behind - windows.begin() - 1))] +=
          line.rate_rps * step_s_;
    }
    for (std::size_t i = 0; i < windows.size(); ++i) {
      if (sent[i] == 0) continue;
      prompts_.add(windows[i].prompts, sent[i]);
      outputs_.add(windows[i].outputs, sent[i]);
    }
  }

  MixClient client(std::string name, double gap_cv) const {
    MixClient client{std::move(name), static_cast<std::uint64_t>(std::llround(requests_)), {}};
    client.traffic.prompt_quantiles = prompts_.quantiles(kMixQuantiles);
    client.traffic.output_quantiles = outputs_.quantiles(kMixQuantiles);
    client.traffic.mean_rate_rps = requests_ / (static_cast<double>(rates_.size()) * step_s_);
    client.traffic.gap_cv = gap_cv;
    client.traffic.rate_bin_s = step_s_;
    client.traffic.rates_rps = rates_;
    return client;
  }

 private:
  double step_s_;
  double requests_ = 0;
  std::vector<double> rates_;
  WeightedLengths prompts_;
  WeightedLengths outputs_;
};

}  // namespace

FittedMix fit_servegen(const std::string& folder, const MixFitSettings& settings) {
  const std::vector<ServeGenClient> clients = servegen_clients(folder);
  Times times(folder, settings);
  std::vector<std::vector<ServeGenLine>> lines;
  std::vector<double> requests;
  for (const ServeGenClient& client : clients) {
    lines.push_back(times.cut(client.lines(), client.name()));
    requests.push_back(requests_of(lines.back(), times.step_s()));
  }
  const ChosenClients chosen = choose_clients(requests, settings.clients);
  if (chosen.apart.empty()) {
    throw InputError(folder + ": no client sends anything from --from on and before --to");
  }
  FittedMix result;
  const auto add = [&](std::size_t number, Gathered& gathered) {
    const std::vector<ServeGenWindow> windows = clients[number].windows(result.left_out);
    if (windows.empty()) {
      throw InputError(folder + "/" + clients[number].name() +
                       "-dataset.json: expected lengths, as the client sends requests; found none");
    }
    gathered.add(lines[number], windows);
  };
  for (const std::size_t number : chosen.apart) {
    Gathered alone(times.step_s());
    add(number, alone);
    result.mix.clients.push_back(alone.client(clients[number].name(), mean_cv(lines[number])));
  }
  if (!chosen.together.empty()) {
    Gathered others(times.step_s());
    for (const std::size_t number : chosen.together) add(number, others);
    result.mix.clients.push_back(others.client("all others", 1));
  }
  return result;
}

}  // namespace cleave
