#include "sim/explore/pool_cuts.h"

#include <algorithm>

#include "models/catalogue/hardware.h"
#include "models/catalogue/llm.h"
#include "sim/base/error.h"
#include "sim/scenario/pool_latency.h"
#include "sim/scenario/resolve.h"

namespace cleave {

namespace {

using Degrees = std::vector<std::int64_t>;

/// One degree or a list of them, none where the key is missing.
Degrees read_degrees(JsonReader& reader, const std::string& key, std::int64_t most) {
  if (!reader.has(key)) return {};
  if (!reader.value(key).is_array()) return {reader.integer(key, 1, most)};
  return read_whole_numbers(reader, key, {1, static_cast<double>(most), false});
}

class PoolCuts {
 public:
  PoolCuts(const Json& pool, const std::string& place, const Json& scenario)
      : pool_(pool),
        place_(place),
        scenario_(scenario),
        reader_(pool_, place),
        llm_(load_llm(JsonReader(scenario_, "").text("llm"), "llm")),
        gpus_(load_machine(reader_.text("machine"), reader_.path_of("machine")).gpu_count),
        tensor_(read_degrees(reader_, "tensor_parallel", gpus_)),
        pipeline_(read_degrees(reader_, "pipeline_parallel", gpus_)) {
    std::sort(tensor_.rbegin(), tensor_.rend());
  }

  std::vector<Json> all() {
    check_heads();
    if (!tensor_.empty()) {
      try_all(tensor_, pipeline_.empty() ? Degrees{1} : pipeline_);
      check_asked("tensor_parallel", tensor_);
    } else if (!pipeline_.empty()) {
      try_all(powers_of_two(), pipeline_);
    } else {
      for (std::int64_t stages = 1; stages <= gpus_ && cuts_.empty(); stages *= 2) {
        try_all(powers_of_two(), {stages});
      }
      if (cuts_.empty()) throw InputError(why_not_.front().second);
    }
    check_asked("pipeline_parallel", pipeline_);
    return cuts_;
  }

 private:
  bool divides_heads(std::int64_t degree) const { return llm_.attention_heads % degree == 0; }

  void check_heads() const {
    for (const std::int64_t degree : tensor_) {
      if (divides_heads(degree)) continue;
      reader_.fail("tensor_parallel",
                   "expected a divisor of the " + std::to_string(llm_.attention_heads) +
                       " attention heads of " + llm_.name + ", found " + std::to_string(degree));
    }
  }

  Degrees powers_of_two() const {
    Degrees degrees;
    for (std::int64_t degree = 1; degree <= gpus_; degree *= 2) {
      if (divides_heads(degree)) degrees.insert(degrees.begin(), degree);
    }
    return degrees;
  }

  void try_all(const Degrees& tensor, const Degrees& pipeline) {
    for (const std::int64_t degree : tensor) {
      for (const std::int64_t stages : pipeline) {
        Json cut = pool_;
        cut["tensor_parallel"] = degree;
        cut["pipeline_parallel"] = stages;
        const std::string why = why_not(cut);
        if (why.empty()) {
          cuts_.push_back(std::move(cut));
        } else {
          why_not_.emplace_back(std::move(cut), why);
        }
      }
    }
  }

  /// What a scenario says of such a pool alone, in words of the plan; "" where it can be simulated.
  std::string why_not(const Json& cut) const {
    const std::int64_t tensor = cut["tensor_parallel"];
    const std::int64_t stages = cut["pipeline_parallel"];
    if (tensor * stages > gpus_) {
      return reader_.path_of("pipeline_parallel") + ": " + std::to_string(stages) +
             " stages of tensor_parallel " + std::to_string(tensor) + " need " +
             std::to_string(tensor * stages) + " GPUs; the machine has " + std::to_string(gpus_);
    }
    const std::string pool = "pools[0]";
    Json alone{{"role", "mixed"}, {"count", 1}};
    alone.update(cut);
    Json scenario = scenario_;
    scenario["pools"] = Json::array({alone});
    scenario["faults"] = Json::array();
    try {
      pool_latency(read_scenario(scenario), 0);
    } catch (const InputError& error) {
      const std::string what = error.what();
      if (what.compare(0, pool.size(), pool) != 0) throw InputError(place_ + ": " + what);
      return place_ + what.substr(pool.size());
    }
    return "";
  }

  /// That each degree that is asked for can be simulated beside some of the other kind.
  void check_asked(const char* key, const Degrees& asked) const {
    for (const std::int64_t degree : asked) {
      const auto has = [&](const Json& cut) { return cut[key] == degree; };
      if (std::any_of(cuts_.begin(), cuts_.end(), has)) continue;
      throw InputError(std::find_if(why_not_.begin(), why_not_.end(), [&](const auto& tried) {
                         return has(tried.first);
                       })->second);
    }
  }

  const Json& pool_;
  std::string place_;
  const Json& scenario_;
  JsonReader reader_;
  Llm llm_;
  std::int64_t gpus_;
  Degrees tensor_;
  Degrees pipeline_;
  std::vector<Json> cuts_;
  std::vector<std::pair<Json, std::string>>
      why_not_;  ///< what cannot be simulated, with the reason
};

}  // namespace

std::vector<std::int64_t> read_whole_numbers(JsonReader& reader, const std::string& key,
                                             Range range) {
  std::vector<std::int64_t> all;
  for (const double number : reader.numbers(key, range)) {
    const auto whole = static_cast<std::int64_t>(number);
    const std::string place = key + "[" + std::to_string(all.size()) + "]";
    if (static_cast<double>(whole) != number) {
      reader.fail(place, "expected a whole number, found " + Json(number).dump());
    }
    if (std::find(all.begin(), all.end(), whole) != all.end()) {
      reader.fail(place, "expected each number once, found " + std::to_string(whole) + " again");
    }
    all.push_back(whole);
  }
  if (all.empty()) reader.fail(key, "expected at least one");
  return all;
}

std::vector<Json> pool_cuts(const Json& pool, const std::string& place, const Json& scenario) {
  return PoolCuts(pool, place, scenario).all();
}

}  // namespace cleave
