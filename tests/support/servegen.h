#pragma once

#include <map>
#include <memory>
#include <string>

#include "sim/base/json_reader.h"
#include "tests/support/temp_folder.h"

namespace cleave::testing {

/// A folder laid out as ServeGen's data: of each client a trace and a dataset.
class ServeGenFolder {
 public:
  using Lengths = std::map<std::string, std::string>;  ///< "input_tokens": "{808: 0.5, ...}"

  void add(int number, const std::string& trace, const std::map<std::string, Lengths>& windows) {
    write_trace(number, trace);
    Json dataset = Json::object();
    for (const auto& [start, lengths] : windows) dataset[start] = lengths;
    write_dataset(number, dataset.dump(2));
  }
  void write_trace(int number, const std::string& text) {
    folder_->write("chunk-" + std::to_string(number) + "-trace.csv", text);
  }
  void write_dataset(int number, const std::string& text) {
    folder_->write("chunk-" + std::to_string(number) + "-dataset.json", text);
  }
  std::string path() const { return folder_->path(); }
  std::string path(const std::string& file) const { return folder_->path(file); }

  /// What both of its kinds of lengths are.
  static Lengths lengths(const std::string& prompts, const std::string& outputs) {
    return {{"input_tokens", prompts}, {"output_tokens", outputs}};
  }

 private:
  std::unique_ptr<TempFolder> folder_ = std::make_unique<TempFolder>();
};

}  // namespace cleave::testing
