# The Python package: build/python/cleave, which PYTHONPATH=build/python finds, and what is installed.
set(CLEAVE_PYTHON AUTO CACHE STRING "Build the Python package: ON, OFF, or AUTO, where pybind11 is installed")
# Python itself knows nothing of sanitizers.
if(NOT CLEAVE_PYTHON OR CLEAVE_SANITIZE)
  return()
endif()
# The system's Python first: it is the one for which Debian packages numpy.
find_program(CLEAVE_PYTHON_PROGRAM python3 HINTS /usr/bin)
set(Python_EXECUTABLE ${CLEAVE_PYTHON_PROGRAM})
if(CLEAVE_PYTHON STREQUAL AUTO)
  find_package(Python QUIET COMPONENTS Interpreter Development.Module)
  find_path(PYBIND11_INCLUDE pybind11/pybind11.h)
else()
  find_package(Python REQUIRED COMPONENTS Interpreter Development.Module)
  find_path(PYBIND11_INCLUDE pybind11/pybind11.h REQUIRED)
endif()
if(NOT Python_FOUND OR NOT PYBIND11_INCLUDE)
  message(STATUS "pybind11 or Python's headers are not installed: no Python package (Debian: pybind11-dev, python3-dev)")
  return()
endif()

set(python_folder ${PROJECT_BINARY_DIR}/python/cleave)
file(GLOB python_files CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/python/cleave/*.py)
file(MAKE_DIRECTORY ${python_folder})
foreach(file ${python_files})
  get_filename_component(name ${file} NAME)
  file(CREATE_LINK ${file} ${python_folder}/${name} SYMBOLIC)
endforeach()

add_library(cleave_python MODULE python/module.cpp python/scheduler.cpp)
target_include_directories(cleave_python SYSTEM PRIVATE ${PYBIND11_INCLUDE})
target_link_libraries(cleave_python PRIVATE cleave_options cleave_library Python::Module)
set_target_properties(cleave_python PROPERTIES OUTPUT_NAME _cleave PREFIX ""
                      LIBRARY_OUTPUT_DIRECTORY ${python_folder} INSTALL_RPATH "$ORIGIN/../../..:$ORIGIN")

set(python_place ${CMAKE_INSTALL_LIBDIR}/python3/dist-packages/cleave)
install(FILES ${python_files} DESTINATION ${python_place} COMPONENT python)
install(TARGETS cleave_python LIBRARY DESTINATION ${python_place} COMPONENT python)

# A wheel, packaging/cleave-*.whl: `cmake --build build --target cleave_wheel`. The library lies beside the module.
install(FILES ${python_files} DESTINATION cleave COMPONENT wheel EXCLUDE_FROM_ALL)
install(TARGETS cleave_python cleave_library LIBRARY DESTINATION cleave COMPONENT wheel NAMELINK_SKIP EXCLUDE_FROM_ALL)
set(wheel_root ${PROJECT_BINARY_DIR}/packaging/wheel)
add_custom_target(cleave_wheel DEPENDS cleave_library cleave_python COMMENT "Making a wheel" VERBATIM
                  COMMAND ${CMAKE_COMMAND} -E rm -rf ${wheel_root}
                  COMMAND ${CMAKE_COMMAND} --install ${PROJECT_BINARY_DIR} --strip --component wheel --prefix ${wheel_root}
                  COMMAND ${CLEAVE_PYTHON_PROGRAM} ${PROJECT_SOURCE_DIR}/python/make_wheel.py ${wheel_root}
                          ${PROJECT_BINARY_DIR}/packaging)
