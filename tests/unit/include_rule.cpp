#include <algorithm>
#include <filesystem>
#include <fstream>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "tests/catch.h"

namespace {

namespace fs = std::filesystem;
using Names = std::vector<std::string>;

/// What the files of one folder (and of the folders in it that have no row of their own) may
/// include: files of their own folder, of `rooms` (folders, or single headers), and of `libraries`.
/// The standard library and the operating system's headers are open to all.
struct Row {
  std::string folder;
  Names rooms;
  Names libraries;
};

Names operator+(Names left, const Names& right) {
  left.insert(left.end(), right.begin(), right.end());
  return left;
}

const Names kModels = {"models/catalogue", "models/latency"};
/// A family of policies is known above by the header that holds its contract and its registry.
const Names kRegistries = {
    "sim/fabric/fabric.h",         "sim/machine/batching_policy.h",  "sim/machine/memory_policy.h",
    "sim/scheduling/scheduler.h",  "sim/transfer/transfer_policy.h", "sim/transfer/admission.h",
    "sim/scaling/scaling_policy.h"};
const Names kScenario = kModels + kRegistries + Names{"sim/base", "sim/core", "traces"};
const Names kCluster =
    Names{"sim/base",       "sim/core",     "sim/engine",  "sim/fabric",  "sim/machine",
          "sim/scheduling", "sim/transfer", "sim/scaling", "sim/scenario"};
const Names kResults = {"sim/base", "sim/core", "sim/metrics", "sim/scenario"};
const Names kEntry = {"sim/simulation.h"};
const Names kEverything =
    kCluster + kModels + kEntry +
    Names{"models/fit", "sim", "sim/metrics", "sim/explore", "sim/report", "traces"};

// From the words of a run upwards: a row sees those above it only, and metrics nobody below it.
// clang-format off
const std::vector<Row> kRows = {
    // folder            may include                                              libraries
    {"sim/base",         {},                                                      {"json", "zlib"}},
    {"sim/core",         {},                                                      {}},
    {"traces",           {"sim/base", "sim/core"},                                {"json"}},
    {"models/catalogue", {"sim/base"},                                            {"json"}},
    {"models/latency",   {"sim/base", "models/catalogue"},                        {"json"}},
    {"models/fit",       kModels + Names{"sim/base"},                             {"json", "eigen"}},
    {"sim/engine",       {"sim/base", "sim/core"},                                {"simgrid", "boost"}},
    {"sim/fabric",       {"sim/base", "sim/core", "sim/engine"},                  {"simgrid"}},
    {"sim/machine",      {"sim/base", "sim/core", "sim/engine", "models/catalogue", "models/latency"}, {}},
    {"sim/scheduling",   {"sim/base", "sim/core"},                                {}},
    {"sim/transfer",     {"sim/base", "sim/core", "sim/engine", "sim/fabric", "sim/machine"}, {}},
    {"sim/scaling",      {"sim/base", "sim/core", "sim/engine", "sim/fabric/fabric.h", "sim/machine", "sim/scheduling/scheduler.h", "models/latency"}, {}},
    {"sim/scenario",     kScenario,                                               {"json"}},
    {"sim/metrics",      kModels + Names{"sim/base", "sim/core", "sim/scenario"}, {"json", "protozero"}},
    {"sim/simulation.h", kResults + Names{"sim/scheduling/scheduler.h"},          {"json"}},
    {"sim",              kCluster + kModels + kEntry + Names{"sim/metrics", "traces"}, {"json"}},
    {"sim/explore",      kResults + kEntry + kModels,                                      {"json", "eigen", "sqlite", "zlib", "mpi", "boost"}},
    {"sim/report",       kResults,                                                {"json"}},
    {"sim/cli",          kEverything,                                             {"json", "cli11"}},
    {"python",           kEverything,                                             {"json", "pybind11"}},
    {"tests/bench",      kEverything,                                             {"json", "simgrid", "benchmark"}},
    {"tests",            kEverything + Names{"sim/cli"},                          {"json", "catch2", "rapidcheck", "protozero"}},
};
// clang-format on

struct Library {
  std::string name;
  Names headers;  ///< a header, or the beginning of its path
};

const std::vector<Library> kLibraries = {
    {"json", {"nlohmann/"}},
    {"eigen", {"Eigen/", "unsupported/Eigen/"}},
    {"cli11", {"CLI/"}},
    {"simgrid", {"simgrid/", "xbt/", "xbt.h"}},
    {"boost", {"boost/"}},
    {"sqlite", {"sqlite3.h"}},
    {"benchmark", {"benchmark/"}},
    {"zlib", {"zlib.h"}},
    {"protozero", {"protozero/"}},
    {"mpi", {"mpi.h"}},
    {"pybind11", {"pybind11/"}},
    {"catch2", {"catch2/"}},
    {"rapidcheck", {"rapidcheck.h", "rapidcheck/"}},
};
const std::set<std::string> kSystemHeaders = {"dlfcn.h",   "fcntl.h", "malloc.h", "poll.h",
                                              "pthread.h", "sched.h", "pty.h",    "signal.h",
                                              "termios.h", "unistd.h"};

bool inside(std::string_view path, std::string_view folder) {
  return path.starts_with(folder) && (path.size() == folder.size() || path[folder.size()] == '/');
}

/// The row of the innermost folder that holds `path`; nothing if no row does.
const Row* row_of(std::string_view path) {
  const Row* best = nullptr;
  for (const Row& row : kRows) {
    if (inside(path, row.folder) && (best == nullptr || row.folder.size() > best->folder.size())) {
      best = &row;
    }
  }
  return best;
}

bool may_include_file(const Row& row, std::string_view header) {
  const Row* room = row_of(header);
  if (room == nullptr) return false;
  return room == &row || std::any_of(row.rooms.begin(), row.rooms.end(), [&](const auto& allowed) {
           return allowed == header || allowed == room->folder;
         });
}

bool may_include_library(const Row& row, std::string_view header) {
  for (const Library& library : kLibraries) {
    const bool found =
        std::any_of(library.headers.begin(), library.headers.end(),
                    [&](const std::string& beginning) { return header.starts_with(beginning); });
    if (found) {
      return std::find(row.libraries.begin(), row.libraries.end(), library.name) !=
             row.libraries.end();
    }
  }
  return header.find_first_of("./") == std::string_view::npos || header.starts_with("sys/") ||
         kSystemHeaders.contains(std::string(header));
}

/// One sentence for each line of `text`, the contents of the file `path`, that breaks the rule.
Names broken_includes(const std::string& path, const std::string& text) {
  const Row* row = row_of(path);
  if (row == nullptr) return {path + ": its folder has no row in the table of rooms"};
  static const std::regex include_line(R"(^\s*#\s*include\s*([<"])([^>"]+)[>"].*)");
  Names broken;
  std::istringstream lines(text);
  std::string line;
  for (int number = 1; std::getline(lines, line); ++number) {
    std::smatch match;
    if (!std::regex_match(line, match, include_line)) continue;
    const std::string header = match[2];
    const bool allowed =
        match[1] == "\"" ? may_include_file(*row, header) : may_include_library(*row, header);
    if (!allowed) {
      broken.push_back(path + ":" + std::to_string(number) + ": " + row->folder +
                       "/ may not include " + header);
    }
  }
  return broken;
}

/// One sentence for each line that names a directory of somebody's account.
Names home_paths(const std::string& path, const std::string& text) {
  static const std::regex home(R"((^|[\s"'=(:<])(/(home|Users|root)/|[A-Z]:\\Users\\).*)");
  Names found;
  std::istringstream lines(text);
  std::string line;
  for (int number = 1; std::getline(lines, line); ++number) {
    if (std::regex_search(line, home)) {
      found.push_back(path + ":" + std::to_string(number) + ": names a home directory");
    }
  }
  return found;
}

/// The project's files with one of `endings` under its folders, by their path in the project.
Names project_files(const std::set<std::string>& endings) {
  const fs::path root = CLEAVE_SOURCE_DIR;
  Names files;
  for (const char* folder :
       {"models", "packaging", "profiles", "python", "scripts", "sim", "tests", "traces"}) {
    if (!fs::exists(root / folder)) continue;
    for (const auto& entry : fs::recursive_directory_iterator(root / folder)) {
      if (entry.is_regular_file() && endings.contains(entry.path().extension().string())) {
        files.push_back(entry.path().lexically_relative(root).generic_string());
      }
    }
  }
  std::sort(files.begin(), files.end());
  return files;
}

std::string contents(const std::string& path) {
  std::ifstream in(fs::path(CLEAVE_SOURCE_DIR) / path, std::ios::binary);
  std::ostringstream bytes;
  bytes << in.rdbuf();
  return bytes.str();
}

}  // namespace

TEST_CASE("every folder includes only what its row allows") {
  const Names files = project_files({".cpp", ".h"});
  REQUIRE(files.size() > 10);
  Names broken;
  for (const std::string& path : files) broken = broken + broken_includes(path, contents(path));
  CHECK(broken == Names{});
}

TEST_CASE("no file names a home directory") {
  Names found;
  for (const std::string& path :
       project_files({"", ".cmake", ".cpp", ".h", ".json", ".md", ".py", ".sh", ".txt"})) {
    found = found + home_paths(path, contents(path));
  }
  CHECK(found == Names{});
}

TEST_CASE("the include rule finds what it forbids") {
  const auto breaks = [](const std::string& path, const std::string& header) {
    return broken_includes(path, "#include " + header + "\n").size() == 1;
  };
  CHECK(breaks("sim/report/html.cpp", "\"sim/engine/engine.h\""));
  CHECK(breaks("sim/report/html.cpp", "\"sim/simulation.h\""));
  CHECK(breaks("sim/explore/sweep.cpp", "\"sim/machine/instance.h\""));
  CHECK(breaks("sim/simulation.h", "\"sim/engine/engine.h\""));
  CHECK(breaks("sim/machine/instance.cpp", "\"sim/simulation.h\""));
  CHECK(breaks("sim/machine/instance.cpp", "\"sim/scenario/scenario.h\""));
  CHECK(breaks("sim/scheduling/policy.cpp", "\"sim/metrics/metrics.h\""));
  CHECK(breaks("sim/scenario/read.cpp", "\"sim/machine/instance.h\""));
  CHECK(breaks("sim/core/ids.h", "\"sim/base/error.h\""));
  CHECK(breaks("sim/base/error.cpp", "\"traces/request.h\""));
  CHECK(breaks("traces/reader.cpp", "\"models/catalogue/hardware.h\""));
  CHECK(breaks("models/latency/fitted.cpp", "\"traces/request.h\""));
  CHECK(breaks("sim/scheduling/policy.cpp", "\"sim/cli/main.h\""));
  CHECK(breaks("sim/machine/instance.cpp", "<simgrid/s4u.hpp>"));
  CHECK(breaks("sim/cli/run.cpp", "<boost/intrusive/list.hpp>"));
  CHECK(breaks("sim/explore/sweep.cpp", "<CLI/CLI.hpp>"));
  CHECK(breaks("sim/metrics/results.cpp", "<Eigen/Dense>"));
  CHECK(breaks("sim/cli/store.cpp", "<sqlite3.h>"));
  CHECK(breaks("sim/report/timeline.cpp", "<protozero/pbf_writer.hpp>"));
  CHECK(breaks("traces/reader.cpp", "<curl/curl.h>"));
  CHECK(breaks("traces/reader.cpp", "\"request.h\""));
  CHECK(breaks("attic/old.cpp", "<vector>"));

  CHECK_FALSE(breaks("sim/explore/sweep.cpp", "\"sim/simulation.h\""));
  CHECK_FALSE(breaks("sim/explore/sweep.cpp", "<sys/wait.h>"));
  CHECK_FALSE(breaks("sim/fabric/star.cpp", "<simgrid/s4u.hpp>"));
  CHECK_FALSE(breaks("sim/metrics/timeline.cpp", "<protozero/pbf_writer.hpp>"));
  CHECK_FALSE(breaks("models/fit/least_squares.cpp", "\"models/latency/latency.h\""));
  CHECK_FALSE(breaks("tests/unit/engine_clock.cpp", "\"sim/engine/engine.h\""));
}

TEST_CASE("home directories are found where they stand as paths") {
  const std::string user = "ada/trace.csv";
  CHECK(home_paths("a.cpp",
                   "open(\"/home"
                   "/" +
                       user + "\")")
            .size() == 1);
  CHECK(home_paths("a.cpp",
                   "\n/Users"
                   "/" +
                       user)
            .size() == 1);
  CHECK(home_paths("a.cpp",
                   "https://example.org/home"
                   "/" +
                       user)
            .empty());
}
