#include "models/catalogue/hardware.h"

#include "models/catalogue/profile_fields.h"

namespace cleave {

namespace {

constexpr double kGib = 1024.0 * 1024 * 1024;
constexpr double kGiga = 1e9;
constexpr double kTera = 1e12;

/// Where a profile does not say: most GPUs since 2018 have 1.4 to 2.5 GHz.
constexpr double kUsualClockGhz = 1.8;

const Setting kAliases{"aliases", nullptr, "", "names by which measurements know it",
                       words("a list of texts")};
const Setting kMemory{"memory_gib", nullptr, "GiB", "of memory", in(kPositive)};
const Setting kMemoryKind{"memory_kind", "", "", "HBM3e, GDDR6, ...", words("a text")};
const Setting kBandwidth{"memory_gb_per_s", nullptr, "GB/s", "of memory", in(kPositive)};
const Setting kFp16{"fp16_tflops", nullptr, "TFLOP/s", "dense, of tensor cores", in(kPositive)};
const Setting kFp8{"fp8_tflops", 0, "TFLOP/s", "dense; 0: none of its own", in(kPositive)};
const Setting kInt8{"int8_tops", 0, "TOP/s", "dense; 0: none of its own", in(kPositive)};
const Setting kFp4{"fp4_tflops", 0, "TFLOP/s", "dense; 0: none of its own", in(kPositive)};
const Setting kClock{"boost_ghz", kUsualClockGhz, "GHz", "of its clock", in(kPositive)};
const Setting kTdp{"tdp_w", nullptr, "W", "of the GPU", in(kPositive)};
const Setting kIdle{"idle_w", nullptr, "W", "with nothing to do",
                    words("a number from 0 to tdp_w")};
const Setting kLinkName{"link", "", "", "between GPUs: NVLink 4, PCIe 4.0, ...", words("a text")};
const Setting kLink{"link_gb_per_s", nullptr, "GB/s", "between GPUs, one direction", in(kPositive)};
const Reference::Entry kGpuEntry{
    profile_section("gpu", "A GPU.",
                    {kAliases, kMemory, kMemoryKind, kBandwidth, kFp16, kFp8, kInt8, kFp4, kClock,
                     kTdp, kIdle, kLinkName, kLink})};

const Setting kGpu{"gpu", nullptr, "", "cleave list gpus", words("a name or a .json file")};
const Setting kCount{"gpu_count", nullptr, "GPUs", "of the machine", whole(1, 1024)};
const Setting kLinked{"linked_gpus", nullptr, "GPUs", "of a server, which their link reaches; all",
                      words("a divisor of gpu_count")};
const Setting kNics{"nic_count", nullptr, "NICs", "of the machine", whole(1, 1024)};
const Setting kNicSpeed{"nic_gbps", nullptr, "Gb/s", "of each NIC and direction", in(kPositive)};
const Setting kCap{"power_cap", 1, "of TDP", "of its GPUs", in({0.1, 1, false})};
const Setting kMax{"max_w", nullptr, "W", "the most it draws, data sheet",
                   words("a number, at least the TDP of its GPUs")};
const Setting kProvisioned{"provisioned_w", nullptr, "W", "set aside for it; max_w", in(kPositive)};
const Setting kPrice{"price_per_hour", nullptr, "$/h", "of the machine; else unknown",
                     in(kNonNegative)};
const Setting kHost{"host_gib", 0, "GiB", "of host memory; 0: unknown", in(kPositive)};
const Setting kHostSpeed{"host_gb_per_s", 0, "GB/s", "between it and each GPU, one direction",
                         in(kPositive)};
const Setting kDisk{"disk_gib", 0, "GiB", "of its drives together", in(kPositive)};
const Setting kReads{"disk_read_gb_per_s", 0, "GB/s", "of its drives together", in(kPositive)};
const Setting kWrites{"disk_write_gb_per_s", 0, "GB/s", "of its drives together", in(kPositive)};
const Setting kSync{"kv_sync_s", nullptr, "s",
                    "of a KV transfer layer by layer (paper, section VI-A)", in({0, 10, false})};
const Reference::Entry kMachineEntry{
    profile_section("machine", "A server.",
                    {kGpu, kCount, kLinked, kNics, kNicSpeed, kCap, kMax, kProvisioned, kPrice,
                     kHost, kHostSpeed, kDisk, kReads, kWrites, kSync})};

}  // namespace

Format Gpu::product_format(Format weights) const {
  switch (weights) {
    case Format::kFp8:
      return fp8_flops > 0 ? Format::kFp8 : Format::kFp16;
    case Format::kInt8:
      return int8_flops > 0 ? Format::kInt8 : Format::kFp16;
    case Format::kNvfp4:
      return fp4_flops > 0 ? Format::kNvfp4 : Format::kFp16;
    case Format::kMxfp4:
      return fp4_flops > 0 ? Format::kFp8 : Format::kFp16;
    default:
      return Format::kFp16;
  }
}

double Gpu::tensor_flops(Format weights) const {
  switch (product_format(weights)) {
    case Format::kFp8:
      return fp8_flops;
    case Format::kInt8:
      return int8_flops;
    case Format::kNvfp4:
      return fp4_flops;
    default:
      return fp16_flops;
  }
}

Gpu load_gpu(const std::string& name, const std::string& place) {
  const Json json = load_profile("profiles/gpus", "GPU", name, place);
  JsonReader reader(json, name);
  Gpu gpu;
  gpu.name = short_name(name);
  read_origin(reader);
  if (kAliases.given(reader)) gpu.aliases = reader.texts(kAliases.name);
  gpu.memory_bytes = kMemory.number(reader) * kGib;
  kMemoryKind.text(reader);
  gpu.memory_bandwidth_bytes_per_s = kBandwidth.number(reader) * kGiga;
  gpu.fp16_flops = kFp16.number(reader) * kTera;
  gpu.fp8_flops = kFp8.number(reader) * kTera;
  gpu.int8_flops = kInt8.number(reader) * kTera;
  gpu.fp4_flops = kFp4.number(reader) * kTera;
  gpu.clock_ghz = kClock.number(reader);
  gpu.tdp_w = kTdp.number(reader);
  gpu.idle_w = reader.number(kIdle.name, {0, gpu.tdp_w, false});
  kLinkName.text(reader);
  gpu.link_bytes_per_s = kLink.number(reader) * kGiga;
  reader.finish();
  return gpu;
}

namespace {

void read_storage(JsonReader& reader, Machine& machine) {
  constexpr double kGiB = 1024.0 * 1024 * 1024;
  machine.host_bytes = kHost.number(reader) * kGiB;
  machine.host_bytes_per_s = kHostSpeed.number(reader) * kGiga;
  machine.disk_bytes = kDisk.number(reader) * kGiB;
  machine.disk_read_bytes_per_s = kReads.number(reader) * kGiga;
  machine.disk_write_bytes_per_s = kWrites.number(reader) * kGiga;
  if (machine.disk_read_bytes_per_s > 0 && machine.disk_write_bytes_per_s == 0) {
    reader.fail("disk_write_gb_per_s", "expected beside disk_read_gb_per_s");
  }
}

}  // namespace

Machine load_machine(const std::string& name, const std::string& place) {
  const Json json = load_profile("profiles/machines", "machine", name, place);
  JsonReader reader(json, name);
  Machine machine;
  machine.name = name;
  read_origin(reader);
  machine.gpu = load_gpu(kGpu.text(reader), reader.path_of(kGpu.name));
  machine.gpu_count = kCount.count(reader);
  machine.linked_gpus = read_count(reader, kLinked, machine.gpu_count, machine.gpu_count);
  if (machine.gpu_count % machine.linked_gpus != 0) {
    reader.fail(kLinked.name, "expected a divisor of the " + std::to_string(machine.gpu_count) +
                                  " GPUs: the machine stands for servers of so many GPUs each");
  }
  machine.nic_count = kNics.count(reader);
  machine.nic_bytes_per_s = kNicSpeed.number(reader) * kGiga / 8;
  machine.power_cap = kCap.number(reader);
  machine.max_w = reader.number(kMax.name, {machine.gpu.tdp_w * machine.gpu_count, 1e9, false});
  machine.provisioned_w = kProvisioned.optional_number(reader).value_or(machine.max_w);
  machine.price_per_hour = kPrice.optional_number(reader).value_or(kNoPrice);
  read_storage(reader, machine);
  machine.kv_sync_s = kSync.number(reader);
  reader.finish();
  return machine;
}

}  // namespace cleave
