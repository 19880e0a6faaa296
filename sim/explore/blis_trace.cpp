#include <filesystem>
#include <fstream>
#include <map>

#include "sim/base/csv_table.h"
#include "sim/base/error.h"
#include "sim/base/files.h"
#include "sim/explore/measured_requests.h"

// BLIS's TraceV2: a CSV row a request, times in microseconds as its client saw them, and a YAML
// header of which two levels of plain values are read: X.yaml beside X.csv, or X_header.yaml beside
// X_data.csv.

namespace cleave {

namespace {

namespace fs = std::filesystem;

/// "server.model" and the value's text, as far as a header has plain values.
using Header = std::map<std::string, std::string>;

std::string trimmed(const std::string& text) {
  const char* const blank = " \t\r\"'";
  const std::size_t first = text.find_first_not_of(blank);
  if (first == std::string::npos) return "";
  return text.substr(first, text.find_last_not_of(blank) - first + 1);
}

Header read_header(const std::string& file) {
  Header header;
  std::ifstream in(file);
  std::string section;
  std::string line;
  for (std::size_t number = 1; std::getline(in, line); ++number) {
    const std::string content = trimmed(line.substr(0, line.find(" #")));
    if (content.empty() || content.front() == '#' || content.front() == '-') continue;
    const std::size_t colon = content.find(':');
    if (colon == std::string::npos) {
      throw InputError(file + ":" + std::to_string(number) +
                       ": expected \"key: value\", as in the header of a BLIS trace; lists and "
                       "texts of several lines are not understood");
    }
    const std::string key = trimmed(content.substr(0, colon));
    const std::string value = trimmed(content.substr(colon + 1));
    const bool nested = line.front() == ' ';
    if (!nested) section = value.empty() ? key : "";
    if (!value.empty()) header[(nested ? section + "." : "") + key] = value;
  }
  return header;
}

/// "" where there is none.
std::string header_of(const fs::path& csv) {
  std::string stem = csv.stem().string();
  std::vector<std::string> stems{stem};
  const std::string data = "data";
  if (stem.ends_with(data)) {
    stems.push_back(stem.replace(stem.size() - data.size(), data.size(), "header"));
  }
  for (const std::string& name : stems) {
    for (const char* ending : {".yaml", ".yml"}) {
      const fs::path found = csv.parent_path() / (name + ending);
      if (file_exists(found)) return found.string();
    }
  }
  return "";
}

/// Numbers of the header; 0 where there is none.
double number_in(const Header& header, const std::string& key, const std::string& file) {
  const auto found = header.find(key);
  if (found == header.end()) return 0;
  const Json value = Json::parse(found->second, nullptr, false);
  if (!value.is_number()) {
    throw InputError(file + ": " + key + ": expected a number, found " + found->second);
  }
  return value.get<double>();
}

void describe_server(const Header& header, const std::string& file, MeasuredPoint& point) {
  const auto text = [&](const char* key) {
    const auto found = header.find(key);
    return found == header.end() ? "" : found->second;
  };
  const std::string unit = text("time_unit");
  if (!unit.empty() && unit != "microseconds" && unit != "us") {
    throw InputError(file + ": time_unit: expected microseconds, found " + unit);
  }
  point.llm = known_llm(text("server.model"));
  const std::string server = text("server.type");
  if (server == "vllm" || server == "sglang") point.engine = server;
  point.scenario = served_scenario(point);
  if (number_in(header, "server.tensor_parallel", file) > 0) {
    point.layout = "tp" + header.at("server.tensor_parallel");
  }
  const double share = number_in(header, "server.gpu_memory_utilization", file);
  if (share > 0) point.scenario["kv_cache"]["memory_fraction"] = share;
  const double block = number_in(header, "server.block_size", file);
  if (block > 0) point.scenario["kv_cache"]["block_tokens"] = block;
  const double most = number_in(header, "server.max_num_seqs", file);
  if (most > 0 && point.engine == "vllm") {
    point.scenario["batching"] = {{"policy", "vllm"}, {"max_num_seqs", most}};
  }
}

std::vector<MeasuredRequest> requests_of(const CsvTable& table, double round_trip_s) {
  constexpr double kMicro = 1e-6;
  std::vector<MeasuredRequest> requests;
  for (std::size_t row = 0; row < table.rows(); ++row) {
    const auto number = [&](const char* column) { return table.number(row, column, 0); };
    const auto either = [&](const char* column, const char* otherwise) {
      return number(column) > 0 ? number(column) : table.number(row, otherwise);
    };
    const std::string& status = table.text(row, "status");
    const double output = table.number(row, "output_tokens");
    if ((!status.empty() && status != "ok") || output < 1) continue;
    const double sent_s = either("send_time_us", "arrival_time_us") * kMicro;
    const auto after_s = [&](const char* column) {
      return table.number(row, column) * kMicro - sent_s - round_trip_s;
    };
    MeasuredRequest request{sent_s, either("server_input_tokens", "input_tokens"), output, {}};
    const double e2e = after_s("last_chunk_time_us");
    const double ttft = after_s("first_chunk_time_us");
    request.figures.e2e_s = e2e;
    if (table.text(row, "streaming") != "false") {
      request.figures.ttft_s = ttft;
      request.figures.tpot_s = tpot_of(ttft, e2e, output);
    }
    requests.push_back(request);
  }
  return requests;
}

std::vector<MeasuredPoint> read(const std::string& file, const MeasuredSources&) {
  constexpr double kMilli = 1e-3;
  MeasuredPoint point;
  point.id = file;
  const std::string beside = header_of(file);
  const Header header = beside.empty() ? Header() : read_header(beside);
  describe_server(header, beside, point);
  const CsvTable table(file);
  auto requests = requests_of(table, number_in(header, "network.measured_rtt_ms", beside) * kMilli);
  const std::size_t failed = table.rows() - requests.size();
  describe_requests(std::move(requests), failed, point);
  return {point};
}

bool recognises(const std::string& text) {
  const std::string first = text.substr(0, text.find('\n'));
  return first.find("first_chunk_time_us") != std::string::npos &&
         first.find("input_tokens") != std::string::npos;
}

}  // namespace

const MeasuredFormat kBlisTrace{recognises, read};

}  // namespace cleave
