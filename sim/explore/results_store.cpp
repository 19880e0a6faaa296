#include "sim/explore/results_store.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <chrono>
#include <cstring>
#include <thread>

#include "sim/base/error.h"
#include "sim/base/program.h"
#include "sim/scenario/path.h"
#include "sim/scenario/resolve.h"

namespace cleave {

namespace {

constexpr const char* kSchemaVersion = "1";

/// A value of the scenario as a cell; lists and objects as JSON.
void bind_value(Statement& statement, const Json& value) {
  if (value.is_null()) {
    statement.bind_null();
  } else if (value.is_boolean()) {
    statement.bind(static_cast<std::int64_t>(value.get<bool>() ? 1 : 0));
  } else if (value.is_number_integer()) {
    statement.bind(value.get<std::int64_t>());
  } else if (value.is_number()) {
    statement.bind(value.get<double>());
  } else {
    statement.bind(value.is_string() ? value.get<std::string>() : value.dump());
  }
}

}  // namespace

WriterLock::WriterLock(const std::string& file)
    : descriptor_(open(file.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666)) {
  if (descriptor_ < 0) {
    throw InputError(file + ": cannot be written: " + std::strerror(errno));
  }
  // Of the open file and not of the process: SQLite lets go of all that its process has locked.
  struct flock lock {};
  lock.l_type = F_WRLCK;
  lock.l_whence = SEEK_SET;
  lock.l_len = 1;
  // A sweep that was killed may still have children that are about to end.
  constexpr int kTries = 60;
  int why = 0;
  for (int i = 0; i < kTries; ++i) {
    if (fcntl(descriptor_, F_OFD_SETLK, &lock) == 0) return;
    why = errno;
    if (why != EAGAIN && why != EACCES) break;
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  }
  close(descriptor_);
  if (why == EAGAIN || why == EACCES) {
    throw InputError(file +
                     ": another process is writing to it; expected a file of its own for every "
                     "sweep that runs, or shard of it");
  }
  throw InputError(file + ": cannot be locked: " + std::strerror(why));
}

WriterLock::~WriterLock() { close(descriptor_); }

void check_is_results(Database& database) {
  if (!database.has_table("sweep") || !database.has_table("points")) {
    throw InputError(database.file() + ": is no results database of cleave sweep");
  }
  const std::string version = sweep_fact(database, "schema_version");
  if (version != kSchemaVersion) {
    throw InputError(database.file() + ": has schema version " + version +
                     "; this program expected " + kSchemaVersion);
  }
}

std::string sweep_fact(Database& database, const std::string& key) {
  Statement find(database, "SELECT value FROM sweep WHERE key = ?");
  return find.bind(key).step() ? find.text(0) : "";
}

std::uint64_t sweep_size(Database& database) {
  const std::string text = sweep_fact(database, "points");
  std::uint64_t size = 0;
  const char* const end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, size);
  if (error == std::errc() && rest == end) return size;
  throw InputError(database.file() + ": sweep.points: expected a whole number, found \"" + text +
                   "\"");
}

std::vector<std::string> varied_paths(Database& database) {
  const std::string place = database.file() + ": sweep.paths";
  const Json paths{{"paths", parse_json(sweep_fact(database, "paths"), place)}};
  return JsonReader(paths, database.file() + ": sweep").texts("paths");
}

ResultsStore::ResultsStore(const std::string& file, const SweepSpec& spec)
    : spec_(spec), lock_(file), database_(file, Database::Mode::kWrite) {
  const Json* pools = find_path(spec.base(), "pools");
  metrics_ = metric_columns(pools == nullptr ? 0 : pools->size());
  const bool resumed = Statement(database_, "SELECT 1 FROM sqlite_master").step() && goes_on();
  database_.write_ahead();
  if (!resumed) create();
  read_recorded();
  std::string places = "?, ?, ?, ?, ?, ?";
  for (std::size_t i = 0; i < spec.paths().size() + metrics_.size(); ++i) places += ", ?";
  insert_ = std::make_unique<Statement>(database_,
                                        "INSERT OR REPLACE INTO points VALUES (" + places + ")");
}

void ResultsStore::create() {
  std::string columns =
      "point INTEGER PRIMARY KEY, scenario_hash TEXT, status TEXT NOT NULL, error TEXT, "
      "scenario TEXT, summary TEXT";
  for (const std::string& path : spec_.paths()) columns += ", " + quoted_name(path);
  for (const MetricColumn& metric : metrics_) columns += ", " + quoted_name(metric.name) + " REAL";
  database_.run("BEGIN IMMEDIATE");
  database_.run("DROP TABLE IF EXISTS sweep");
  database_.run("DROP TABLE IF EXISTS points");
  database_.run("CREATE TABLE sweep (key TEXT PRIMARY KEY, value TEXT NOT NULL)");
  database_.run("CREATE TABLE points (" + columns + ")");
  Statement insert(database_, "INSERT INTO sweep VALUES (?, ?)");
  insert.bind("schema_version").bind(kSchemaVersion).step();
  insert.bind("cleave_version").bind(program_version()).step();
  insert.bind("spec_hash").bind(spec_.hash()).step();
  insert.bind("points").bind(std::to_string(spec_.size())).step();
  insert.bind("paths").bind(Json(spec_.paths()).dump()).step();
  insert.bind("spec").bind(spec_.resolved().dump()).step();
  database_.run("COMMIT");
}

bool ResultsStore::goes_on() const {
  check_is_results(database_);
  const std::string why_not = why_another_sweep();
  if (why_not.empty()) return true;
  if (!Statement(database_, "SELECT 1 FROM points WHERE status = 'done'").step()) return false;
  throw InputError(database_.file() + ": " + why_not);
}

std::string ResultsStore::why_another_sweep() const {
  const std::string version = sweep_fact(database_, "cleave_version");
  if (sweep_fact(database_, "spec_hash") == spec_.hash()) {
    return version == program_version() ? ""
                                        : "was begun by cleave " + version + "; this is cleave " +
                                              program_version() + ", whose results may differ";
  }
  const std::string expected =
      "; expected the same specification as before, or the name of a new file";
  Json before = Json::parse(sweep_fact(database_, "spec"), nullptr, false);
  Json now = spec_.resolved();
  if (before.is_object() && before.contains("files") && now.contains("files")) {
    const Json old_files = before["files"];
    const Json new_files = now["files"];
    before.erase("files");
    now.erase("files");
    for (const auto& file : old_files.items()) {
      if (before != now || new_files.value(file.key(), Json()) == file.value()) continue;
      return "was begun with another content of " + file.key() +
             "; expected that again, or the name of a new database";
    }
  }
  return "holds the results of another sweep" + expected;
}

void ResultsStore::read_recorded() {
  recorded_.assign(spec_.size(), Status::kMissing);
  Statement points(database_, "SELECT point, status FROM points");
  while (points.step()) {
    const std::int64_t point = points.integer(0);
    if (point < 0 || static_cast<std::uint64_t>(point) >= recorded_.size()) {
      throw InputError(database_.file() + ": points: has point " + std::to_string(point) +
                       ", but the sweep has " + std::to_string(recorded_.size()) +
                       "; expected what cleave sweep has written");
    }
    const std::string status = points.text(1);
    recorded_[static_cast<std::size_t>(point)] = status == "done"   ? Status::kDone
                                                 : status == "died" ? Status::kMissing
                                                                    : Status::kFailed;
  }
}

void ResultsStore::add(std::uint64_t point, const Json& scenario, const JobResult& result) {
  const bool good = result.error.empty();
  insert_->bind(static_cast<std::int64_t>(point));
  if (scenario.is_null()) {
    insert_->bind_null();
  } else {
    insert_->bind(scenario_hash(scenario));
  }
  insert_->bind(good ? "done" : result.died ? "died" : "failed");
  if (good) {
    insert_->bind_null();
  } else {
    insert_->bind(result.error);
  }
  insert_->bind(scenario.dump());
  Json summary;
  if (good) {
    summary = Json::parse(result.text);
    insert_->bind(result.text);
  } else {
    insert_->bind_null();
  }
  for (const Json& value : spec_.values(point)) bind_value(*insert_, value);
  for (const MetricColumn& metric : metrics_) {
    bind_value(*insert_, good ? metric_value(summary, metric) : Json());
  }
  insert_->step();
  recorded_[point] = good ? Status::kDone : result.died ? Status::kMissing : Status::kFailed;
}

void ResultsStore::forget_failures() {
  database_.run("DELETE FROM points WHERE status != 'done'");
  read_recorded();
}

}  // namespace cleave
