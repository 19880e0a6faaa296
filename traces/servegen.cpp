#include "traces/servegen.h"

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <optional>
#include <string_view>
#include <system_error>

#include "sim/base/error.h"
#include "sim/base/json_reader.h"
#include "traces/line_reader.h"
#include "traces/parse.h"
#include "traces/trace_reader.h"

namespace cleave {

namespace {

constexpr double kMostRps = 1e9;
constexpr double kMostShare = 1.001;  ///< sums of probabilities miss 1 by their rounding
constexpr std::string_view kBefore = "chunk-";
constexpr std::string_view kBehind = "-trace.csv";

/// The N of chunk-N-trace.csv.
std::optional<std::uint64_t> number_of(const std::string& file) {
  if (!file.starts_with(kBefore) || !file.ends_with(kBehind)) return {};
  const char* const end = file.data() + file.size() - kBehind.size();
  std::uint64_t number = 0;
  const auto [stop, error] = std::from_chars(file.data() + kBefore.size(), end, number);
  if (error != std::errc() || stop != end) return {};
  return number;
}

std::vector<std::string_view> cells_of(std::string_view line) {
  std::vector<std::string_view> cells;
  while (true) {
    const std::size_t comma = line.find(',');
    cells.push_back(line.substr(0, comma));
    if (comma == std::string_view::npos) return cells;
    line.remove_prefix(comma + 1);
  }
}

double number_in(std::string_view cell, const char* name, const LineReader& lines) {
  double value = 0;
  const char* const end = cell.data() + cell.size();
  if (parse_decimal(cell.data(), end, value) != end || cell.empty()) {
    lines.fail(std::string(name) + ": expected a number, at least 0, found " +
               cleave::quoted(cell));
  }
  return value;
}

ServeGenLine line_of(const LineReader& lines) {
  const std::vector<std::string_view> cells = cells_of(lines.text());
  if (cells.size() < 4 || cells.size() > 6) {
    lines.fail("expected start_s,rate_rps,cv,pattern and two parameters, found " +
               cleave::quoted(lines.text()));
  }
  const std::string_view pattern = cells[3];
  if (!pattern.empty() && pattern != "Gamma" && pattern != "Weibull") {
    lines.fail("pattern: expected Gamma, Weibull or nothing, found " + cleave::quoted(pattern));
  }
  const ServeGenLine line{number_in(cells[0], "start_s", lines),
                          number_in(cells[1], "rate_rps", lines), number_in(cells[2], "cv", lines)};
  if (line.start_s > kMaxArrivalS) lines.fail("start_s: expected at most 1e9 s");
  if (line.rate_rps > kMostRps) lines.fail("rate_rps: expected at most 1e9 requests/s");
  return line;
}

/// Reads "{808: 0.25, 874.0: 0.75}", a dictionary as Python writes it.
class Dictionary {
 public:
  Dictionary(std::string_view text, std::string place)
      : text_(text), at_(text.data()), place_(std::move(place)) {}

  /// Nothing where no length above 0 is in it.
  WeightedLengths lengths() {
    WeightedLengths read;
    bool any = false;
    expect('{');
    while (!found('}')) {
      if (any) expect(',');
      any = true;
      const std::uint64_t tokens = whole();
      expect(':');
      const double share = decimal();
      if (tokens > kMaxTokens || share > kMostShare) fail();
      if (tokens > 0) said_ = true;
      if (tokens > 0 && share > 0) read.add(static_cast<std::uint32_t>(tokens), share);
    }
    skip_blanks();
    if (at_ != end()) fail();
    if (read.empty() && said_) {
      throw InputError(place_ + ": expected probabilities that sum to more than 0");
    }
    WeightedLengths result;
    if (!read.empty()) result.add(read, 1 / read.total());
    return result;
  }

 private:
  const char* end() const { return text_.data() + text_.size(); }
  void skip_blanks() {
    while (at_ != end() && (*at_ == ' ' || *at_ == '\n')) ++at_;
  }
  bool found(char mark) {
    skip_blanks();
    if (at_ == end() || *at_ != mark) return false;
    ++at_;
    return true;
  }
  void expect(char mark) {
    if (!found(mark)) fail();
  }
  std::uint64_t whole() {
    skip_blanks();
    std::uint64_t value = 0;
    move_to(parse_whole(at_, end(), value));
    return value;
  }
  double decimal() {
    skip_blanks();
    double value = 0;
    move_to(parse_decimal(at_, end(), value));
    return value;
  }
  void move_to(const char* next) {
    if (next == nullptr) fail();
    at_ = next;
  }
  [[noreturn]] void fail() const {
    throw InputError(place_ +
                     ": expected probabilities by length, as in {808: 0.25, 874: 0.75}, found " +
                     cleave::quoted({at_, static_cast<std::size_t>(end() - at_)}));
  }

  std::string_view text_;
  const char* at_;
  std::string place_;
  bool said_ = false;
};

/// The second that a window's key says.
double start_of(const std::string& key, const std::string& file) {
  double start_s = 0;
  const char* const end = key.data() + key.size();
  if (key.empty() || parse_decimal(key.data(), end, start_s) != end) {
    throw InputError(file + ": expected windows by the second that they begin at, found " +
                     cleave::quoted(key));
  }
  return start_s;
}

void note(const Json& window, std::initializer_list<const char*> known,
          std::vector<std::string>& left_out) {
  for (const auto& [key, value] : window.items()) {
    const bool read = std::find(known.begin(), known.end(), key) != known.end();
    const bool noted = std::find(left_out.begin(), left_out.end(), key) != left_out.end();
    if (!read && !noted) left_out.push_back(key);
  }
}

}  // namespace

std::vector<ServeGenLine> ServeGenClient::lines() const {
  LineReader reader(folder_ + "/" + name() + std::string(kBehind));
  std::vector<ServeGenLine> all;
  while (reader.next_line()) {
    const ServeGenLine line = line_of(reader);
    if (!all.empty() && line.start_s <= all.back().start_s) {
      reader.fail("start_s: expected a time after that of the line before");
    }
    all.push_back(line);
  }
  if (all.empty()) reader.fail("expected one line at least");
  return all;
}

std::vector<ServeGenWindow> ServeGenClient::windows(std::vector<std::string>& left_out) const {
  const std::string file = folder_ + "/" + name() + "-dataset.json";
  const Json json = load_json(file);
  if (!json.is_object()) throw InputError(file + ": expected an object, found " + json_kind(json));
  std::vector<ServeGenWindow> all;
  for (const auto& [key, value] : json.items()) {
    JsonReader reader(value, file + ": " + cleave::quoted(key));
    const bool text = reader.has("text_tokens") && !reader.has("input_tokens");
    const char* const prompts = text ? "text_tokens" : "input_tokens";
    note(value, {prompts, "output_tokens"}, left_out);
    const auto lengths = [&](const char* name) {
      return Dictionary(reader.text(name), reader.path_of(name)).lengths();
    };
    ServeGenWindow window{start_of(key, file), lengths(prompts), lengths("output_tokens")};
    if (window.prompts.empty() || window.outputs.empty()) continue;
    all.push_back(std::move(window));
  }
  std::sort(all.begin(), all.end(),
            [](const ServeGenWindow& a, const ServeGenWindow& b) { return a.start_s < b.start_s; });
  return all;
}

std::vector<ServeGenClient> servegen_clients(const std::string& folder) {
  std::vector<std::uint64_t> numbers;
  std::error_code error;
  for (std::filesystem::directory_iterator at(folder, error), end; !error && at != end;
       at.increment(error)) {
    if (const auto number = number_of(at->path().filename().string())) numbers.push_back(*number);
  }
  if (error) throw InputError(folder + ": cannot be read (" + error.message() + ")");
  if (numbers.empty()) {
    throw InputError(folder +
                     ": expected a trace file, or a folder of ServeGen's with chunk-0-trace.csv, "
                     "chunk-0-dataset.json and so on");
  }
  std::sort(numbers.begin(), numbers.end());
  std::vector<ServeGenClient> clients;
  for (const std::uint64_t number : numbers) clients.emplace_back(folder, number);
  return clients;
}

}  // namespace cleave
