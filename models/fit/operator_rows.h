#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "models/catalogue/format.h"
#include "models/catalogue/hardware.h"
#include "models/latency/operators.h"
#include "sim/base/csv_table.h"

namespace cleave {

/// One row as the data sheet sees it.
struct KernelRow {
  Format format = Format::kFp16;
  std::uint32_t gpus = 1;
  double bytes = 0;
  double flops = 0;
  double peak = 0;
  double bandwidth = 0;
  double beside_bytes = 0;
  /// Of rows of one shape that differ in the kernel the engine takes the fastest; "": none do.
  std::string shape = {};
  bool second_way = false;  ///< used where the table does not have the first
};

/// A table of one operator, and how its rows are read; nothing for a row that is not used.
struct OperatorTableKind {
  Operator op;
  std::optional<KernelRow> (*read)(const CsvTable& table, std::size_t row, const Gpu& gpu);
};

/// By the operator's name in aiconfigurator's files; nothing for one that the step model does not
/// have.
std::optional<OperatorTableKind> operator_table_kind(const std::string& name);

}  // namespace cleave
