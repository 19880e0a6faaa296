#pragma once

#include <nlohmann/json.hpp>

#include "sim/plugin_version.h"

// A plugin is a shared library of policies, which `cleave --plugin FILE` loads. One of its sources
// includes this, so that a program it was not built for can tell before any of it runs.

namespace cleave {

#define CLEAVE_TEXT_OF(value) #value
#define CLEAVE_TEXT(value) CLEAVE_TEXT_OF(value)
/// What must be the same on both sides: the installed headers, JSON, and how the compiler lays out
/// objects.
#define CLEAVE_PLUGIN_ABI                                                      \
  CLEAVE_HEADERS_VERSION                                                       \
  ", nlohmann/json " CLEAVE_TEXT(NLOHMANN_JSON_VERSION_MAJOR) "." CLEAVE_TEXT( \
      NLOHMANN_JSON_VERSION_MINOR) ", C++ ABI " CLEAVE_TEXT(__GXX_ABI_VERSION)

[[gnu::used]] inline const char kPluginMark[] = "cleave plugin for " CLEAVE_PLUGIN_ABI;

}  // namespace cleave
