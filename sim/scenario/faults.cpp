#include "sim/scenario/faults.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <string>

#include "sim/base/error.h"
#include "sim/base/random.h"
#include "sim/base/reference.h"

namespace cleave {

namespace {

constexpr double kLongestS = 1e9;
constexpr double kHourS = 3600;
constexpr std::int64_t kMostSeed = 1'000'000'000;

const Setting kAt{"at_s", nullptr, "s", "when it begins", in({0, kLongestS, false})};
const Setting kAction{"action", nullptr, "",
                      "stop: at once; start: it comes back; drain: it finishes and goes off; slow; "
                      "interrupt: drained with notice, then stopped; stragglers: a drawn share is "
                      "slow; failures: at random, again and again; scale_link: a link changes",
                      one_of({"stop", "start", "drain", "slow", "interrupt", "stragglers",
                              "failures", "scale_link"})};
const Setting kMachine{"machine", nullptr, "", "its number, in the order of pools",
                       words("a whole number from 0")};
const Setting kMachines{"machines", nullptr, "", "several of them",
                        words("a text such as \"0-15,20\"")};
const Setting kPool{"pool", nullptr, "", "all machines of the pool",
                    words("a whole number from 0")};
const Setting kRack{"rack", nullptr, "", "all machines of the rack",
                    words("a whole number from 0")};
const Setting kPerRack{"machines_per_rack", nullptr, "machines", "beside rack, which then counts",
                       words("a whole number from 1")};
const Setting kLink{"link", nullptr, "", "whose bandwidth changes, as links.csv names it",
                    words("a text such as \"machine-25-nic-down\"")};
const Setting kLinkShare{"share", nullptr, "",
                         "of the link's bandwidth that is left; of the machines, stragglers",
                         in({0, 1, false})};
const Setting kStragglerShare{"share", nullptr, "", "", in({0, 1, true})};
const Setting kLoad{"load_s", 0, "s", "a machine that comes back loads weights",
                    in({0, kLongestS, false})};
const Setting kFactor{"factor", nullptr, "times", "an iteration takes where it is slow",
                      in({0.01, 1e6, false})};
const Setting kNotice{"notice_s", nullptr, "s", "between drain and stop of an interrupt",
                      in({0, kLongestS, false})};
const Setting kBack{"back_s", nullptr, "s", "after the stop an interrupted machine starts again",
                    in({0, kLongestS, true})};
const Setting kMtbf{"mtbf_h", nullptr, "h", "a machine is up on average", in({1e-4, 1e6, false})};
const Setting kRepair{"repair_s", nullptr, "s", "until it starts again", in({0, kLongestS, true})};
const Setting kSeed{"seed", 1, "", "of what is drawn", whole(0, kMostSeed)};
const Reference::Entry kEntry{
    {"scenario",
     "faults[]",
     "What fails, and when. An entry has at_s, action, the machines by one of machine, machines, "
     "pool and rack, and what the action needs.",
     {kAt, kAction, kMachine, kMachines, kPool, kRack, kPerRack, kLink, kLinkShare, kLoad, kFactor,
      kNotice, kBack, kMtbf, kRepair, kSeed}}};

using Numbers = std::vector<std::uint32_t>;

/// Those of "0-15,20".
Numbers read_ranges(JsonReader& reader, std::uint32_t machines) {
  const std::string text = kMachines.text(reader);
  Numbers numbers;
  const auto wrong = [&] {
    reader.fail("machines", "expected numbers and ranges below " + std::to_string(machines) +
                                ", as in \"0-15,20\", found \"" + text + "\"");
  };
  std::size_t at = 0;
  const auto number = [&] {
    std::uint64_t value = 0;
    const std::size_t from = at;
    for (; at < text.size() && text[at] >= '0' && text[at] <= '9' && value < machines; ++at) {
      value = 10 * value + static_cast<std::uint64_t>(text[at] - '0');
    }
    if (at == from || value >= machines) wrong();
    return static_cast<std::uint32_t>(value);
  };
  for (;;) {
    const std::uint32_t first = number();
    std::uint32_t last = first;
    if (at < text.size() && text[at] == '-') {
      ++at;
      last = number();
    }
    if (last < first) wrong();
    for (std::uint32_t i = first; i <= last; ++i) numbers.push_back(i);
    if (at == text.size()) break;
    if (text[at++] != ',') wrong();
  }
  std::sort(numbers.begin(), numbers.end());
  numbers.erase(std::unique(numbers.begin(), numbers.end()), numbers.end());
  return numbers;
}

Numbers counted(std::uint32_t first, std::uint32_t count) {
  Numbers numbers(count);
  std::iota(numbers.begin(), numbers.end(), first);
  return numbers;
}

/// The machines that a fault says by one of four keys.
Numbers read_machines(JsonReader& reader, const std::vector<PoolSpec>& pools,
                      std::uint32_t machines) {
  constexpr const char* kKeys = "expected one of machine, machines, pool and rack";
  const char* said = nullptr;
  for (const char* key : {"machine", "machines", "pool", "rack"}) {
    if (!reader.has(key)) continue;
    if (said != nullptr) reader.fail(key, std::string("contradicts ") + said + "; " + kKeys);
    said = key;
  }
  const std::string key = said == nullptr ? "machine" : said;
  if (key != "rack" && reader.has("machines_per_rack")) {
    reader.fail("machines_per_rack", "has no meaning without rack");
  }
  if (key == "machines") return read_ranges(reader, machines);
  if (key == "pool") {
    const auto count = static_cast<std::int64_t>(pools.size());
    const PoolSpec& pool = pools[static_cast<std::size_t>(reader.integer("pool", 0, count - 1))];
    return counted(pool.first_machine, pool.count);
  }
  if (key == "rack") {
    const std::int64_t each = reader.integer("machines_per_rack", 1, machines);
    const std::int64_t racks = (machines + each - 1) / each;
    const auto first = static_cast<std::uint32_t>(reader.integer("rack", 0, racks - 1) * each);
    return counted(first, std::min(static_cast<std::uint32_t>(each), machines - first));
  }
  return {static_cast<std::uint32_t>(reader.integer("machine", 0, machines - 1))};
}

/// Of these machines a share, rounded up, drawn.
Numbers drawn(Numbers machines, double share, std::uint64_t seed) {
  Random random(seed, 0);
  const auto count =
      static_cast<std::size_t>(std::ceil(share * static_cast<double>(machines.size()) - 1e-9));
  for (std::size_t i = 0; i < count; ++i) {
    std::swap(machines[i], machines[i + random.below(machines.size() - i)]);
  }
  machines.resize(count);
  std::sort(machines.begin(), machines.end());
  return machines;
}

FaultSpec read_link_fault(JsonReader& reader, double at_s) {
  FaultSpec fault;
  fault.at_s = at_s;
  fault.action = FaultSpec::Action::kScaleLink;
  fault.link = kLink.text(reader);
  fault.amount = kLinkShare.number(reader);
  return fault;
}

/// What happens to each machine of an entry, in order.
std::vector<FaultSpec> read_sequence(JsonReader& reader, const std::string& action, double at_s) {
  using Action = FaultSpec::Action;
  FaultSpec fault;
  fault.at_s = at_s;
  if (action == "stop") return {fault};
  if (action == "start") {
    fault.action = Action::kStart;
    fault.amount = kLoad.number(reader);
    return {fault};
  }
  if (action == "slow" || action == "stragglers") {
    fault.action = Action::kSlow;
    fault.amount = kFactor.number(reader);
    return {fault};
  }
  fault.action = Action::kDrain;
  if (action == "drain") return {fault};
  if (action == "interrupt") {
    FaultSpec stop = fault;
    stop.action = Action::kStop;
    stop.at_s += kNotice.number(reader);
    if (!kBack.given(reader)) return {fault, stop};
    FaultSpec start = stop;
    start.action = Action::kStart;
    start.at_s += kBack.number(reader);
    start.amount = kLoad.number(reader);
    return {fault, stop, start};
  }
  fault.action = Action::kFail;
  fault.mean_up_s = kHourS * kMtbf.number(reader);
  fault.repair_s = kRepair.number(reader);
  fault.amount = kLoad.number(reader);
  return {fault};
}

void read_entry(JsonReader& reader, const std::vector<PoolSpec>& pools, std::uint32_t machines,
                std::vector<FaultSpec>& faults) {
  const double at_s = kAt.number(reader);
  const std::string action = kAction.choice(reader, "action");
  if (action == "scale_link") {
    faults.push_back(read_link_fault(reader, at_s));
    reader.finish();
    return;
  }
  Numbers those = read_machines(reader, pools, machines);
  const std::vector<FaultSpec> sequence = read_sequence(reader, action, at_s);
  const bool random = action == "stragglers" || action == "failures";
  const auto seed = random ? static_cast<std::uint64_t>(kSeed.integer(reader)) : 0;
  if (action == "stragglers") {
    those = drawn(std::move(those), kStragglerShare.number(reader), seed);
  }
  reader.finish();
  for (const FaultSpec& step : sequence) {
    for (const std::uint32_t machine : those) {
      faults.push_back(step);
      faults.back().machine = machine;
      faults.back().seed = seed;
    }
  }
}

}  // namespace

std::vector<FaultSpec> read_faults(JsonReader& reader, const Scenario& scenario) {
  const std::vector<PoolSpec>& pools = scenario.pools;
  std::uint32_t machines = 0;
  for (const PoolSpec& pool : pools) {
    if (pool.has_own_machines()) machines += pool.count;
  }
  std::vector<FaultSpec> faults;
  for (JsonReader& fault : reader.objects("faults")) {
    if (scenario.scaling.on() && fault.has("load_s")) {
      fault.fail("load_s", "not expected where scaling.policy says how machines come up");
    }
    read_entry(fault, pools, machines, faults);
  }
  std::stable_sort(faults.begin(), faults.end(),
                   [](const FaultSpec& a, const FaultSpec& b) { return a.at_s < b.at_s; });
  return faults;
}

}  // namespace cleave
