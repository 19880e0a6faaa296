#include "models/fit/measurement_check.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <iomanip>
#include <map>
#include <set>
#include <sstream>
#include <tuple>

#include "models/catalogue/hardware.h"
#include "models/catalogue/llm.h"
#include "models/latency/latency_profile.h"
#include "sim/base/builtin.h"

namespace cleave {

namespace {

using Rows = std::vector<Measurement*>;

constexpr double kMs = 1e-3;

/// A row this many times above or below the median of its batch does not count.
constexpr double kOutlier = 3;
/// Between these, the other unit explains the row better than chance.
constexpr double kLeastUnits = 300;
constexpr double kMostUnits = 3000;

std::string plain(double value) {
  std::ostringstream text;
  constexpr double kWhole = 100;
  if (value < kWhole) {
    text << std::setprecision(3) << value;
  } else {
    text << std::fixed << std::setprecision(0) << value;
  }
  return text.str();
}

std::string in_ms(double seconds) { return plain(seconds / kMs); }

/// The LLMs or GPUs that rows name, loaded from files of the user's own or built in.
template <class Profile>
class Known {
 public:
  using Load = Profile (*)(const std::string&, const std::string&);
  Known(const std::vector<std::string>& files, const std::string& folder, Load load)
      : names_(builtin_names(folder)) {
    for (const std::string& name : names_) profiles_.emplace(name, load(name, folder));
    for (const std::string& file : files) {
      Profile profile = load(file, file);
      names_.push_back(profile.name);
      profiles_.insert_or_assign(profile.name, std::move(profile));
    }
  }
  /// nullptr: unknown.
  const Profile* find(const std::string& name) const {
    const auto found = profiles_.find(name);
    return found == profiles_.end() ? nullptr : &found->second;
  }
  const std::vector<std::string>& names() const { return names_; }

 private:
  std::vector<std::string> names_;
  std::map<std::string, Profile> profiles_;
};

/// Each unknown name once, where it first stands.
template <class Profile>
void check_names(const std::vector<Measurement>& rows, const Known<Profile>& known,
                 std::string Measurement::*name, const std::string& kind, const std::string& option,
                 Defects& defects) {
  std::map<std::string, std::uint64_t> unknown;
  std::vector<const Measurement*> first;
  for (const Measurement& row : rows) {
    if (known.find(row.*name) == nullptr && ++unknown[row.*name] == 1) first.push_back(&row);
  }
  for (const Measurement* row : first) {
    const std::string near = nearest_name(row->*name, known.names());
    std::string all;
    for (const std::string& one : known.names()) all += (all.empty() ? "" : ", ") + one;
    const std::string count =
        std::to_string(unknown[row->*name]) + " of " + std::to_string(rows.size()) + " rows";
    defects.add(row->line,
                "unknown " + kind + " \"" + row->*name + "\" (" + count + "); " +
                    (near.empty() ? "expected one of " + all : "did you mean \"" + near + "\"?") +
                    " (for one of your own: " + option + " FILE)");
  }
}

/// A phase reads every weight from memory once. Whatever the format of the weights, it takes more
/// than an eighth of the time that two bytes a parameter would: less is another unit than ms.
void check_fastest(const Measurement& row, const Llm& llm, const Gpu& gpu, Defects& defects) {
  constexpr double kSmallestFormat = 8;
  const double least_s =
      llm.weight_bytes / row.tensor_parallel / gpu.memory_bandwidth_bytes_per_s / kSmallestFormat;
  for (const auto& [name, seconds] :
       {std::pair("prompt_time", row.prompt_s), std::pair("token_time", row.token_s)}) {
    if (seconds == 0 || seconds >= least_s) continue;
    defects.add(row.line, std::string(name) + " " + in_ms(seconds) + " is less than the " +
                              in_ms(least_s) + " ms in which the GPU could read the LLM's " +
                              "weights; expected times in ms");
    return;
  }
}

/// Whether vLLM, which measured, could have run the batch as one: weights, the KV cache of every
/// sequence at its full length, and the activations of a prefill of the whole batch (input and
/// output of the widest matrices, FP16), within the 90 % of memory that it uses by default.
bool could_be_one_batch(const Measurement& row, const Llm& llm, const Gpu& gpu) {
  constexpr double kUsable = 0.9;
  constexpr double kFp16Bytes = 2;
  const double gpus = row.tensor_parallel;
  const double activation_values =
      llm.mlp_matrices * static_cast<double>(llm.mlp_size) / gpus + 2.0 * llm.hidden_size;
  const double needed = (llm.weight_bytes + row.batch_size * (row.prompt_size + row.generated()) *
                                                llm.kv_bytes_per_token) /
                            gpus +
                        row.prompt_tokens() * activation_values * kFp16Bytes;
  return needed <= kUsable * gpu.memory_bytes;
}

struct Column {
  const char* name;
  double Measurement::*seconds;
};
// Not e2e_time: runs end whenever the LLM ends its answer.
constexpr std::array kColumns{Column{"prompt_time", &Measurement::prompt_s},
                              Column{"token_time", &Measurement::token_s}};

/// Rows of one batch should agree: finds those in another unit and those far off.
void check_batch(const Rows& rows, const Column& column, Defects& defects) {
  std::vector<double> values;
  for (const Measurement* row : rows) {
    if (row->*column.seconds > 0) values.push_back(row->*column.seconds);
  }
  if (values.size() < 2) return;
  std::sort(values.begin(), values.end());
  const double median = values[values.size() / 2];
  for (Measurement* row : rows) {
    const double value = row->*column.seconds;
    if (value <= 0) continue;
    const double times = std::max(value / median, median / value);
    const std::string what = std::string(column.name) + " " + in_ms(value) + " is " + plain(times) +
                             " times " + (value > median ? "more" : "less") + " than the median " +
                             in_ms(median) + " ms of the " + std::to_string(values.size()) +
                             " rows of " + row->batch();
    if (times > kLeastUnits && times < kMostUnits) {
      row->left_out = "another unit";
      defects.add(row->line, what + "; expected all rows in ms, not some in another unit");
    } else if (times > kOutlier && values.size() > 2 && row->left_out.empty()) {
      row->left_out = defects.place(row->line) + ": " + what;
    }
  }
}

void check_batches(std::vector<Measurement>& rows, Defects& defects) {
  std::map<std::tuple<std::string, double, double, double>, Rows> batches;
  for (Measurement& row : rows) {
    batches[{row.configuration(), row.prompt_size, row.batch_size, row.token_size}].push_back(&row);
  }
  for (const auto& [batch, of_batch] : batches) {
    for (const Column& column : kColumns) check_batch(of_batch, column, defects);
  }
}

/// Groups of unknown names are not counted: it is the name that is wrong.
void check_enough(const std::vector<Measurement>& rows, const Known<Llm>& llms,
                  const Known<Gpu>& gpus, Defects& defects) {
  constexpr std::size_t kPromptSizes = 3;
  constexpr std::size_t kBatchSizes = 2;
  constexpr std::size_t kRows = 10;
  struct Seen {
    std::set<double> prompt_sizes;
    std::set<double> batch_sizes;
    std::size_t rows = 0;
    std::string left_out;  ///< why the first row that does not count does not
  };
  std::map<std::string, Seen> all;
  for (const Measurement& row : rows) {
    if (row.tensor_parallel == 0 || llms.find(row.llm) == nullptr ||
        gpus.find(row.gpu) == nullptr) {
      continue;
    }
    Seen& seen = all[row.configuration()];
    if (!row.left_out.empty()) {
      if (seen.left_out.empty()) seen.left_out = row.left_out;
      continue;
    }
    if (row.prompt_size > 0) seen.prompt_sizes.insert(row.prompt_size);
    if (row.batch_size > 0) seen.batch_sizes.insert(row.batch_size);
    ++seen.rows;
  }
  for (const auto& [configuration, seen] : all) {
    if (seen.prompt_sizes.size() >= kPromptSizes && seen.batch_sizes.size() >= kBatchSizes &&
        seen.rows >= kRows) {
      continue;
    }
    defects.add(0, configuration + ": too few measurements to fit; expected at least " +
                       std::to_string(kPromptSizes) + " prompt sizes, " +
                       std::to_string(kBatchSizes) + " batch sizes and " + std::to_string(kRows) +
                       " rows, found " + std::to_string(seen.prompt_sizes.size()) + ", " +
                       std::to_string(seen.batch_sizes.size()) + " and " +
                       std::to_string(seen.rows) +
                       (seen.left_out.empty() ? "" : "; left out: " + seen.left_out));
  }
}

}  // namespace

void check_measurements(std::vector<Measurement>& rows, const OwnProfiles& own, Defects& defects) {
  const Known<Llm> llms(own.llms, "profiles/llms", load_llm);
  const Known<Gpu> gpus(own.gpus, "profiles/gpus", load_gpu);
  check_names(rows, llms, &Measurement::llm, "LLM", "--llm", defects);
  check_names(rows, gpus, &Measurement::gpu, "GPU", "--gpu", defects);
  check_batches(rows, defects);
  for (Measurement& row : rows) {
    const Llm* llm = llms.find(row.llm);
    const Gpu* gpu = gpus.find(row.gpu);
    if (llm == nullptr || gpu == nullptr || row.tensor_parallel == 0 || row.token_s == 0) continue;
    if (!row.left_out.empty()) continue;
    check_fastest(row, *llm, *gpu, defects);
    Llm stored = *llm;
    stored.store(row.formats);
    if (!could_be_one_batch(row, stored, *gpu)) {
      row.left_out = row.batch() + ": weights, KV cache and activations exceed the memory";
    }
  }
  check_enough(rows, llms, gpus, defects);
}

}  // namespace cleave
