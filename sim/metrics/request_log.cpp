#include "sim/metrics/request_log.h"

#include "sim/base/error.h"

namespace cleave {

struct RequestLog::Line {
  const FinishedRequest& request;
  const char* outcome;
  bool completed;
  bool moved;    ///< its KV cache did
  bool decoded;  ///< has more than the first token

  static std::optional<InstanceId> placed(InstanceId instance) {
    return instance == kNoInstance ? std::nullopt : std::optional(instance);
  }
  std::optional<double> if_completed(double time_s) const { return only(completed, time_s); }
  std::optional<double> if_moved(double time_s) const { return only(moved, time_s); }
  std::optional<double> if_decoded(double time_s) const { return only(decoded, time_s); }

 private:
  static std::optional<double> only(bool there, double time_s) {
    return there ? std::optional(time_s) : std::nullopt;
  }
};

const FigureTable<RequestLog::Line>& RequestLog::columns() {
  using L = Line;
  static const FigureTable<L> table{
      {"request", "", "position in the workload, from 0",
       [](const L& l) { return l.request.number; }},
      {"line", "",
       "its line in the trace file, from 1; a running number where requests are generated",
       [](const L& l) { return l.request.line; }},
      {"outcome", "",
       "`completed`; `rejected`: no instance could ever hold its KV cache; `unfinished`: still in "
       "the cluster at the end of the run",
       [](const L& l) { return l.outcome; }},
      {"arrival_s", "s", "when it reached the cluster",
       [](const L& l) { return l.request.arrival_s; }},
      {"prompt_tokens", "tokens", "length of its prompt",
       [](const L& l) { return l.request.prompt_tokens; }},
      {"output_tokens", "tokens", "length of its output, the first token included",
       [](const L& l) { return l.request.output_tokens; }},
      {"prompt_instance", "", "instance that ran its prompt phase; empty if it was never placed",
       [](const L& l) { return L::placed(l.request.prompt_instance); }},
      {"token_instance", "",
       "instance that ran its token phase; the same as `prompt_instance` where its KV cache did "
       "not "
       "move",
       [](const L& l) { return L::placed(l.request.token_instance); }},
      {"prompt_start_s", "s", "start of the iteration with its prompt",
       [](const L& l) { return l.if_completed(l.request.prompt_start_s); }},
      {"first_token_s", "s", "end of its prompt phase, which gives the first token",
       [](const L& l) { return l.if_completed(l.request.first_token_s); }},
      {"transfer_ready_s", "s",
       "when its KV cache asked to leave: at the end of the prompt phase, or at its start where it "
       "is sent layer by layer; empty where it did not move",
       [](const L& l) { return l.if_moved(l.request.transfer_ready_s); }},
      {"transfer_start_s", "s", "when the token instance had room and the bytes began to flow",
       [](const L& l) { return l.if_moved(l.request.transfer_start_s); }},
      {"transfer_end_s", "s", "when the whole KV cache had arrived",
       [](const L& l) { return l.if_moved(l.request.transfer_end_s); }},
      {"exposed_transfer_s", "s",
       "what the transfer took beyond the prompt phase, which hides the rest: `transfer_end_s` - "
       "`first_token_s`, or 0 where that is negative; waiting for room included",
       [](const L& l) { return l.if_moved(l.request.exposed_transfer_s()); }},
      {"token_start_s", "s", "start of its first decode iteration; empty for one output token",
       [](const L& l) { return l.if_decoded(l.request.token_start_s); }},
      {"completion_s", "s", "when its last token was there",
       [](const L& l) { return l.if_completed(l.request.completion_s); }},
      {"ttft_s", "s", "time to first token: `first_token_s` - `arrival_s`",
       [](const L& l) { return l.if_completed(l.request.first_token_s - l.request.arrival_s); }},
      {"tpot_s", "s",
       "time per output token: (`completion_s` - `first_token_s`) / (`output_tokens` - 1), "
       "whatever "
       "`results.tpot` of the scenario says; empty for one output token",
       [](const L& l) {
         const FinishedRequest& r = l.request;
         return l.if_decoded((r.completion_s - r.first_token_s) / (r.output_tokens - 1.0));
       }},
      {"e2e_s", "s", "`completion_s` - `arrival_s`",
       [](const L& l) { return l.if_completed(l.request.completion_s - l.request.arrival_s); }},
      {"largest_gap_s", "s",
       "the longest time between two consecutive tokens, transfer and waiting included; empty for "
       "one output token",
       [](const L& l) { return l.if_decoded(l.request.largest_gap_s); }},
      {"aside_s", "s",
       "time between its tokens in which no iteration worked for it: its KV cache was sent, it "
       "waited for a place in a batch, or it was put aside; empty for one output token",
       [](const L& l) { return l.if_decoded(l.request.aside_s); }},
      {"preemptions", "", "times its token phase was put aside for other work",
       [](const L& l) { return l.request.preemptions; }},
      {"restarts", "",
       "times it began again from its prompt, after a machine or transfer failed or to make room",
       [](const L& l) { return l.request.restarts; }},
      {"moves", "", "times it left an instance that drained, with its KV cache, between two tokens",
       [](const L& l) { return l.request.moves; }},
      {"cached_tokens", "tokens", "of its prompt, found in the prefix cache of its instance",
       [](const L& l) { return l.request.cached_tokens; }},
      {"loaded_tokens", "tokens",
       "of these, loaded from a tier behind GPU memory before its prompt phase",
       [](const L& l) { return l.request.loaded_tokens; }},
      {"session", "", "number of the conversation that it is a turn of; empty for none",
       [](const L& l) -> std::optional<std::uint64_t> {
         if (l.request.session == 0) return {};
         return l.request.session;
       }},
      {"turn", "", "which turn of it, from 1; empty for none",
       [](const L& l) -> std::optional<std::uint32_t> {
         if (l.request.session == 0) return {};
         return l.request.turn;
       }}};
  return table;
}

RequestLog::RequestLog(const std::string& file)
    : file_(file), out_(file, std::ios::binary), buffer_(columns().csv_header()) {
  if (!out_) throw InputError(file + ": cannot be written");
}

void RequestLog::write(const FinishedRequest& request, const char* outcome) {
  constexpr std::size_t kBlock = 1 << 16;
  const bool completed = outcome[0] == 'c';
  const bool moved = completed && request.handed_over();
  const bool decoded = completed && request.output_tokens > 1;
  columns().add_csv_line(buffer_, {request, outcome, completed, moved, decoded}, Digits::kFewest);
  if (buffer_.size() >= kBlock) flush();
}

void RequestLog::flush() {
  out_.write(buffer_.data(), static_cast<std::streamsize>(buffer_.size()));
  buffer_.clear();
}

void RequestLog::close() {
  flush();
  out_.close();
  if (!out_) throw InputError(file_ + ": the disk did not take all of it");
}

}  // namespace cleave
