# The manual page and the completion, which the program itself prints, and the packages that
# `cpack --config build/CPackConfig.cmake` makes for Debian: one for each component that installs.
set(pages ${PROJECT_BINARY_DIR}/packaging)
find_program(GZIP gzip REQUIRED)
set(gzip ${GZIP} --no-name --best --stdout)
file(MAKE_DIRECTORY ${pages})
add_custom_command(OUTPUT ${pages}/cleave.1.gz ${pages}/cleave.bash DEPENDS cleave VERBATIM
                   COMMENT "Printing the manual page and the completion"
                   COMMAND cleave man > ${pages}/cleave.1
                   COMMAND ${gzip} ${pages}/cleave.1 > ${pages}/cleave.1.gz
                   COMMAND cleave completion bash > ${pages}/cleave.bash)
add_custom_command(OUTPUT ${pages}/changelog.gz DEPENDS ${PROJECT_SOURCE_DIR}/CHANGELOG.md VERBATIM
                   COMMAND ${gzip} ${PROJECT_SOURCE_DIR}/CHANGELOG.md > ${pages}/changelog.gz)
add_custom_target(cleave_pages ALL DEPENDS ${pages}/cleave.1.gz ${pages}/cleave.bash ${pages}/changelog.gz)
install(FILES ${pages}/cleave.1.gz DESTINATION ${CMAKE_INSTALL_MANDIR}/man1 COMPONENT program)
install(FILES ${pages}/cleave.bash DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions RENAME cleave
        COMPONENT program)

set(CPACK_GENERATOR DEB)
set(CPACK_COMPONENTS_ALL)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_DEBIAN_PACKAGE_DEBUG OFF)
set(CPACK_DEBIAN_ENABLE_COMPONENT_DEPENDS ON)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS_PRIVATE_DIRS ${PROJECT_BINARY_DIR})
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_STRIP_FILES ON)
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_PACKAGE_DIRECTORY ${pages})
# Each package says in its description's first line what it is.
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "")
set(CPACK_PROJECT_CONFIG_FILE ${PROJECT_SOURCE_DIR}/packaging/version.cmake)
set(CPACK_CLEAVE_SOURCE ${PROJECT_SOURCE_DIR})
set(CPACK_CLEAVE_PAGES ${pages})
set(CLEAVE_MAINTAINER "Cleave maintainers <cleave@debian.invalid>" CACHE STRING "Who answers for the packages")
set(CPACK_DEBIAN_PACKAGE_MAINTAINER ${CLEAVE_MAINTAINER})

# cleave_package(COMPONENT NAME SECTION DESCRIPTION): what installs with the component is a package.
function(cleave_package component name section description)
  string(TOUPPER ${component} key)
  set(doc ${CMAKE_INSTALL_DATADIR}/doc/${name})
  install(FILES ${PROJECT_SOURCE_DIR}/packaging/copyright ${pages}/changelog.gz DESTINATION ${doc} COMPONENT ${component})
  # Written when packages are made: it has their version.
  install(FILES ${pages}/changelog.Debian.gz DESTINATION ${doc} COMPONENT ${component} EXCLUDE_FROM_ALL)
  set(CPACK_COMPONENTS_ALL ${CPACK_COMPONENTS_ALL} ${component} PARENT_SCOPE)
  set(CPACK_DEBIAN_${key}_PACKAGE_NAME ${name} PARENT_SCOPE)
  set(CPACK_DEBIAN_${key}_PACKAGE_SECTION ${section} PARENT_SCOPE)
  set(CPACK_DEBIAN_${key}_DESCRIPTION ${description} PARENT_SCOPE)
endfunction()

# cleave_override(COMPONENT NAME TAG): what lintian need not say of a package.
function(cleave_override component name tag)
  file(CONFIGURE OUTPUT ${pages}/overrides/${name} CONTENT "${name}: ${tag}\n")
  install(FILES ${pages}/overrides/${name} DESTINATION ${CMAKE_INSTALL_DATADIR}/lintian/overrides
          COMPONENT ${component} EXCLUDE_FROM_ALL)
endfunction()

set(what "Cleave simulates clusters that serve large language models, with prompts
and tokens on different machines or on the same: how many machines of which
kind serve a traffic within its latency objectives, at what cost and power.")
cleave_package(program cleave science "simulator of phase-split LLM inference clusters\n${what}")
cleave_package(library libcleave${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR} libs
               "simulator of phase-split LLM inference clusters (library)\n${what}
.
This package has the library that programs are linked to.")
cleave_package(development libcleave-dev libdevel
               "simulator of phase-split LLM inference clusters (headers)\n${what}
.
This package has what programs and plugins of one's own are built with.")
set(CPACK_COMPONENT_DEVELOPMENT_DEPENDS library)
# CPack calls ldconfig from scripts, as Debian did before it had a trigger for that.
set(soname ${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR})
file(CONFIGURE OUTPUT ${pages}/shlibs CONTENT "libcleave ${soname} libcleave${soname} (>= ${PROJECT_VERSION})\n")
file(CONFIGURE OUTPUT ${pages}/triggers CONTENT "activate-noawait ldconfig\n")
cleave_override(library libcleave${soname} maintscript-calls-ldconfig)
set(CPACK_DEBIAN_LIBRARY_PACKAGE_CONTROL_EXTRA ${pages}/shlibs ${pages}/triggers)
set(CPACK_DEBIAN_DEVELOPMENT_PACKAGE_DEPENDS nlohmann-json3-dev)
if(TARGET cleave_python)
  cleave_package(python python3-cleave python
                 "simulator of phase-split LLM inference clusters (Python)\n${what}
.
This package has it as a package for Python.")
  set(CPACK_COMPONENT_PYTHON_DEPENDS library)
  math(EXPR python_next "${Python_VERSION_MINOR} + 1")
  set(CPACK_DEBIAN_PYTHON_PACKAGE_DEPENDS
      "python3 (>= 3.${Python_VERSION_MINOR}), python3 (<< 3.${python_next}), python3-numpy")
  set(CPACK_DEBIAN_PYTHON_PACKAGE_SUGGESTS python3-pandas)
  # It finds the library also where both are installed elsewhere.
  cleave_override(python python3-cleave custom-library-search-path)
endif()
include(CPack)
