#include "sim/metrics/session_log.h"

#include "sim/metrics/ratio.h"

namespace cleave {

void SessionLog::begin(const FinishedRequest& request) {
  if (request.turn == 1 && begun_s_.emplace(request.session, request.arrival_s).second) ++begun_;
}

void SessionLog::finished(const FinishedRequest& request) {
  if (request.session == 0) return;
  begin(request);
  ++turns_;
  if (!request.last_turn) return;
  ++completed_;
  const auto found = begun_s_.find(request.session);
  if (found == begun_s_.end()) return;
  seconds_.add(request.completion_s - found->second);
  begun_s_.erase(found);
}

void SessionLog::rejected(const FinishedRequest& request) {
  if (request.session == 0) return;
  begin(request);
  ++cut_short_;
  begun_s_.erase(request.session);
}

void SessionLog::unfinished(const FinishedRequest& request) {
  if (request.session > 0) begin(request);
}

const FigureTable<SessionLog>& SessionLog::figures() {
  static const FigureTable<SessionLog> table{
      {"begun", "", "sessions_begun", better::neither(),
       "conversations, = completed + cut_short + unfinished",
       [](const SessionLog& log) { return log.begun_; }},
      {"completed", "", "sessions_completed", better::more(), "whose last turn was completed",
       [](const SessionLog& log) { return log.completed_; }},
      {"cut_short", "", "sessions_cut_short", better::less(),
       "that ended because a turn was too large for every instance",
       [](const SessionLog& log) { return log.cut_short_; }},
      {"unfinished", "", "sessions_unfinished", better::less(), "still going on at the end",
       [](const SessionLog& log) { return log.begun_ - log.completed_ - log.cut_short_; }},
      {"turns", "", "sessions_turns", better::neither(), "that were completed",
       [](const SessionLog& log) { return log.turns_; }},
      {"turns_per_session", "", "sessions_turns_per_session", better::neither(),
       "`turns` / `begun`",
       [](const SessionLog& log) {
         return per(static_cast<double>(log.turns_), static_cast<double>(log.begun_));
       }},
      {"seconds", "s", "sessions_seconds", better::less("", {}),
       "of completed ones, from the arrival of the first turn to the last token of the last",
       [](const SessionLog& log) { return &log.seconds_; }}};
  return table;
}

}  // namespace cleave
