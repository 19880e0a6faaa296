#include "models/catalogue/hardware.h"

#include "models/catalogue/profile_fields.h"

namespace cleave {

namespace {

constexpr double kGib = 1024.0 * 1024 * 1024;
constexpr double kGiga = 1e9;
constexpr double kTera = 1e12;

/// Where a profile does not say: most GPUs since 2018 have 1.4 to 2.5 GHz.
constexpr double kUsualClockGhz = 1.8;

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
  if (reader.has("aliases")) gpu.aliases = reader.texts("aliases");
  gpu.memory_bytes = reader.number("memory_gib", kPositive) * kGib;
  reader.text("memory_kind", "");
  gpu.memory_bandwidth_bytes_per_s = reader.number("memory_gb_per_s", kPositive) * kGiga;
  gpu.fp16_flops = reader.number("fp16_tflops", kPositive) * kTera;
  gpu.fp8_flops = reader.number("fp8_tflops", kPositive, 0) * kTera;
  gpu.int8_flops = reader.number("int8_tops", kPositive, 0) * kTera;
  gpu.fp4_flops = reader.number("fp4_tflops", kPositive, 0) * kTera;
  gpu.clock_ghz = reader.number("boost_ghz", kPositive, kUsualClockGhz);
  gpu.tdp_w = reader.number("tdp_w", kPositive);
  gpu.idle_w = reader.number("idle_w", {0, gpu.tdp_w, false});
  reader.text("link", "");
  gpu.link_bytes_per_s = reader.number("link_gb_per_s", kPositive) * kGiga;
  reader.finish();
  return gpu;
}

namespace {

void read_storage(JsonReader& reader, Machine& machine) {
  constexpr double kGiB = 1024.0 * 1024 * 1024;
  machine.host_bytes = reader.number("host_gib", kPositive, 0) * kGiB;
  machine.host_bytes_per_s = reader.number("host_gb_per_s", kPositive, 0) * kGiga;
  machine.disk_bytes = reader.number("disk_gib", kPositive, 0) * kGiB;
  machine.disk_read_bytes_per_s = reader.number("disk_read_gb_per_s", kPositive, 0) * kGiga;
  machine.disk_write_bytes_per_s = reader.number("disk_write_gb_per_s", kPositive, 0) * kGiga;
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
  machine.gpu = load_gpu(reader.text("gpu"), reader.path_of("gpu"));
  machine.gpu_count = read_count(reader, "gpu_count", 1024);
  machine.linked_gpus = read_count(reader, "linked_gpus", machine.gpu_count, machine.gpu_count);
  machine.nic_count = read_count(reader, "nic_count", 1024);
  machine.nic_bytes_per_s = reader.number("nic_gbps", kPositive) * kGiga / 8;
  machine.power_cap = reader.number("power_cap", {0.1, 1, false}, 1);
  machine.max_w = reader.number("max_w", {machine.gpu.tdp_w * machine.gpu_count, 1e9, false});
  machine.provisioned_w = reader.number("provisioned_w", kPositive, machine.max_w);
  machine.price_per_hour = reader.number("price_per_hour", kNonNegative, kNoPrice);
  read_storage(reader, machine);
  machine.kv_sync_s = reader.number("kv_sync_s", {0, 10, false});
  reader.finish();
  return machine;
}

}  // namespace cleave
