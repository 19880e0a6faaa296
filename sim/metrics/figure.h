#pragma once

#include <optional>
#include <set>
#include <string>
#include <type_traits>
#include <vector>

#include "sim/base/error.h"
#include "sim/metrics/csv_cell.h"
#include "sim/metrics/quantiles.h"

namespace cleave {

/// Which way a figure should go, and how far it may go before `cleave compare` calls it a change.
struct Better {
  enum Way : std::uint8_t { kLess, kMore, kNeither };
  Way way = kNeither;
  /// A share, "1%", an amount in its unit, "0", or the larger of both, "1%,0.001", for what comes
  /// near 0; "": not compared unasked.
  std::string within;
  std::vector<std::string> statistics;  ///< of a distribution: those that are compared
};

namespace better {
inline Better less(std::string within = "", std::vector<std::string> statistics = {}) {
  return {Better::kLess, std::move(within), std::move(statistics)};
}
inline Better more(std::string within = "") { return {Better::kMore, std::move(within), {}}; }
inline Better neither() { return {}; }
}  // namespace better

/// What there is to know of a figure of summary.json, or of a column of a CSV file, but its value.
struct Figure {
  std::string path;    ///< "cost.requests_per_usd"; [] for each of a list: "pools[].utilization"
  std::string unit;    ///< "" for none
  std::string column;  ///< in a results database, "" for none: requests_per_usd; of each of a list,
                       ///< "pool[]_utilization"; of its first, "busiest_link_utilization"
  Better better;
  std::string meaning;        ///< Markdown, one line
  bool distribution = false;  ///< stands for its statistics: "ttft.p99", in the column "ttft_p99"

  bool has_column_for_each() const { return column.find("[]") != std::string::npos; }
};

/// A path or a column with `number` in the place of its brackets, if it has any.
inline std::string with_number(std::string name, const std::string& number) {
  const std::size_t at = name.find("[]");
  return at == std::string::npos ? name : name.replace(at, 2, number);
}

inline Json figure_json(Json value) { return value; }
template <class Value>
Json figure_json(const Value& value) {
  return Json(value);
}
template <class Value>
Json figure_json(const std::optional<Value>& value) {
  return value ? Json(*value) : Json();
}
inline Json figure_json(const Quantiles* distribution) { return distribution->json(); }

/// Of a figure that is not there: its key is left out.
inline Json no_key() { return Json(Json::value_t::discarded); }

/// The figures of an `Owner`, each in one row with the function that gives its value. All else that
/// names or describes them follows: keys of summary.json or columns of a CSV file, columns of a
/// results database, what `cleave compare` looks at, `cleave list figures`, the tables of docs/.
template <class Owner>
class FigureTable {
 public:
  /// `value` is a lambda without captures from `const Owner&` to a number, true or false, a text,
  /// or nothing (std::optional); to a distribution (const Quantiles*); or, for what is drawn, to
  /// Json, which may be no_key().
  class Row {
   public:
    template <class Value>
    Row(const char* name, const char* unit, const char* column, Better better, const char* meaning,
        Value value)
        : Row(name,
              std::vector<Figure>{
                  {name, unit, column, std::move(better), meaning, is_distribution<Value>()}},
              value) {}
    /// One that no results database has, and that is neither better nor worse.
    template <class Value>
    Row(const char* name, const char* unit, const char* meaning, Value value)
        : Row(name, unit, "", better::neither(), meaning, value) {}
    /// An object that has a table of its own, or a list of them: "pools[]". `value` gives its Json.
    template <class Part, class Value>
    Row(const char* name, const FigureTable<Part>& part, Value value)
        : Row(name, below(name, part.figures()), value) {}

   private:
    friend FigureTable;

    template <class Value>
    Row(const std::string& name, std::vector<Figure> figures, Value /*value*/)
        : key_(name.substr(0, name.find("[]"))),
          figures_(std::move(figures)),
          json_([](const Owner& owner) { return figure_json(Value{}(owner)); }) {
      if constexpr (CsvCell<ResultOf<Value>>) {
        cell_ = [](std::string& text, const Owner& owner, Digits digits) {
          put_cell(text, Value{}(owner), digits);
        };
      }
    }

    template <class Value>
    using ResultOf = std::decay_t<std::invoke_result_t<Value, const Owner&>>;
    template <class Value>
    static constexpr bool is_distribution() {
      return std::is_same_v<ResultOf<Value>, const Quantiles*>;
    }
    static std::vector<Figure> below(const std::string& name, std::vector<Figure> figures) {
      for (Figure& figure : figures) figure.path = name + "." + figure.path;
      return figures;
    }

    std::string key_;
    std::vector<Figure> figures_;
    Json (*json_)(const Owner&);
    void (*cell_)(std::string&, const Owner&, Digits) = nullptr;
  };

  FigureTable(std::initializer_list<Row> rows) : rows_(rows) {}

  /// All of them, those of parts too, in their order.
  std::vector<Figure> figures() const {
    std::vector<Figure> all;
    for (const Row& row : rows_) all.insert(all.end(), row.figures_.begin(), row.figures_.end());
    return all;
  }

  /// An object with a key a row; where `keys` are given, of those rows alone.
  Json json(const Owner& owner, const std::set<std::string>& keys = {}) const {
    Json object = Json::object();
    for (const Row& row : rows_) {
      if (!keys.empty() && !keys.contains(row.key_)) continue;
      Json value = row.json_(owner);
      if (!value.is_discarded()) object[row.key_] = std::move(value);
    }
    return object;
  }
  /// null for none.
  Json json(const std::optional<Owner>& owner) const { return owner ? json(*owner) : Json(); }
  Json json(const std::vector<Owner>& owners) const {
    Json list = Json::array();
    for (const Owner& owner : owners) list.push_back(json(owner));
    return list;
  }

  /// The first line of a CSV file that has a column a row, and another line of it.
  std::string csv_header() const {
    std::string line;
    for (const Row& row : rows_) {
      if (row.cell_ == nullptr) broken_invariant("column " + row.key_ + ": has no text for a cell");
      line += (line.empty() ? "" : ",") + row.key_;
    }
    return line + '\n';
  }
  void add_csv_line(std::string& text, const Owner& owner, Digits digits) const {
    for (const Row& row : rows_) {
      row.cell_(text, owner, digits);
      text += ',';
    }
    text.back() = '\n';
  }

 private:
  std::vector<Row> rows_;
};

}  // namespace cleave
