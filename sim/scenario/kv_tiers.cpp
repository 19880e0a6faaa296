#include "sim/scenario/kv_tiers.h"

#include <string>

#include "sim/base/reference.h"

namespace cleave {

namespace {

constexpr double kGiB = 1024.0 * 1024 * 1024;
constexpr double kGiga = 1e9;
/// Of a host's memory, where nothing is said; the rest is for weights on their way and everything
/// else that runs there.
constexpr double kHostShare = 0.5;
/// Until the first byte comes, where nothing is said: of a read of an NVMe drive, and of a request
/// to a store.
constexpr double kDiskLatencyS = 1e-4;
constexpr double kStoreLatencyS = 5e-4;

const Setting kTier{"tier", nullptr, "",
                    "host memory, the machine's disk, or a store behind the network",
                    one_of({kTierNames.begin(), kTierNames.end()})};
const Setting kGib{"gib", nullptr, "GiB",
                   "of a machine, or of the store; half the host's memory, the disk, or needed",
                   in({1e-6, 1e9, false})};
const Setting kSpeed{"gb_per_s", nullptr, "GB/s",
                     "of reads: host memory of each GPU, disk of the machine, store of its link; "
                     "the machine's own, or needed",
                     in(kPositive)};
const Setting kWriteSpeed{"write_gb_per_s", nullptr, "GB/s", "of writes; as fast as reads",
                          in(kPositive)};
const Setting kLatency{"latency_s", nullptr, "s",
                       "until the first byte comes; 0 for host, 1e-4 for disk, 5e-4 for store",
                       in({0, 10, false})};
const Setting kWrite{"write", "through", "",
                     "blocks when they are computed, or back, when they must leave",
                     one_of({"through", "back"})};
const Reference::Entry kEntry{{"scenario",
                               "kv_cache.tiers[]",
                               "Memories behind the prefix cache, the fastest first.",
                               {kTier, kGib, kSpeed, kWriteSpeed, kLatency, kWrite}}};

std::string place_of(std::size_t tier, const char* key) {
  return "kv_cache.tiers[" + std::to_string(tier) + "]." + key;
}

TierSpec read_tier(JsonReader& reader) {
  TierSpec spec;
  const std::string name = kTier.choice(reader, "tier");
  for (std::size_t tier = 0; tier < kTiers; ++tier) {
    if (name == kTierNames[tier]) spec.tier = static_cast<Tier>(tier);
  }
  if (kGib.given(reader)) spec.bytes = kGib.number(reader) * kGiB;
  if (kSpeed.given(reader)) spec.bytes_per_s = kSpeed.number(reader) * kGiga;
  if (kWriteSpeed.given(reader)) {
    spec.write_bytes_per_s = kWriteSpeed.number(reader) * kGiga;
    if (spec.tier == Tier::kStore) {
      reader.fail("write_gb_per_s", "a store's link is as fast both ways; give gb_per_s alone");
    }
  }
  const double latency_s = spec.tier == Tier::kHost   ? 0
                           : spec.tier == Tier::kDisk ? kDiskLatencyS
                                                      : kStoreLatencyS;
  spec.latency_s = kLatency.optional_number(reader).value_or(latency_s);
  spec.write_back = kWrite.choice(reader) == "back";
  reader.finish();
  return spec;
}

}  // namespace

std::vector<TierSpec> read_tiers(JsonReader& cache) {
  std::vector<TierSpec> specs;
  for (JsonReader& reader : cache.objects("tiers")) {
    specs.push_back(read_tier(reader));
    if (specs.size() > 1 && specs[specs.size() - 2].tier >= specs.back().tier) {
      reader.fail("tier", "expected each at most once, in the order host, disk, store");
    }
  }
  return specs;
}

std::vector<TierRoom> tier_rooms(const std::vector<TierSpec>& specs, const PoolSpec& pool,
                                 const Llm& llm) {
  const Machine& machine = pool.machine;
  const double share = static_cast<double>(pool.gpus_per_instance()) / machine.gpu_count;
  std::vector<TierRoom> rooms;
  for (const TierSpec& spec : specs) {
    const auto known = [&](const char* key, std::optional<double> said, double of_machine) {
      if (said) return *said;
      if (of_machine > 0) return of_machine;
      const std::string whose = spec.tier == Tier::kStore ? std::string("nobody says it of a store")
                                                          : "the profile of machine \"" +
                                                                machine.name + "\" does not say";
      throw InputError(place_of(rooms.size(), key) + ": expected a number: " + whose);
    };
    TierRoom room;
    room.tier = spec.tier;
    room.latency_s = spec.latency_s;
    room.write_back = spec.write_back;
    room.bytes_per_token = llm.kv_bytes_per_token;
    if (spec.tier == Tier::kHost) {
      // Each GPU keeps its own part there, copies too.
      room.bytes_per_token *= llm.kv_copies(pool.tensor_parallel);
      room.bytes = share * known("gib", spec.bytes, kHostShare * machine.host_bytes);
      room.read_bytes_per_s =
          pool.gpus_per_instance() * known("gb_per_s", spec.bytes_per_s, machine.host_bytes_per_s);
      room.write_bytes_per_s = spec.write_bytes_per_s
                                   ? pool.gpus_per_instance() * *spec.write_bytes_per_s
                                   : room.read_bytes_per_s;
    } else if (spec.tier == Tier::kDisk) {
      room.bytes = share * known("gib", spec.bytes, machine.disk_bytes);
      room.read_bytes_per_s = known("gb_per_s", spec.bytes_per_s, machine.disk_read_bytes_per_s);
      room.write_bytes_per_s = spec.write_bytes_per_s.value_or(
          spec.bytes_per_s.value_or(machine.disk_write_bytes_per_s));
    } else {
      room.bytes = known("gib", spec.bytes, 0);
      room.read_bytes_per_s = known("gb_per_s", spec.bytes_per_s, 0);
      room.write_bytes_per_s = room.read_bytes_per_s;
    }
    rooms.push_back(room);
  }
  return rooms;
}

}  // namespace cleave
