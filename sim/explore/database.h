#pragma once

#include <cstdint>
#include <string>
#include <string_view>

struct sqlite3;
struct sqlite3_stmt;

namespace cleave {

/// A SQLite file. Errors are InputErrors that name it.
class Database {
 public:
  enum class Mode { kRead, kWrite };
  /// kRead changes nothing in it. kWrite creates the file where there is none.
  Database(const std::string& file, Mode mode);
  ~Database();
  Database(const Database&) = delete;
  Database& operator=(const Database&) = delete;

  /// From here on writes go ahead to a log (WAL) until this is closed: readers see what is
  /// committed, and a process that dies leaves whole rows.
  void write_ahead();
  void run(const std::string& sql);
  bool has_table(const std::string& name);
  const std::string& file() const { return file_; }

 private:
  friend class Statement;
  void open(const std::string& name, int flags);
  void open_where_nothing_can_be_written();
  [[noreturn]] void fail() const;

  std::string file_;
  sqlite3* handle_ = nullptr;
  bool writes_ahead_ = false;
};

/// One statement: bind its parameters in order, then step through its rows; after that it can be
/// bound again.
class Statement {
 public:
  Statement(Database& database, const std::string& sql);
  ~Statement();
  Statement(const Statement&) = delete;
  Statement& operator=(const Statement&) = delete;

  Statement& bind(std::string_view text);
  Statement& bind(double number);
  Statement& bind(std::int64_t number);
  Statement& bind_null();
  /// To the next row; false after the last one.
  bool step();

  int columns() const;
  std::string name(int column) const;
  bool is_null(int column) const;
  bool is_text(int column) const;
  bool is_integer(int column) const;
  std::string text(int column) const;
  double number(int column) const;
  std::int64_t integer(int column) const;

 private:
  void check(int code) const;

  Database& database_;
  sqlite3_stmt* handle_ = nullptr;
  int bound_ = 0;
};

/// A name as SQL takes it, whatever is in it.
std::string quoted_name(const std::string& name);

}  // namespace cleave
