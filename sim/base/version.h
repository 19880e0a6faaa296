#pragma once

namespace cleave {

/// Such as "0.2.0+6975b735d2f4": the release, and the commit that it was built from; it ends with
/// ".changed" where files differed from that commit. Without git, only the release is known.
extern const char* const kVersion;

}  // namespace cleave
