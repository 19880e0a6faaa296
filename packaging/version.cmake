# Read when packages are made: their version, such as 0.2.0+20251128.1306.4638ea9abcde, has the day and
# the minute of the commit, so that later ones count as later, and the commit.
set(version ${CPACK_PACKAGE_VERSION})
find_program(GIT git)
if(GIT AND EXISTS ${CPACK_CLEAVE_SOURCE}/.git)
  execute_process(COMMAND ${CMAKE_COMMAND} -E env TZ=UTC ${GIT} log -1 --date=format-local:%Y%m%d.%H%M --format=%cd.%h --abbrev=12
                  WORKING_DIRECTORY ${CPACK_CLEAVE_SOURCE} OUTPUT_VARIABLE commit OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
  execute_process(COMMAND ${CMAKE_COMMAND} -E env TZ=UTC ${GIT} log -1 "--date=format-local:%a, %d %b %Y %H:%M:%S +0000" --format=%cd
                  WORKING_DIRECTORY ${CPACK_CLEAVE_SOURCE} OUTPUT_VARIABLE date OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
  execute_process(COMMAND ${GIT} diff --quiet HEAD WORKING_DIRECTORY ${CPACK_CLEAVE_SOURCE} RESULT_VARIABLE changed)
endif()
if(commit)
  string(APPEND version "+${commit}")
else()
  string(TIMESTAMP date "%a, %d %b %Y %H:%M:%S +0000" UTC)
endif()
if(commit AND changed)
  string(APPEND version ".changed")
endif()
set(CPACK_DEBIAN_PACKAGE_VERSION ${version})

set(changelog ${CPACK_CLEAVE_PAGES}/changelog.Debian)
file(WRITE ${changelog} "cleave (${version}) unstable; urgency=medium

  * A package of this commit; changelog.gz says what is new.

 -- ${CPACK_DEBIAN_PACKAGE_MAINTAINER}  ${date}
")
execute_process(COMMAND gzip --no-name --best --force ${changelog} COMMAND_ERROR_IS_FATAL ANY)
