#include <unistd.h>

#include <filesystem>

#include "sim/base/error.h"
#include "sim/base/files.h"
#include "sim/base/unfinished.h"
#include "sim/explore/results_store.h"

namespace cleave {

namespace {

namespace fs = std::filesystem;

void copy_rows(Database& from, Database& to, const std::string& select, const std::string& insert) {
  Statement read(from, select);
  std::string places;
  for (int i = 0; i < read.columns(); ++i) places += i == 0 ? "?" : ", ?";
  Statement write(to, insert + " VALUES (" + places + ")");
  while (read.step()) {
    for (int i = 0; i < read.columns(); ++i) {
      if (read.is_null(i)) {
        write.bind_null();
      } else if (read.is_text(i)) {
        write.bind(read.text(i));
      } else if (read.is_integer(i)) {
        write.bind(read.integer(i));
      } else {
        write.bind(read.number(i));
      }
    }
    write.step();
  }
}

void copy_schema(Database& from, Database& to) {
  Statement tables(from, "SELECT sql FROM sqlite_master WHERE type = 'table' ORDER BY rowid");
  while (tables.step()) to.run(tables.text(0));
  copy_rows(from, to, "SELECT * FROM sweep", "INSERT INTO sweep");
}

void check_same_sweep(Database& one, Database& other) {
  for (const char* fact : {"spec_hash", "cleave_version"}) {
    if (sweep_fact(one, fact) == sweep_fact(other, fact)) continue;
    throw InputError(other.file() + ": holds the results of another sweep than " + one.file() +
                     ", or of another version of cleave");
  }
}

MergeCount fill(const std::string& file, const std::vector<std::string>& inputs) {
  const WriterLock lock(file);
  Database out(file, Database::Mode::kWrite);
  bool is_new = !Statement(out, "SELECT 1 FROM sqlite_master").step();
  if (!is_new) check_is_results(out);
  out.write_ahead();
  out.run("BEGIN IMMEDIATE");
  for (const std::string& input : inputs) {
    Database in(input, Database::Mode::kRead);
    check_is_results(in);
    if (is_new) copy_schema(in, out);
    is_new = false;
    check_same_sweep(out, in);
    const std::string select = "SELECT * FROM points WHERE status ";
    copy_rows(in, out, select + "!= 'done'", "INSERT OR IGNORE INTO points");
    copy_rows(in, out, select + "= 'done'", "INSERT OR REPLACE INTO points");
  }
  out.run("COMMIT");
  Statement count(out, "SELECT count(*) FROM points");
  count.step();
  return {static_cast<std::uint64_t>(count.integer(0)), sweep_size(out)};
}

}  // namespace

MergeCount merge_results(const std::string& name, const std::vector<std::string>& inputs) {
  for (const std::string& input : inputs) {
    std::error_code none;
    if (fs::equivalent(input, name, none)) {
      throw InputError(input + ": is both an input and the output");
    }
  }
  const fs::path out = behind_links(name);
  std::error_code error;
  const fs::file_status status = fs::status(out, error);
  if (status.type() == fs::file_type::none) {
    throw InputError(name + ": cannot be written: " + error.message());
  }
  if (fs::exists(status)) return fill(out, inputs);
  Unfinished partial(out.string() + ".partial-" + std::to_string(getpid()));
  // SQLite's own, gone before a good end.
  const Unfinished log(partial.path() + "-wal");
  const Unfinished index(partial.path() + "-shm");
  const Unfinished journal(partial.path() + "-journal");
  const MergeCount count = fill(partial.path(), inputs);
  fs::rename(partial.path(), out, error);
  if (error) throw InputError(name + ": cannot be written: " + error.message());
  partial.keep();
  return count;
}

}  // namespace cleave
