#pragma once

#include <cstdint>
#include <ostream>
#include <string>
#include <vector>

#include "traces/request.h"

namespace cleave {

/// The trace formats that have a writer.
std::vector<std::string> writable_formats();

/// Writes all requests and says how many there were. `place` names, in the error, the option that
/// gave the format. Whether `out` took everything is for the caller to check.
std::uint64_t write_trace(RequestSource& source, const std::string& format, std::ostream& out,
                          const std::string& place);

}  // namespace cleave
