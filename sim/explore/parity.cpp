#include "sim/explore/parity.h"

#include <zlib.h>

#include <array>
#include <charconv>
#include <cmath>
#include <filesystem>
#include <limits>
#include <map>
#include <memory>
#include <sstream>

#include "sim/base/error.h"
#include "sim/scenario/resolve.h"
#include "sim/simulation.h"

namespace cleave {

namespace {

constexpr double kTolerance = 1e-6;
constexpr const char* kUnfinished = "unfinished";
const std::string kNone = "none";

/// The machine that stands for 8 GPUs of this kind.
std::string machine_of(const std::string& gpu, const JsonReader& pool) {
  const std::map<std::string, std::string> machines{
      {"a100-80gb", "dgx-a100"}, {"h100-80gb", "dgx-h100"}, {"h100-80gb-pcap", "dgx-h100-cap70"}};
  const auto found = machines.find(gpu);
  if (found != machines.end()) return found->second;
  std::vector<std::string> known;
  known.reserve(machines.size());
  for (const auto& [name, machine] : machines) known.push_back(name);
  throw_unknown_name(pool.path_of("gpu"), "GPU", gpu, known);
}

struct NamedPool {
  Json pool;
  std::string gpu;
  std::uint32_t count;
};

/// Machines are numbered in the order of the pools, but in clusters of different GPUs from the last
/// pool to the first.
std::vector<std::string> machine_names(const std::vector<NamedPool>& pools) {
  bool different = false;
  for (const NamedPool& pool : pools) different = different || pool.gpu != pools.front().gpu;
  std::vector<std::string> names;
  for (std::size_t i = 0; i < pools.size(); ++i) {
    std::uint32_t first = 0;
    for (std::size_t j = 0; j < pools.size(); ++j) {
      if (different ? j > i : j < i) first += pools[j].count;
    }
    for (std::uint32_t k = 0; k < pools[i].count; ++k) {
      names.push_back(pools[i].gpu + "_" + std::to_string(first + k));
    }
  }
  return names;
}

ParityCase read_case(JsonReader& reader, const std::filesystem::path& folder) {
  ParityCase result;
  result.name = reader.text("name");
  result.expected = (folder / reader.text("expected")).string();
  std::vector<NamedPool> pools;
  Json changes{{"llm", reader.text("model")},
               {"workload", {{"trace", (folder / reader.text("trace")).string()}}},
               {"scheduler", {{"policy", reader.text("scheduler")}}},
               {"pools", Json::array()}};
  for (JsonReader& pool : reader.objects("pools")) {
    const std::string gpu = pool.text("gpu");
    const auto count = static_cast<std::uint32_t>(pool.integer("machines", 0, 1'000'000));
    if (count == 0) continue;
    changes["pools"].push_back(
        {{"role", pool.text("role")}, {"machine", machine_of(gpu, pool)}, {"count", count}});
    pools.push_back({changes["pools"].back(), gpu, count});
  }
  ScenarioSources sources;
  sources.presets = {"splitwise-sim"};
  result.scenario = merge_scenario(merge_scenario(sources), changes);
  result.machines = machine_names(pools);
  return result;
}

using Row = std::vector<std::string>;

/// Reads a CSV file, plain or compressed; its rows by the names of the columns in `columns`.
std::vector<Row> read_rows(const std::string& file, const std::vector<std::string>& columns) {
  const std::unique_ptr<gzFile_s, int (*)(gzFile)> in(gzopen(file.c_str(), "rb"), gzclose);
  if (!in) throw InputError(file + ": cannot be read");
  std::string text;
  std::array<char, 1 << 16> block{};
  int n = 0;
  while ((n = gzread(in.get(), block.data(), block.size())) > 0) {
    text.append(block.data(), static_cast<std::size_t>(n));
  }
  if (n < 0) throw InputError(file + ": is not a complete gzip file");
  const auto split = [](const std::string& line) {
    Row fields;
    std::stringstream stream(line);
    for (std::string field; std::getline(stream, field, ',');) fields.push_back(field);
    return fields;
  };
  std::stringstream lines(text);
  std::string line;
  std::getline(lines, line);
  const Row header = split(line);
  std::vector<std::size_t> where;
  for (const std::string& column : columns) {
    const auto found = std::find(header.begin(), header.end(), column);
    if (found == header.end()) throw InputError(file + ":1: column " + column + " is missing");
    where.push_back(static_cast<std::size_t>(found - header.begin()));
  }
  std::vector<Row> rows;
  while (std::getline(lines, line)) {
    const Row fields = split(line);
    Row row;
    for (const std::size_t at : where) row.push_back(at < fields.size() ? fields[at] : "");
    rows.push_back(row);
  }
  return rows;
}

struct Results : Observer {
  std::map<std::uint64_t, FinishedRequest> requests;
  void finished(const FinishedRequest& request) override { requests[request.number] = request; }
};

/// The earliest difference seen so far.
class FirstDifference {
 public:
  void note(double time_s, const std::string& request, const std::string& field,
            const std::string& expected, const std::string& found) {
    if (time_s >= time_s_) return;
    time_s_ = time_s;
    text_ = "request " + request + ", " + field + ": expected " + expected + ", found " + found;
  }
  const std::string& text() const { return text_; }

 private:
  double time_s_ = std::numeric_limits<double>::infinity();
  std::string text_;
};

std::string seconds(double value) {
  std::ostringstream text;
  text.precision(9);
  text << std::fixed << value;
  return text.str();
}

/// A number of the expected results; 0 where there is none.
template <class Number>
Number parse(const std::string& text) {
  Number value{};
  const char* const end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, value);
  if (text.empty() || (error == std::errc() && rest == end)) return value;
  throw InputError("the expected results: expected a number, found \"" + text + "\"");
}

void compare(const Row& row, const FinishedRequest& found, const std::vector<std::string>& machines,
             FirstDifference& first) {
  const auto machine = [&](const char* field, const std::string& expected, InstanceId instance) {
    const std::string& used = instance == kNoInstance ? kNone : machines[instance];
    if (expected != used) first.note(found.arrival_s, row[0], field, expected, used);
  };
  const auto time = [&](const char* field, const std::string& expected, double value) {
    if (expected.empty()) return;
    const double expected_s = parse<double>(expected);
    if (std::abs(expected_s - value) <= kTolerance) return;
    first.note(std::min(expected_s, value), row[0], field, expected, seconds(value));
  };
  machine("prompt_machine", row[1], found.prompt_instance);
  time("prompt_start", row[2], found.prompt_start_s);
  time("prompt_end", row[3], found.first_token_s);
  if (found.moved()) time("transfer_end", row[4], found.transfer_end_s);
  machine("token_machine", row[5], found.token_instance);
  time("token_start", row[6], found.token_start_s);
  time("token_end", row[7], found.completion_s);
}

}  // namespace

std::vector<ParityCase> read_parity_cases(const std::string& file) {
  const Json json = load_json(file);
  if (!json.is_array()) throw InputError(file + ": expected a list of cases");
  const std::filesystem::path folder = std::filesystem::path(file).parent_path();
  std::vector<ParityCase> cases;
  for (std::size_t i = 0; i < json.size(); ++i) {
    JsonReader reader(json[i], file + ": [" + std::to_string(i) + "]");
    cases.push_back(read_case(reader, folder));
  }
  return cases;
}

std::string compare_parity(const ParityCase& parity_case) {
  const std::vector<Row> rows = read_rows(
      parity_case.expected, {"request_id", "prompt_machine", "prompt_start", "prompt_end",
                             "transfer_end", "token_machine", "token_start", "token_end"});
  Results results;
  Simulation(read_scenario(parity_case.scenario)).alone().watch(results).run();
  FirstDifference first;
  for (const Row& row : rows) {
    const auto found = results.requests.find(parse<std::uint64_t>(row[0]));
    if (found == results.requests.end()) {
      if (row[7].empty()) continue;
      first.note(parse<double>(row[2]), row[0], "token_end", row[7], kUnfinished);
    } else {
      compare(row, found->second, parity_case.machines, first);
    }
  }
  return first.text();
}

}  // namespace cleave
