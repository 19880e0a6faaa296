#pragma once

namespace cleave {

/// One file made part of the binary at build time; the table ends with a null path.
struct BuiltinEntry {
  const char* path;
  const char* begin;
  const char* end;
};
extern const BuiltinEntry kBuiltinTable[];

}  // namespace cleave
