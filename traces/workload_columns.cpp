#include "traces/workload_columns.h"

#include "sim/base/reference.h"

namespace cleave {

namespace {

const Setting kArrivalColumn{"arrival", nullptr, "", "column of the time", words("a name")};
const Setting kPromptColumn{"prompt", nullptr, "", "column of the prompt's tokens",
                            words("a name")};
const Setting kOutputColumn{"output", nullptr, "", "column of the output's tokens",
                            words("a name")};
const Setting kClassColumn{"class", nullptr, "", "column of the name of the request's class",
                           words("a name")};
const Setting kUnit{"unit", "s", "", "of the time; clock: as in 2023-11-16 18:15:46.68",
                    words("s, ms, us, ns or clock")};
Section columns_of(const std::string& document, const std::string& path) {
  return {document,
          path,
          "Where a trace of no known format keeps what a request needs: columns of a CSV file with "
          "a header line, or fields of JSON lines, usage.prompt being prompt within usage. Times "
          "count from the first.",
          {kArrivalColumn, kPromptColumn, kOutputColumn, kUnit}};
}
const Reference::Entry kWorkloadColumns{columns_of("scenario", "workload.columns")};
const Reference::Entry kWorkloadClassColumn{{"scenario", "workload.columns", "", {kClassColumn}}};
const Reference::Entry kTraceColumns{columns_of("trace", "columns")};
const Setting kClientColumn{"client", nullptr, "",
                            "column of the name of who sent the request; cleave trace fit",
                            words("a name")};
const Reference::Entry kTraceClientColumn{{"trace", "columns", "", {kClientColumn}}};

}  // namespace

CsvColumns read_columns(JsonReader columns) {
  CsvColumns result =
      make_columns(kArrivalColumn.text(columns), kPromptColumn.text(columns),
                   kOutputColumn.text(columns), kUnit.text(columns), columns.path_of(kUnit.name));
  if (kClassColumn.given(columns)) result.traffic_class = kClassColumn.text(columns);
  columns.finish();
  return result;
}

}  // namespace cleave
