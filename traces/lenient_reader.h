#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "traces/trace_reader.h"

namespace cleave {

/// The requests of a reader but for those whose lines it refuses; these are counted.
class LenientReader final : public TraceReader {
 public:
  explicit LenientReader(std::unique_ptr<TraceReader> reader) : reader_(std::move(reader)) {}

  bool next(Request& request) override;
  const std::vector<std::uint64_t>* prompt_blocks() const override {
    return reader_->prompt_blocks();
  }
  std::uint32_t prompt_block_tokens() const override { return reader_->prompt_block_tokens(); }
  std::string_view client() const override { return reader_->client(); }

  std::uint64_t skipped() const { return skipped_; }
  /// What was wrong with the first of them, with file and line.
  const std::string& first_error() const { return first_error_; }

 private:
  std::unique_ptr<TraceReader> reader_;
  std::uint64_t skipped_ = 0;
  std::string first_error_;
};

}  // namespace cleave
