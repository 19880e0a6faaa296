#include "sim/explore/database.h"

#include <sqlite3.h>

#include <array>
#include <cstdio>
#include <filesystem>

#include "sim/base/error.h"

namespace cleave {

Database::Database(const std::string& file, Mode mode) : file_(file) {
  try {
    // Readers too may write what goes with a log: who closes it last puts it away.
    open(file, SQLITE_OPEN_READWRITE | (mode == Mode::kWrite ? SQLITE_OPEN_CREATE : 0));
    if (mode == Mode::kWrite) return;
    run("PRAGMA query_only = ON");
    const int code =
        sqlite3_exec(handle_, "SELECT 1 FROM sqlite_master", nullptr, nullptr, nullptr);
    if (code == SQLITE_CANTOPEN || code == SQLITE_READONLY) open_where_nothing_can_be_written();
  } catch (const InputError&) {
    sqlite3_close(handle_);
    throw;
  }
}

Database::~Database() {
  if (writes_ahead_) {
    // Without the log, it can be read where nothing can be written. Readers may still need it.
    sqlite3_busy_timeout(handle_, 0);
    sqlite3_exec(handle_, "PRAGMA journal_mode = DELETE", nullptr, nullptr, nullptr);
  }
  sqlite3_close(handle_);
}

void Database::open(const std::string& name, int flags) {
  constexpr int kPatienceMs = 60'000;
  if (sqlite3_open_v2(name.c_str(), &handle_, flags, nullptr) != SQLITE_OK) fail();
  sqlite3_busy_timeout(handle_, kPatienceMs);
}

/// A file that a sweep has left while it was written to says that it has a log, and SQLite would
/// make what goes with that.
void Database::open_where_nothing_can_be_written() {
  std::error_code none;
  const auto log_size = std::filesystem::file_size(file_ + "-wal", none);
  if (!none && log_size > 0) {
    throw InputError(file_ +
                     ": a sweep was stopped while it wrote to it, and nothing can be written "
                     "here to restore it; expected a copy elsewhere, with " +
                     file_ + "-wal beside it");
  }
  std::string uri = "file:";
  for (const char c : file_) {
    constexpr std::string_view kSpecial = "%?#";
    std::array<char, 4> escaped{};
    std::snprintf(escaped.data(), escaped.size(), "%%%02X", static_cast<unsigned char>(c));
    uri += kSpecial.find(c) == std::string_view::npos ? std::string(1, c) : escaped.data();
  }
  sqlite3_close(handle_);
  open(uri + "?immutable=1", SQLITE_OPEN_READONLY | SQLITE_OPEN_URI);
}

void Database::write_ahead() {
  run("PRAGMA journal_mode = WAL");
  run("PRAGMA synchronous = NORMAL");
  writes_ahead_ = true;
}

void Database::fail() const { throw InputError(file_ + ": " + sqlite3_errmsg(handle_)); }

void Database::run(const std::string& sql) {
  if (sqlite3_exec(handle_, sql.c_str(), nullptr, nullptr, nullptr) != SQLITE_OK) fail();
}

bool Database::has_table(const std::string& name) {
  Statement find(*this, "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?");
  return find.bind(name).step();
}

Statement::Statement(Database& database, const std::string& sql) : database_(database) {
  check(sqlite3_prepare_v2(database.handle_, sql.c_str(), -1, &handle_, nullptr));
}

Statement::~Statement() { sqlite3_finalize(handle_); }

void Statement::check(int code) const {
  if (code != SQLITE_OK) database_.fail();
}

Statement& Statement::bind(std::string_view text) {
  check(sqlite3_bind_text64(handle_, ++bound_, text.data(), text.size(), SQLITE_TRANSIENT,
                            SQLITE_UTF8));
  return *this;
}

Statement& Statement::bind(double number) {
  check(sqlite3_bind_double(handle_, ++bound_, number));
  return *this;
}

Statement& Statement::bind(std::int64_t number) {
  check(sqlite3_bind_int64(handle_, ++bound_, number));
  return *this;
}

Statement& Statement::bind_null() {
  check(sqlite3_bind_null(handle_, ++bound_));
  return *this;
}

bool Statement::step() {
  const int code = sqlite3_step(handle_);
  if (code == SQLITE_ROW) return true;
  bound_ = 0;
  check(sqlite3_reset(handle_));
  return false;
}

int Statement::columns() const { return sqlite3_column_count(handle_); }
std::string Statement::name(int column) const { return sqlite3_column_name(handle_, column); }

bool Statement::is_null(int column) const {
  return sqlite3_column_type(handle_, column) == SQLITE_NULL;
}

bool Statement::is_text(int column) const {
  return sqlite3_column_type(handle_, column) == SQLITE_TEXT;
}

bool Statement::is_integer(int column) const {
  return sqlite3_column_type(handle_, column) == SQLITE_INTEGER;
}

std::string Statement::text(int column) const {
  const unsigned char* bytes = sqlite3_column_text(handle_, column);
  const int size = sqlite3_column_bytes(handle_, column);
  return bytes == nullptr ? "" : std::string(bytes, bytes + size);
}

double Statement::number(int column) const { return sqlite3_column_double(handle_, column); }
std::int64_t Statement::integer(int column) const { return sqlite3_column_int64(handle_, column); }

std::string quoted_name(const std::string& name) {
  std::string quoted = "\"";
  for (const char c : name) quoted += c == '"' ? std::string("\"\"") : std::string(1, c);
  return quoted + "\"";
}

}  // namespace cleave
