#include <cmath>
#include <deque>

#include "sim/base/error.h"
#include "sim/base/json_reader.h"
#include "sim/base/random.h"
#include "traces/json_lines_reader.h"

// Agents as LLMServingSim (casys-kaist/LLMServingSim) has them: a session a line, in times of ns,
// with its requests and how long the tool runs that is called behind each.
namespace cleave {
namespace {

class Sessions final : public TraceReader {
 public:
  explicit Sessions(const std::string& path) : lines_(path) {}

  bool next(Request& request) override {
    while (turns_.empty()) {
      if (!lines_.next_line()) {
        lines_.require_requests();
        return false;
      }
      read_session();
    }
    request = turns_.front();
    turns_.pop_front();
    return true;
  }

 private:
  void read_session() {
    Json line;
    try {
      line = parse_json(std::string(lines_.text()), "");
    } catch (const InputError&) {
      lines_.fail("expected a JSON object; is the line cut off?");
    }
    const double arrival_s = number(line, "arrival_time_ns", 0, 1e9 * kMaxArrivalS) / 1e9;
    const Json requests = line.value("sub_requests", Json());
    if (!requests.is_array() || requests.empty()) {
      lines_.fail("\"sub_requests\" is missing; expected the list of a session's requests");
    }
    Request turn;
    turn.arrival_s = lines_.admit(arrival_s);
    turn.line = lines_.line();
    turn.session = hash_of(lines_.line(), 1);
    for (const Json& each : requests) {
      turn.prompt_tokens = static_cast<std::uint32_t>(number(each, "input_toks", 1, kMaxTokens));
      turn.output_tokens = static_cast<std::uint32_t>(number(each, "output_toks", 1, kMaxTokens));
      turns_.push_back(turn);
      const bool tool = each.contains("tool_duration_ns");
      turn.after_s = tool ? number(each, "tool_duration_ns", 0, 1e9 * kMaxArrivalS) / 1e9 : 0;
    }
  }

  double number(const Json& object, const char* key, double least, double most) {
    const Json value = object.is_object() ? object.value(key, Json()) : Json();
    const bool good = value.is_number() && value.get<double>() >= least &&
                      value.get<double>() <= most &&
                      (least == 0 || value.get<double>() == std::floor(value.get<double>()));
    if (!good)
      lines_.fail(std::string(key) + ": expected a number from " + (least == 0 ? "0" : "1"));
    return value.get<double>();
  }

  LineReader lines_;
  std::deque<Request> turns_;
};

class Agents final : public TraceFormat {
 public:
  bool recognises(std::string_view line) const override {
    return has_json_field(line, "sub_requests");
  }
  std::unique_ptr<TraceReader> open(const std::string& path) const override {
    return std::make_unique<Sessions>(path);
  }
};

const TraceFormats::Entry kEntry{"llmservingsim-agents",
                                 "agents of LLMServingSim, a session a line (JSON lines, ns)",
                                 [] { return std::make_unique<Agents>(); }};

}  // namespace
}  // namespace cleave
