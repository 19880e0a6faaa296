# Writes FILE, a source file with the version: RELEASE, and the commit of the repository in SOURCE. What
# did not change is not written again.
set(version ${RELEASE})
find_package(Git QUIET)
if(GIT_FOUND AND EXISTS ${SOURCE}/.git)
  execute_process(COMMAND ${GIT_EXECUTABLE} --no-optional-locks describe --always --abbrev=12 --exclude=* --dirty=.changed
                  WORKING_DIRECTORY ${SOURCE} OUTPUT_VARIABLE commit OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
endif()
if(commit)
  string(APPEND version "+${commit}")
endif()
file(CONFIGURE OUTPUT ${FILE} CONTENT "#include \"sim/base/version.h\"

namespace cleave {
const char* const kVersion = \"${version}\";
}  // namespace cleave
" @ONLY)
