#include "sim/metrics/request_log.h"

#include <array>
#include <charconv>

#include "sim/base/error.h"

namespace cleave {

namespace {

constexpr std::size_t kBlock = 1 << 16;
constexpr const char* kHeader =
    "request,line,outcome,arrival_s,prompt_tokens,output_tokens,prompt_instance,token_instance,"
    "prompt_start_s,first_token_s,transfer_ready_s,transfer_start_s,transfer_end_s,token_start_s,"
    "completion_s,ttft_s,tpot_s,e2e_s,largest_gap_s,aside_s,preemptions,restarts\n";

template <class Number>
void put(std::string& text, Number value) {
  std::array<char, 32> digits{};
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr;
  text.append(digits.data(), end);
}

template <class Number>
void field(std::string& text, Number value, bool there = true) {
  text += ',';
  if (there) put(text, value);
}

}  // namespace

RequestLog::RequestLog(const std::string& file) : file_(file), out_(file, std::ios::binary) {
  if (!out_) throw InputError(file + ": cannot be written");
  buffer_ = kHeader;
}

void RequestLog::write(const FinishedRequest& r, const char* outcome) {
  const bool done = outcome[0] == 'c';
  const bool moved = done && r.moved();
  const bool gaps = done && r.output_tokens > 1;
  put(buffer_, r.number);
  field(buffer_, r.line);
  buffer_ += ',';
  buffer_ += outcome;
  field(buffer_, r.arrival_s);
  field(buffer_, r.prompt_tokens);
  field(buffer_, r.output_tokens);
  field(buffer_, r.prompt_instance, r.prompt_instance != kNoInstance);
  field(buffer_, r.token_instance, r.token_instance != kNoInstance);
  field(buffer_, r.prompt_start_s, done);
  field(buffer_, r.first_token_s, done);
  field(buffer_, r.transfer_ready_s, moved);
  field(buffer_, r.transfer_start_s, moved);
  field(buffer_, r.transfer_end_s, moved);
  field(buffer_, r.token_start_s, gaps);
  field(buffer_, r.completion_s, done);
  field(buffer_, r.first_token_s - r.arrival_s, done);
  field(buffer_, (r.completion_s - r.first_token_s) / (r.output_tokens - 1.0), gaps);
  field(buffer_, r.completion_s - r.arrival_s, done);
  field(buffer_, r.largest_gap_s, gaps);
  field(buffer_, r.aside_s, gaps);
  field(buffer_, r.preemptions);
  field(buffer_, r.restarts);
  buffer_ += '\n';
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
