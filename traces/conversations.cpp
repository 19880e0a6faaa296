#include "traces/conversations.h"

#include <algorithm>
#include <cmath>
#include <deque>
#include <string>
#include <unordered_map>
#include <utility>

#include "sim/base/error.h"
#include "sim/base/random.h"
#include "sim/base/reference.h"
#include "traces/generator.h"
#include "traces/trace_reader.h"

namespace cleave {

namespace {

constexpr std::int64_t kMostTurns = 1'000'000;
const Accepts kTokens = words("a whole number, or the least and the most, as in [1, 10]");
const Setting kTurns{"turns", nullptr, "turns", "of a conversation", kTokens};
const Setting kThink{"think_s", 0, "s", "between a reply and the next turn, mean",
                     in({0, kMaxArrivalS, false})};
const Setting kInput{"input_tokens", nullptr, "tokens", "a later turn adds; as the first", kTokens};
const Setting kOutput{"output_tokens", nullptr, "tokens", "of a later reply; as the first",
                      kTokens};
const Reference::Entry kSessions{{"scenario",
                                  "workload.sessions",
                                  "Conversations, each of whose prompts repeats what was said.",
                                  {kTurns, kThink, kInput, kOutput}}};

const Setting kGroups{"groups", 1, "prompts", "that differ", whole(1, 1'000'000)};
const Setting kLength{"tokens", nullptr, "tokens", "of a system prompt", kTokens};
const Setting kZipf{"zipf", 0, "", "exponent of how often each is used; 0: equally",
                    in({0, 10, false})};
const Reference::Entry kSystemPrompts{{"scenario",
                                       "workload.system_prompts",
                                       "System prompts that requests begin with.",
                                       {kGroups, kLength, kZipf}}};

/// What is drawn or said in one place and nowhere else.
enum class Own : std::uint64_t { kSystemPrompt = 1, kReply, kTurn };
std::uint64_t own_id(Own kind, std::uint64_t a, std::uint64_t b) {
  return hash_of(hash_of(0x636f6e76ULL + static_cast<std::uint64_t>(kind), a), b);
}

std::uint32_t draw(TokenRange range, Random& random) {
  return range.least + static_cast<std::uint32_t>(random.below(range.most - range.least + 1ULL));
}

/// "turns": 5 or [1, 10].
TokenRange read_range(JsonReader& reader, const Setting& setting, std::int64_t most) {
  const std::string& key = setting.name;
  TokenRange range;
  if (!reader.value(key).is_array()) {
    range.least = range.most = static_cast<std::uint32_t>(reader.integer(key, 1, most));
    return range;
  }
  const std::vector<double> ends = reader.numbers(key, {1, static_cast<double>(most), false});
  const bool whole =
      std::all_of(ends.begin(), ends.end(), [](double end) { return end == std::floor(end); });
  if (ends.size() != 2 || ends[0] > ends[1] || !whole) {
    reader.fail(key, "expected a whole number, or the least and the most, as in [1, 10]");
  }
  return {static_cast<std::uint32_t>(ends[0]), static_cast<std::uint32_t>(ends[1])};
}

void check_length(std::uint64_t tokens, const char* key) {
  if (tokens <= kMaxTokens) return;
  throw InputError(std::string("workload.") + key + ": a prompt would have " +
                   std::to_string(tokens) + " tokens; expected at most " +
                   std::to_string(kMaxTokens));
}

class WithSystemPrompts final : public Transform {
 public:
  WithSystemPrompts(SourcePtr source, const SystemPrompts& settings, std::uint64_t seed)
      : Transform(std::move(source)),
        settings_(settings),
        seed_(seed),
        random_(seed, kSystemPromptStream) {
    double sum = 0;
    for (std::uint32_t group = 0; group < settings.groups; ++group) {
      sum += std::pow(group + 1.0, -settings.zipf);
      up_to_.push_back(sum);
    }
  }

  bool next(Request& request) override {
    if (!source().next(request)) return false;
    const double at = random_.uniform() * up_to_.back();
    const auto found = std::upper_bound(up_to_.begin(), up_to_.end() - 1, at);
    const auto group = static_cast<std::uint64_t>(found - up_to_.begin());
    Random of_group(seed_, hash_of(kSystemPromptStream, group));
    const std::uint32_t tokens = draw(settings_.tokens, of_group);
    check_length(std::uint64_t{request.prompt_tokens} + tokens, "system_prompts");
    request.prompt_tokens += tokens;
    for (Extent& extent : request.content) extent.end += tokens;
    const Extent text{tokens, own_id(Own::kSystemPrompt, seed_, group)};
    request.content.insert(request.content.begin(), text);
    return true;
  }

 private:
  SystemPrompts settings_;
  std::uint64_t seed_;
  Random random_;
  std::vector<double> up_to_;  ///< of the groups' frequencies, summed
};

/// What was said in a conversation so far.
struct Said {
  Content content;
  std::uint32_t prompt_tokens = 0;
  std::uint32_t tokens = 0;  ///< with the reply
};

/// The turn is sent: its prompt and reply are what the next one may repeat.
void say(Request& turn, Said& said) {
  if (turn.content.empty() || turn.content.back().end < turn.prompt_tokens) {
    turn.content.push_back({turn.prompt_tokens, own_id(Own::kTurn, turn.session, turn.turn)});
  }
  said.prompt_tokens = turn.prompt_tokens;
  said.tokens = turn.prompt_tokens + turn.output_tokens;
  turn.content.push_back({said.tokens, own_id(Own::kReply, turn.session, turn.turn)});
  said.content = turn.content;
}

/// Whether a prompt may begin with all that was said.
bool repeats(const Request& turn, const Said& said) {
  if (turn.prompt_tokens < said.tokens) return false;
  for (std::size_t i = 0; i < turn.content.size(); ++i) {
    const Extent& own = turn.content[i];
    if (own.end > said.prompt_tokens) return true;
    const Extent& before = said.content[i];
    if (own.id != before.id || own.end != before.end) return false;
  }
  return true;
}

void repeat_what_was(const Said& said, Request& turn) {
  Content content = said.content;
  for (const Extent& own : turn.content) {
    if (own.end > said.tokens) content.push_back(own);
  }
  turn.content = std::move(content);
}

class Drawn final : public Transform {
 public:
  Drawn(SourcePtr source, const SessionSettings& settings, std::uint64_t seed)
      : Transform(std::move(source)), settings_(settings), seed_(seed) {}

  bool next(Request& request) override {
    if (!source().next(request)) return false;
    request.session = ++begun_;
    request.turn = 1;
    Session session{Random(seed_, hash_of(kSessionStream, begun_)), 0, {}, request};
    session.turns = draw(settings_.turns, session.random);
    request.last_turn = session.turns == 1;
    say(request, session.said);
    if (!request.last_turn) sessions_.emplace(begun_, std::move(session));
    return true;
  }

  bool follow_up(std::uint64_t id, bool served, Request& request) override {
    const auto found = sessions_.find(id);
    if (found == sessions_.end()) return false;
    if (!served) {
      sessions_.erase(found);
      return false;
    }
    Session& session = found->second;
    Request& turn = session.turn;
    ++turn.turn;
    turn.last_turn = turn.turn == session.turns;
    const auto tokens = [&](TokenRange range, std::uint32_t first) {
      return range.most > 0 ? draw(range, session.random) : first;
    };
    const std::uint32_t input = tokens(settings_.input_tokens, session.first_prompt);
    const std::uint64_t prompt = std::uint64_t{session.said.tokens} + input;
    check_length(prompt, "sessions");
    turn.prompt_tokens = static_cast<std::uint32_t>(prompt);
    turn.output_tokens = tokens(settings_.output_tokens, session.first_output);
    turn.after_s = -settings_.think_s * std::log(session.random.uniform());
    turn.content = session.said.content;
    say(turn, session.said);
    request = turn;
    if (turn.last_turn) sessions_.erase(found);
    return true;
  }

 private:
  struct Session {
    Session(Random generator, std::uint32_t of_turns, Said before, const Request& first)
        : random(generator),
          turns(of_turns),
          said(std::move(before)),
          turn(first),
          first_prompt(first.prompt_tokens),
          first_output(first.output_tokens) {}
    Random random;
    std::uint32_t turns;
    Said said;
    Request turn;
    std::uint32_t first_prompt;
    std::uint32_t first_output;
  };

  SessionSettings settings_;
  std::uint64_t seed_;
  std::uint64_t begun_ = 0;
  std::unordered_map<std::uint64_t, Session> sessions_;
};

class Recorded final : public Transform {
 public:
  explicit Recorded(SourcePtr source) : Transform(std::move(source)) {
    Request request;
    for (request.content.clear(); Transform::source().next(request); request = {}) {
      if (request.session == 0) {
        first_.push_back(std::move(request));
        continue;
      }
      Session& session = sessions_[request.session];
      request.turn = ++session.turns;
      (request.turn == 1 ? first_ : session.later).push_back(std::move(request));
    }
    if (sessions_.empty()) {
      throw InputError(
          "workload.turns: no request of the trace belongs to a conversation; expected "
          "\"recorded\"");
    }
  }

  bool next(Request& request) override {
    if (first_.empty()) return false;
    request = std::move(first_.front());
    first_.pop_front();
    if (request.session > 0) send(sessions_.at(request.session), request);
    return true;
  }

  bool follow_up(std::uint64_t id, bool served, Request& request) override {
    const auto found = sessions_.find(id);
    if (found == sessions_.end()) return false;
    Session& session = found->second;
    if (!served || session.later.empty()) {
      sessions_.erase(found);
      return false;
    }
    request = std::move(session.later.front());
    session.later.pop_front();
    if (repeats(request, session.said)) repeat_what_was(session.said, request);
    send(session, request);
    return true;
  }

 private:
  struct Session {
    std::deque<Request> later;
    std::uint32_t turns = 0;
    Said said;
  };

  static void send(Session& session, Request& turn) {
    turn.last_turn = session.later.empty();
    say(turn, session.said);
  }

  std::deque<Request> first_;
  std::unordered_map<std::uint64_t, Session> sessions_;
};

}  // namespace

SessionSettings read_sessions(JsonReader reader) {
  SessionSettings settings;
  settings.turns = read_range(reader, kTurns, kMostTurns);
  settings.think_s = kThink.number(reader);
  if (kInput.given(reader)) {
    settings.input_tokens = read_range(reader, kInput, kMaxTokens);
  }
  if (kOutput.given(reader)) {
    settings.output_tokens = read_range(reader, kOutput, kMaxTokens);
  }
  reader.finish();
  return settings;
}

SystemPrompts read_system_prompts(JsonReader reader) {
  SystemPrompts settings;
  settings.groups = kGroups.count(reader);
  settings.tokens = read_range(reader, kLength, kMaxTokens);
  settings.zipf = kZipf.number(reader);
  reader.finish();
  return settings;
}

SourcePtr add_system_prompts(SourcePtr source, const SystemPrompts& settings, std::uint64_t seed) {
  return std::make_unique<WithSystemPrompts>(std::move(source), settings, seed);
}

SourcePtr converse(SourcePtr source, const SessionSettings& settings, std::uint64_t seed) {
  return std::make_unique<Drawn>(std::move(source), settings, seed);
}

SourcePtr answer_replies(SourcePtr source) { return std::make_unique<Recorded>(std::move(source)); }

}  // namespace cleave
