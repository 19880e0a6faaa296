#pragma once

#include <string>

namespace cleave {

/// What a document can say, of each key default, unit, what it takes and its meaning. `part` is "",
/// a section ("workload", with those within it) or a key ("pools.count"). Throws InputError for
/// others; `place` is for its message.
std::string reference_text(const std::string& document, const std::string& part,
                           const std::string& place);
/// The same for the documentation: a heading and a table for each section.
std::string reference_markdown(const std::string& document);

}  // namespace cleave
