#include "models/latency/operators.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <optional>

#include "models/latency/latency_profile.h"
#include "sim/base/builtin.h"
#include "sim/base/error.h"

namespace cleave {

namespace {

constexpr const char* kFolder = "profiles/operators";

const std::vector<std::string>& operator_names() {
  static const std::vector<std::string> all{"gemm",        "prefill_attention", "decode_attention",
                                            "prefill_mla", "decode_mla",        "moe",
                                            "all_reduce"};
  return all;
}

MeasuredOperator read_measured(JsonReader& reader) {
  MeasuredOperator measured;
  const std::string op = reader.name("operator", "operator", operator_names());
  const auto& names = operator_names();
  measured.op = static_cast<Operator>(std::find(names.begin(), names.end(), op) - names.begin());
  measured.format = read_format(reader, "format");
  measured.gpus = static_cast<std::uint32_t>(reader.integer("gpus", 1, 1024, 1));
  measured.engine = reader.text("engine");
  measured.version = reader.text("version", "");
  measured.rows = static_cast<std::uint64_t>(reader.integer("rows", 1, 1'000'000'000));
  constexpr double kMicro = 1e-6;
  measured.fit = {reader.number("call_us", kNonNegative) * kMicro,
                  reader.number("memory", kPositive), reader.number("compute", kPositive, 1),
                  reader.number("error", kNonNegative)};
  reader.finish();
  return measured;
}

std::optional<OperatorTable> builtin_table(const std::string& gpu) {
  const std::string path = std::string(kFolder) + "/" + gpu + ".json";
  const auto file = builtin_file(path);
  if (!file) return {};
  return read_operator_table(parse_json(*file, path), path);
}

/// Tensor cores for FP8 and FP4: what tells generations apart.
bool same_formats(const Gpu& a, const Gpu& b) {
  return (a.fp8_flops > 0) == (b.fp8_flops > 0) && (a.fp4_flops > 0) == (b.fp4_flops > 0);
}

/// The measured GPU that is most like `gpu`, by what `bandwidth` gives.
OperatorTable nearest(const Gpu& gpu, double Gpu::*bandwidth) {
  std::string found;
  double least = std::numeric_limits<double>::infinity();
  for (const std::string& name : builtin_names(kFolder)) {
    const Gpu other = load_gpu(name, kFolder);
    constexpr double kOtherGeneration = 100;
    const double distance = std::abs(std::log(other.*bandwidth / (gpu.*bandwidth))) +
                            (same_formats(gpu, other) ? 0 : kOtherGeneration);
    if (distance < least) {
      least = distance;
      found = name;
    }
  }
  return *builtin_table(found);
}

double median(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

OperatorFit middle_of(const std::vector<OperatorFit>& fits) {
  const auto of = [&](double OperatorFit::*value) {
    std::vector<double> values;
    for (const OperatorFit& fit : fits) values.push_back(fit.*value);
    return median(std::move(values));
  };
  return {of(&OperatorFit::call_s), of(&OperatorFit::memory), of(&OperatorFit::compute),
          of(&OperatorFit::error)};
}

}  // namespace

const std::string& operator_name(Operator op) {
  return operator_names()[static_cast<std::size_t>(op)];
}

Json operator_table_json(const OperatorTable& table) {
  Json json{{"gpu", table.gpu},
            {"source", table.source},
            {"licence", table.licence},
            {"operators", Json::array()},
            {"left_out", table.left_out}};
  const auto rounded = [](double value) { return std::round(value * 1e4) / 1e4; };
  for (const MeasuredOperator& measured : table.measured) {
    Json one{{"operator", operator_name(measured.op)}, {"engine", measured.engine}};
    if (!measured.version.empty()) one["version"] = measured.version;
    if (measured.op == Operator::kAllReduce) {
      one["gpus"] = measured.gpus;
    } else {
      one["format"] = format_name(measured.format);
    }
    one["call_us"] = rounded(measured.fit.call_s * 1e6);
    one["memory"] = rounded(measured.fit.memory);
    if (measured.op != Operator::kAllReduce) one["compute"] = rounded(measured.fit.compute);
    one["error"] = rounded(measured.fit.error);
    one["rows"] = measured.rows;
    json["operators"].push_back(one);
  }
  return json;
}

OperatorTable read_operator_table(const Json& json, const std::string& place) {
  JsonReader reader(json, place);
  OperatorTable table;
  table.gpu = reader.text("gpu");
  table.source = reader.text("source", "");
  table.licence = reader.text("licence", "");
  for (JsonReader& one : reader.objects("operators")) table.measured.push_back(read_measured(one));
  table.left_out = reader.texts("left_out");
  reader.finish();
  return table;
}

Operators::Operators(const Gpu& gpu, std::string engine) : gpu_(gpu), engine_(std::move(engine)) {
  auto own = builtin_table(gpu.name);
  own_ = own.has_value();
  table_ = own_ ? *own : nearest(gpu, &Gpu::memory_bandwidth_bytes_per_s);
  links_ = own_ ? std::move(*own) : nearest(gpu, &Gpu::link_bytes_per_s);
}

Operators::Operators(const Gpu& gpu, std::string engine, const std::string& like)
    : gpu_(gpu),
      engine_(std::move(engine)),
      table_(*builtin_table(like)),
      links_(table_),
      own_(gpu.name == like) {}

std::vector<std::string> Operators::measured_gpus() { return builtin_names(kFolder); }

FoundOperator Operators::scaled(FoundOperator found) const {
  found.fit.memory *= factors_.memory;
  found.fit.compute *= factors_.compute;
  return found;
}

FoundOperator Operators::best(Operator op, Format format, std::uint32_t gpus) const {
  const bool reduces = op == Operator::kAllReduce;
  std::vector<OperatorFit> others;
  std::optional<OperatorFit> ours;
  for (const MeasuredOperator& one : (reduces ? links_ : table_).measured) {
    if (one.op != op || (reduces ? one.gpus != gpus : one.format != format)) continue;
    if (one.engine == engine_) ours = one.fit;
    others.push_back(one.fit);
  }
  if (ours) return scaled({*ours, own_ ? OperatorOrigin::kEngine : OperatorOrigin::kRelative});
  if (others.empty()) return scaled({{}, OperatorOrigin::kRelative});
  return scaled({middle_of(others), own_ ? OperatorOrigin::kGpu : OperatorOrigin::kRelative});
}

FoundOperator Operators::find(Operator op, Format format) const {
  std::optional<Format> nearest;
  double least = std::numeric_limits<double>::infinity();
  for (const MeasuredOperator& one : table_.measured) {
    if (one.op != op) continue;
    constexpr double kOtherProducts = 10;
    const bool same = gpu_.product_format(one.format) == gpu_.product_format(format);
    const double distance =
        std::abs(std::log(bytes_each(one.format) / bytes_each(format))) + (one.format == format ? 0
                                                                           : same               ? 1
                                                                                  : kOtherProducts);
    if (distance < least) {
      least = distance;
      nearest = one.format;
    }
  }
  if (!nearest) {
    const Operator plain =
        op == Operator::kDecodeMla ? Operator::kDecodeAttention : Operator::kPrefillAttention;
    if (plain == op || op == Operator::kGemm || op == Operator::kMoe) return {};
    return find(plain, format);
  }
  return best(op, *nearest, 1);
}

FoundOperator Operators::all_reduce(std::uint32_t gpus) const {
  std::uint32_t nearest = 0;
  for (const MeasuredOperator& one : links_.measured) {
    if (one.op != Operator::kAllReduce) continue;
    if (nearest == 0 ||
        std::abs(std::log2(1.0 * one.gpus / gpus)) < std::abs(std::log2(1.0 * nearest / gpus))) {
      nearest = one.gpus;
    }
  }
  return best(Operator::kAllReduce, Format::kFp16, nearest);
}

}  // namespace cleave
