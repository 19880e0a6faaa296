#include "sim/explore/results_store.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstring>
#include <thread>

#include "sim/base/error.h"
#include "sim/base/version.h"
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

ResultsStore::ResultsStore(const std::string& file, const SweepSpec& spec)
    : spec_(spec), lock_(file), database_(file, Database::Mode::kWrite) {
  const Json* pools = find_path(spec.base(), "pools");
  metrics_ = metric_columns(pools == nullptr ? 0 : pools->size());
  if (Statement(database_, "SELECT 1 FROM sqlite_master").step()) {
    check();
  } else {
    create();
  }
  read_recorded();
  std::string places = "?, ?, ?, ?, ?, ?";
  for (std::size_t i = 0; i < spec.paths().size() + metrics_.size(); ++i) places += ", ?";
  insert_ = std::make_unique<Statement>(database_, "INSERT INTO points VALUES (" + places + ")");
}

void ResultsStore::create() {
  std::string columns =
      "point INTEGER PRIMARY KEY, scenario_hash TEXT, status TEXT NOT NULL, error TEXT, "
      "scenario TEXT, summary TEXT";
  for (const std::string& path : spec_.paths()) columns += ", " + quoted_name(path);
  for (const MetricColumn& metric : metrics_) columns += ", " + quoted_name(metric.name) + " REAL";
  database_.run("BEGIN IMMEDIATE");
  database_.run("CREATE TABLE sweep (key TEXT PRIMARY KEY, value TEXT NOT NULL)");
  database_.run("CREATE TABLE points (" + columns + ")");
  Statement insert(database_, "INSERT INTO sweep VALUES (?, ?)");
  insert.bind("schema_version").bind(kSchemaVersion).step();
  insert.bind("cleave_version").bind(kVersion).step();
  insert.bind("spec_hash").bind(spec_.hash()).step();
  insert.bind("points").bind(std::to_string(spec_.size())).step();
  insert.bind("paths").bind(Json(spec_.paths()).dump()).step();
  insert.bind("spec").bind(spec_.resolved().dump()).step();
  database_.run("COMMIT");
}

void ResultsStore::check() const {
  check_is_results(database_);
  const std::string& file = database_.file();
  if (sweep_fact(database_, "spec_hash") != spec_.hash()) {
    throw InputError(file +
                     ": holds the results of another sweep; expected the same specification "
                     "as before, or the name of a new file");
  }
  const std::string version = sweep_fact(database_, "cleave_version");
  if (version != kVersion) {
    throw InputError(file + ": was begun by cleave " + version + "; this is cleave " + kVersion +
                     ", whose results may differ");
  }
}

void ResultsStore::read_recorded() {
  recorded_.assign(spec_.size(), false);
  Statement points(database_, "SELECT point FROM points");
  while (points.step()) recorded_.at(static_cast<std::size_t>(points.integer(0))) = true;
}

void ResultsStore::add(std::uint64_t point, const Json& scenario, const JobResult& result) {
  const bool good = result.error.empty();
  insert_->bind(static_cast<std::int64_t>(point));
  if (scenario.is_null()) {
    insert_->bind_null();
  } else {
    insert_->bind(scenario_hash(scenario));
  }
  insert_->bind(good ? "done" : "failed");
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
    const auto value = good ? metric_value(summary, metric) : std::nullopt;
    if (value) {
      insert_->bind(*value);
    } else {
      insert_->bind_null();
    }
  }
  insert_->step();
  recorded_[point] = true;
}

void ResultsStore::forget_failures() {
  database_.run("DELETE FROM points WHERE status = 'failed'");
  read_recorded();
}

}  // namespace cleave
