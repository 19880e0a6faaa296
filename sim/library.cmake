# The simulator as a library, and what `cmake --install` installs: the program, the library with the
# headers that sim/simulation.h needs, and a package for find_package(cleave).
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

# A shared library holds all of its objects, policies that register themselves too, and what it is
# linked to is no concern of who uses it.
add_library(cleave_library SHARED)
target_link_libraries(cleave_library PRIVATE ${CLEAVE_ROOMS} INTERFACE nlohmann_json::nlohmann_json)
target_compile_features(cleave_library INTERFACE cxx_std_20)
target_include_directories(cleave_library INTERFACE $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}/cleave>)
set_target_properties(cleave_library PROPERTIES OUTPUT_NAME cleave EXPORT_NAME cleave
                      VERSION ${PROJECT_VERSION} SOVERSION ${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR})
set_target_properties(cleave cleave_library PROPERTIES INSTALL_RPATH_USE_LINK_PATH ON)

# The headers of the project that `header` includes, itself first.
function(cleave_headers_of header found)
  set(all ${header})
  set(waiting ${header})
  while(waiting)
    list(POP_FRONT waiting next)
    if(NOT EXISTS ${PROJECT_SOURCE_DIR}/${next})
      continue() # made below
    endif()
    file(STRINGS ${PROJECT_SOURCE_DIR}/${next} lines REGEX "^#include \"")
    foreach(line ${lines})
      string(REGEX REPLACE "^#include \"([^\"]+)\".*" "\\1" included "${line}")
      if(NOT included IN_LIST all)
        list(APPEND all ${included})
        list(APPEND waiting ${included})
      endif()
    endforeach()
  endwhile()
  set(${found} ${all} PARENT_SCOPE)
endfunction()

set(headers)
foreach(root sim/simulation.h sim/scenario/resolve.h sim/plugin.h sim/base/random.h)
  cleave_headers_of(${root} found)
  list(APPEND headers ${found})
endforeach()
list(REMOVE_DUPLICATES headers)
list(REMOVE_ITEM headers sim/plugin_version.h)
# What they include is looked up when this is configured.
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${headers})
foreach(header ${headers})
  get_filename_component(folder ${header} DIRECTORY)
  install(FILES ${header} DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/cleave/${folder} COMPONENT development)
endforeach()

# A plugin runs with a program that has the same headers, to the last letter.
set(contents)
foreach(header ${headers})
  file(SHA256 ${PROJECT_SOURCE_DIR}/${header} hash)
  string(APPEND contents "${header} ${hash}\n")
endforeach()
string(SHA256 hash "${contents}")
string(SUBSTRING ${hash} 0 12 hash)
file(CONFIGURE OUTPUT ${PROJECT_BINARY_DIR}/include/sim/plugin_version.h @ONLY CONTENT "#pragma once

#define CLEAVE_HEADERS_VERSION \"${PROJECT_VERSION}, headers ${hash}\"
")
install(FILES ${PROJECT_BINARY_DIR}/include/sim/plugin_version.h DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/cleave/sim
        COMPONENT development)

set(package ${CMAKE_INSTALL_LIBDIR}/cmake/cleave)
install(TARGETS cleave COMPONENT program)
install(TARGETS cleave_library EXPORT cleave LIBRARY COMPONENT library NAMELINK_COMPONENT development)
install(EXPORT cleave NAMESPACE cleave:: FILE cleaveTargets.cmake DESTINATION ${package} COMPONENT development)
file(CONFIGURE OUTPUT ${PROJECT_BINARY_DIR}/cleaveConfig.cmake @ONLY CONTENT [[
include(CMakeFindDependencyMacro)
find_dependency(nlohmann_json)
include("${CMAKE_CURRENT_LIST_DIR}/cleaveTargets.cmake")

# cleave_add_plugin(NAME SOURCE...): NAME.so, for cleave --plugin. It takes what it needs from the program
# that loads it, and so is linked to nothing.
function(cleave_add_plugin name)
  add_library(${name} MODULE ${ARGN})
  target_link_libraries(${name} PRIVATE nlohmann_json::nlohmann_json)
  target_include_directories(${name} PRIVATE $<TARGET_PROPERTY:cleave::cleave,INTERFACE_INCLUDE_DIRECTORIES>)
  target_compile_features(${name} PRIVATE cxx_std_20)
  target_compile_options(${name} PRIVATE -ffp-contract=off)
  set_target_properties(${name} PROPERTIES PREFIX "")
endfunction()
]])
write_basic_package_version_file(${PROJECT_BINARY_DIR}/cleaveConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/cleaveConfig.cmake ${PROJECT_BINARY_DIR}/cleaveConfigVersion.cmake
        DESTINATION ${package} COMPONENT development)
