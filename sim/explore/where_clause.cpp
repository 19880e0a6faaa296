#include "sim/explore/where_clause.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <set>

#include "sim/base/error.h"
#include "sim/explore/database.h"

namespace cleave {

namespace {

const std::set<std::string> kWords{"and",  "or",   "not",    "in",      "between", "like",
                                   "is",   "null", "isnull", "notnull", "case",    "when",
                                   "then", "else", "end",    "true",    "false"};
const std::set<std::string> kFunctions{"abs",    "coalesce", "ifnull", "iif",    "instr",
                                       "length", "lower",    "max",    "min",    "nullif",
                                       "round",  "sign",     "substr", "typeof", "upper"};
const std::set<std::string> kStatuses{"done", "failed", "died"};

bool is_letter(char c) { return std::isalpha(static_cast<unsigned char>(c)) != 0 || c == '_'; }
bool is_digit(char c) { return std::isdigit(static_cast<unsigned char>(c)) != 0; }

std::string lower(std::string word) {
  std::transform(word.begin(), word.end(), word.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return word;
}

class Clause {
 public:
  Clause(const std::string& text, const std::vector<std::string>& columns)
      : text_(text), columns_(columns) {}

  std::string sql() {
    while (skip_space()) {
      const char c = text_[at_];
      // Between the tokens there is always a space: two minus signs begin no comment.
      sql_ += ' ';
      if (is_letter(c)) {
        word();
      } else if (c == '\'') {
        sql_ += quoted();
      } else if (c == '"') {
        column(unquoted(quoted()));
      } else if (is_digit(c) || c == '.') {
        number();
      } else {
        sign();
      }
    }
    if (sql_.empty() || depth_ != 0) fail("expected a condition with its brackets closed");
    return "(" + sql_ + ")";
  }

 private:
  bool skip_space() {
    while (at_ < text_.size() && std::isspace(static_cast<unsigned char>(text_[at_])) != 0) ++at_;
    return at_ < text_.size();
  }

  template <class Belongs>
  std::string take_while(const Belongs& belongs) {
    const std::size_t from = at_;
    while (at_ < text_.size() && belongs(text_[at_])) ++at_;
    return text_.substr(from, at_ - from);
  }

  void word() {
    const std::string name = take_while(
        [](char c) { return is_letter(c) || is_digit(c) || c == '.' || c == '[' || c == ']'; });
    const bool is_column = std::find(columns_.begin(), columns_.end(), name) != columns_.end();
    const bool called = skip_space() && text_[at_] == '(';
    const std::string plain = lower(name);
    if (!is_column && (kWords.contains(plain) || (called && kFunctions.contains(plain)))) {
      sql_ += plain;
    } else if (!is_column && kStatuses.contains(name)) {
      sql_ += '\'' + name + '\'';
    } else {
      column(name);
    }
  }

  void column(const std::string& name) {
    try {
      sql_ += quoted_name(known_column(columns_, place(), name));
    } catch (const InputError& error) {
      throw InputError(error.what() + std::string("; a text stands in single quotes"));
    }
  }

  /// From a quote to the next of its kind, twice such a quote standing for one.
  std::string quoted() {
    const char quote = text_[at_];
    const std::size_t from = at_++;
    while (at_ < text_.size()) {
      if (text_[at_++] != quote) continue;
      if (at_ == text_.size() || text_[at_] != quote) return text_.substr(from, at_ - from);
      ++at_;
    }
    fail(std::string("expected another ") + quote + " at the end of the text");
  }

  static std::string unquoted(const std::string& text) {
    std::string plain;
    for (std::size_t i = 1; i + 1 < text.size(); ++i) {
      plain += text[i];
      if (text[i] == '"') ++i;
    }
    return plain;
  }

  void number() {
    sql_ += take_while([](char c) { return is_digit(c) || c == '.'; });
    if (at_ + 1 < text_.size() && lower(text_.substr(at_, 1)) == "e") {
      const bool has_sign = text_[at_ + 1] == '-' || text_[at_ + 1] == '+';
      sql_ += text_.substr(at_, has_sign ? 2 : 1);
      at_ += has_sign ? 2 : 1;
      sql_ += take_while(is_digit);
    }
  }

  void sign() {
    constexpr std::array kSigns{"<=", ">=", "==", "!=", "<>", "||", "<", ">", "=",
                                "+",  "-",  "*",  "/",  "%",  "(",  ")", ","};
    for (const std::string sign : kSigns) {
      if (text_.compare(at_, sign.size(), sign) != 0) continue;
      depth_ += sign == "(" ? 1 : sign == ")" ? -1 : 0;
      if (depth_ < 0) break;
      sql_ += sign;
      at_ += sign.size();
      return;
    }
    fail("cannot be read from \"" + text_.substr(at_) +
         "\" on; expected conditions as in ttft_p99 < 1 and (slo_holds or status = done)");
  }

  std::string place() const { return "--where \"" + text_ + "\""; }
  [[noreturn]] void fail(const std::string& what) const { throw InputError(place() + ": " + what); }

  const std::string& text_;
  const std::vector<std::string>& columns_;
  std::string sql_;
  std::size_t at_ = 0;
  int depth_ = 0;
};

}  // namespace

const std::string& known_column(const std::vector<std::string>& known, const std::string& place,
                                const std::string& name) {
  const auto found = std::find(known.begin(), known.end(), name);
  if (found == known.end()) {
    const std::string near = nearest_name(name, known);
    throw InputError(place + ": unknown column \"" + name + "\"; " +
                     (near.empty() ? "--csv names them all" : "did you mean \"" + near + "\"?"));
  }
  return *found;
}

std::string where_clause(const std::string& text, const std::vector<std::string>& columns) {
  return Clause(text, columns).sql();
}

}  // namespace cleave
