#pragma once

#include "sim/base/json_reader.h"

namespace cleave {

/// What stands in the files that a document of scenarios names: {"trace.csv": hash, ...}, with the
/// files that its profiles name in turn. Files that are not there are left out.
Json named_files(const Json& document);

}  // namespace cleave
