# cmake --build build/release --target compile_times: compiles the files below, one at a time and without ccache, prints a
# table and writes benchmarks/results/compile_times.json. Needs Python; not part of `all`.
find_package(Python3 QUIET COMPONENTS Interpreter)
if(NOT Python3_FOUND)
  return()
endif()
add_custom_target(
  compile_times
  COMMAND ${Python3_EXECUTABLE} ${PROJECT_SOURCE_DIR}/cmake/compile_times.py ${PROJECT_BINARY_DIR}/compile_commands.json
          --root ${PROJECT_SOURCE_DIR} --json ${PROJECT_SOURCE_DIR}/benchmarks/results/compile_times.json
  USES_TERMINAL VERBATIM)
