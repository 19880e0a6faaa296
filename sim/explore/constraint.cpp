#include "sim/explore/constraint.h"

#include <cctype>
#include <charconv>
#include <cmath>
#include <optional>

#include "models/catalogue/prices.h"
#include "sim/base/error.h"
#include "sim/scenario/path.h"
#include "sim/scenario/scenario.h"

namespace cleave {

namespace {

constexpr const char* kCost = "cost_per_hour";
constexpr const char* kPower = "provisioned_w";

bool is_digit(char c) { return std::isdigit(static_cast<unsigned char>(c)) != 0; }

bool is_path_character(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_' || c == '.' || c == '[' ||
         c == ']';
}

}  // namespace

class Constraint::Parser {
 public:
  Parser(const std::string& text, Constraint& constraint) : text_(text), constraint_(constraint) {}

  void parse() {
    sum(1);
    for (const char* comparison : {"<=", ">=", "==", "=", "<", ">"}) {
      if (!take(comparison)) continue;
      constraint_.comparison_ = comparison;
      break;
    }
    if (constraint_.comparison_.empty()) fail();
    sum(-1);
    if (!at_end()) fail();
  }

 private:
  void sum(double sign) {
    double factor = sign * (take("-") ? -1 : 1);
    term(factor);
    while (true) {
      if (take("+")) {
        factor = sign;
      } else if (take("-")) {
        factor = -sign;
      } else {
        return;
      }
      term(factor);
    }
  }

  void term(double factor) {
    Term term{factor, ""};
    do {
      skip_space();
      if (at_ < text_.size() && (is_digit(text_[at_]) || text_[at_] == '.')) {
        term.factor *= number();
      } else {
        if (!term.path.empty()) fail();
        term.path = path();
      }
    } while (take("*"));
    constraint_.terms_.push_back(term);
  }

  double number() {
    double value = 0;
    const char* const end = text_.data() + text_.size();
    const auto [rest, error] = std::from_chars(text_.data() + at_, end, value);
    if (error != std::errc()) fail();
    at_ = static_cast<std::size_t>(rest - text_.data());
    return value;
  }

  std::string path() {
    const std::size_t from = at_;
    while (at_ < text_.size() && is_path_character(text_[at_])) ++at_;
    if (at_ == from) fail();
    return text_.substr(from, at_ - from);
  }

  bool take(const std::string& token) {
    skip_space();
    if (text_.compare(at_, token.size(), token) != 0) return false;
    at_ += token.size();
    return true;
  }

  bool at_end() {
    skip_space();
    return at_ == text_.size();
  }

  void skip_space() {
    while (at_ < text_.size() && std::isspace(static_cast<unsigned char>(text_[at_])) != 0) ++at_;
  }

  [[noreturn]] void fail() const {
    throw InputError(constraint_.place_ + ": \"" + text_ + "\": expected two sums compared with " +
                     "<=, >= or =, as in pools[0].count + pools[1].count = 40");
  }

  const std::string& text_;
  Constraint& constraint_;
  std::size_t at_ = 0;
};

Constraint::Constraint(const std::string& text, std::string place) : place_(std::move(place)) {
  Parser(text, *this).parse();
}

std::set<std::string> Constraint::keys() const {
  std::set<std::string> keys;
  for (const Term& term : terms_) {
    if (term.path == kCost || term.path == kPower) {
      keys.insert("pools");
      keys.insert("prices");
    } else if (!term.path.empty()) {
      keys.insert(term.path.substr(0, term.path.find_first_of(".[")));
    }
  }
  return keys;
}

const Machine& Constraint::machine(const std::string& name, const std::string& place) {
  const auto found = machines_.find(name);
  if (found != machines_.end()) return found->second;
  return machines_.emplace(name, load_machine(name, place)).first->second;
}

double Constraint::value(const Term& term, const Json& scenario) {
  if (term.path.empty()) return 1;
  if (term.path != kCost && term.path != kPower) {
    const Json* found = find_path(scenario, term.path);
    if (found != nullptr && found->is_number()) return found->get<double>();
    throw InputError(place_ + ": " + term.path + " is no number of the scenario");
  }
  double sum = 0;
  std::optional<PriceList> prices;
  JsonReader reader(scenario, "");
  if (reader.has("prices")) prices = load_prices(reader.text("prices"), "prices");
  for (JsonReader& pool : reader.objects("pools")) {
    if (pool.has("shares_machines_of") || pool.has("borrows_machines_of")) continue;
    Machine one = machine(pool.text("machine"), pool.path_of("machine"));
    if (prices) one.price_per_hour = prices->of(one);
    one.power_cap = pool.number("power_cap", kPositive, one.power_cap);
    if (term.path == kCost && !one.has_price() && !pool.has("price_per_hour")) {
      pool.fail("price_per_hour", "is missing, and no price of \"" + one.name + "\" is published");
    }
    sum += pool.number("count") *
           (term.path == kCost ? pool.number("price_per_hour", kNonNegative, one.price_per_hour)
                               : one.provisioned_at_cap_w());
  }
  return sum;
}

bool Constraint::holds(const Json& scenario) {
  double sum = 0;
  double size = 1;
  for (const Term& term : terms_) {
    const double part = term.factor * value(term, scenario);
    sum += part;
    size += std::abs(part);
  }
  // What rounding may add up to: 0.1 + 0.2 = 0.3 holds.
  constexpr double kRounding = 1e-12;
  const double tolerance = kRounding * size;
  if (comparison_ == "<=") return sum <= tolerance;
  if (comparison_ == ">=") return sum >= -tolerance;
  if (comparison_ == "<") return sum < -tolerance;
  if (comparison_ == ">") return sum > tolerance;
  return std::abs(sum) <= tolerance;
}

}  // namespace cleave
