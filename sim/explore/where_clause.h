#pragma once

#include <string>
#include <vector>

namespace cleave {

/// The name, if it is one of `known`; otherwise an InputError that says which it may have meant.
const std::string& known_column(const std::vector<std::string>& known, const std::string& place,
                                const std::string& name);

/// A condition as users write it, "ttft_p99 < 1 and (slo_holds or status = done)", as an expression
/// of SQL that reads `columns` and nothing else. It knows SQL's comparisons, arithmetic, and, or,
/// not, in, between, like, is null, case and some functions of single values; columns by their bare
/// names
/// ("pools[0].count"); texts in single quotes, `done`, `failed` and `died` without. Throws
/// InputError, for an unknown column too: SQL would take one in double quotes for a text.
std::string where_clause(const std::string& text, const std::vector<std::string>& columns);

}  // namespace cleave
