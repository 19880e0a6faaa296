#pragma once

#include <unistd.h>

#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "sim/base/error.h"
#include "sim/base/json_reader.h"
#include "traces/request.h"
#include "traces/workload.h"

namespace cleave::testing {

/// A file that lives as long as the test that wrote it.
class TempFile {
 public:
  explicit TempFile(std::string_view text, const std::string& name = "trace.csv") {
    static int count = 0;
    path_ = std::filesystem::temp_directory_path() /
            ("cleave_" + std::to_string(::getpid()) + "_" + std::to_string(count++) + "_" + name);
    std::ofstream(path_, std::ios::binary) << text;
  }
  ~TempFile() {
    std::error_code ignored;
    std::filesystem::remove(path_, ignored);
  }
  TempFile(const TempFile&) = delete;
  TempFile& operator=(const TempFile&) = delete;
  std::string path() const { return path_.string(); }

 private:
  std::filesystem::path path_;
};

inline std::vector<Request> read_all(RequestSource& source) {
  std::vector<Request> all;
  Request request;
  while (source.next(request)) all.push_back(request);
  return all;
}

/// The message of the InputError that `call` throws; "" if it throws none.
inline std::string error_of(const std::function<void()>& call) {
  try {
    call();
  } catch (const InputError& error) {
    return error.what();
  }
  return "";
}

/// A workload written as in a scenario.
inline Workload workload_from(const std::string& json) {
  const Json parsed = parse_json(json, "test");
  JsonReader reader(parsed, "workload");
  return read_workload(reader);
}

inline std::vector<Request> requests_of(const std::string& json) {
  Clients clients = open_workload(workload_from(json));
  std::vector<Request> all;
  while (std::isfinite(clients.next_s())) {
    all.emplace_back();
    clients.send(all.back());
  }
  return all;
}

/// A line of Mooncake's, with ids of blocks of 512 tokens.
inline std::string mooncake_line(double time_ms, std::uint32_t prompt, std::uint32_t output,
                                 const std::vector<std::uint64_t>& ids) {
  return Json{{"timestamp", time_ms},
              {"input_length", prompt},
              {"output_length", output},
              {"hash_ids", ids}}
             .dump() +
         "\n";
}

/// A real trace, where scripts/fetch_traces has put it (or in $CLEAVE_DATA).
inline std::optional<std::string> real_trace(const std::string& name) {
  const char* folder = std::getenv("CLEAVE_DATA");
  const std::filesystem::path data = folder != nullptr
                                         ? std::filesystem::path(folder)
                                         : std::filesystem::path(CLEAVE_SOURCE_DIR) / "data";
  const std::filesystem::path path = data / "traces" / name;
  if (!std::filesystem::exists(path)) return {};
  return path.string();
}

}  // namespace cleave::testing
