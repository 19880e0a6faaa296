#pragma once

#include <string>

namespace cleave {

/// Puts the files of a run's folder into a SQLite database that is made as `file`: the tables
/// `requests`, `machines`, `links` and `series`, with the columns of the CSV files; `figures`, each
/// number, truth and text of summary.json by its path ("ttft.p99", "pools[0].utilization"), lists
/// of numbers left out; and `documents`, summary and scenario as text. Throws InputError naming the
/// file, and the line that has other than as many cells as names.
void write_run_database(const std::string& folder, const std::string& file);

}  // namespace cleave
