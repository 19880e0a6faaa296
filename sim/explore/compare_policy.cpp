#include "sim/explore/compare_policy.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <regex>
#include <string_view>

#include "sim/base/error.h"
#include "sim/base/reference.h"
#include "sim/metrics/figures.h"
#include "sim/scenario/resolve.h"

namespace cleave {

namespace {

constexpr double kPercent = 100;

/// By Better::Way.
const std::vector<std::string> kDirections{"lower", "higher", "either"};

const Setting kMetrics{"metrics", nullptr, "", "paths of summary.json, each with a rule",
                       words("{path: section}")};
const Setting kDirection{"direction", nullptr, "", "that is better", one_of(kDirections)};
const Setting kTolerance{"tolerance", nullptr, "",
                         "changes up to it do not count; of a share and an amount the larger",
                         words("a number, or a text such as 1% or 1%,0.001")};
const Reference::Entry kPolicy{{"profile",
                                "compare",
                                "What cleave compare --policy looks at.",
                                {{"summary", "", "", "said of it", words("a text")}, kMetrics}}};
const Reference::Entry kRule{
    {"profile", "compare.metrics.PATH", "What may change.", {kDirection, kTolerance}}};

/// A number that is not negative, and nothing else.
bool read_amount(std::string_view digits, double& amount) {
  const char* const end = digits.data() + digits.size();
  const auto [rest, error] = std::from_chars(digits.data(), end, amount);
  return error == std::errc() && rest == end && std::isfinite(amount) && amount >= 0;
}

Tolerance parse_tolerance(std::string_view text, const std::string& place) {
  Tolerance tolerance;
  std::string_view amount = text;
  bool good = true;
  const std::size_t comma = text.find(',');
  const std::string_view share = text.substr(0, comma);
  if (share.ends_with('%')) {
    good = read_amount(share.substr(0, share.size() - 1), tolerance.share);
    tolerance.share /= kPercent;
    amount = comma == std::string_view::npos ? "0" : text.substr(comma + 1);
  }
  if (good && read_amount(amount, tolerance.amount)) return tolerance;
  throw InputError(place +
                   ": expected a share such as 1%, an amount such as 0.05, or both, 1%,0.001, of "
                   "which the larger counts; found \"" +
                   std::string(text) + "\"");
}

Tolerance read_tolerance(JsonReader& rule) {
  const Json& value = rule.value(kTolerance.name);
  if (value.is_number()) return {0, rule.number(kTolerance.name, kNonNegative)};
  return parse_tolerance(kTolerance.text(rule), rule.path_of(kTolerance.name));
}

std::string short_number(double value) {
  char digits[32];
  std::snprintf(digits, sizeof digits, "%.6g", value);
  return digits;
}

/// What the tables of figures say of a metric of summary.json.
Better::Way direction_of(const std::string& metric) {
  const std::string path = std::regex_replace(metric, std::regex(R"(\[\d+\])"), "[]");
  for (const Figure& figure : figures()) {
    if (path == figure.path || (figure.distribution && path.starts_with(figure.path + "."))) {
      return figure.better.way;
    }
  }
  return Better::kNeither;
}

}  // namespace

double Tolerance::allowed(double base) const { return std::max(share * std::abs(base), amount); }

std::string Tolerance::text() const {
  if (share == 0) return short_number(amount);
  const std::string percent = short_number(share * kPercent) + "%";
  return amount == 0 ? percent : percent + "," + short_number(amount);
}

const std::string& direction_name(Better::Way way) { return kDirections[way]; }

ComparePolicy read_compare_policy(const std::string& name) {
  const Json document = load_profile("profiles/compare", "policy", name, "--policy");
  JsonReader reader(document, name);
  reader.text("summary", "");
  JsonReader metrics = reader.object(kMetrics.name);
  reader.finish();
  ComparePolicy policy;
  for (const auto& [metric, unused] : document["metrics"].items()) {
    JsonReader rule = metrics.object(metric);
    const std::string direction = kDirection.choice(rule, "direction");
    const auto at = std::find(kDirections.begin(), kDirections.end(), direction);
    const Tolerance tolerance = read_tolerance(rule);
    rule.finish();
    policy.push_back({metric, static_cast<Better::Way>(at - kDirections.begin()), tolerance, name});
  }
  return policy;
}

void set_tolerance(ComparePolicy& policy, const std::string& setting) {
  const std::size_t equals = setting.rfind('=');
  if (equals == std::string::npos || equals == 0) {
    throw InputError("--tolerance " + setting + ": expected METRIC=1%, as in ttft.p99=1%");
  }
  const std::string metric = setting.substr(0, equals);
  const std::string place = "--tolerance " + setting;
  const Tolerance tolerance = parse_tolerance(setting.substr(equals + 1), place);
  const auto known = std::find_if(policy.begin(), policy.end(),
                                  [&](const MetricRule& rule) { return rule.metric == metric; });
  if (known != policy.end()) {
    known->tolerance = tolerance;
  } else {
    policy.push_back({metric, direction_of(metric), tolerance, place});
  }
}

}  // namespace cleave
