# Functions of the program tests. PROGRAMS and WORK are folders.

function(run program)
  execute_process(COMMAND ${PROGRAMS}/${program} ${ARGN} WORKING_DIRECTORY ${WORK} RESULT_VARIABLE code OUTPUT_VARIABLE output
                  ERROR_VARIABLE errors TIMEOUT 120)
  if(NOT code EQUAL 0)
    message(FATAL_ERROR "${program} ${ARGN}: exit code ${code}, said\n${errors}")
  endif()
  set(output "${output}" PARENT_SCOPE)
  set(errors "${errors}" PARENT_SCOPE)
endfunction()

# Exit code 2, nothing on stdout, one line on stderr that matches, no file refused* left behind.
function(check_refused sentence program)
  execute_process(COMMAND ${PROGRAMS}/${program} ${ARGN} WORKING_DIRECTORY ${WORK} RESULT_VARIABLE code OUTPUT_VARIABLE output
                  ERROR_VARIABLE errors TIMEOUT 120)
  if(NOT code EQUAL 2 OR NOT errors MATCHES "^${program}: ${sentence}[^\n]*\n$" OR NOT output STREQUAL "")
    message(SEND_ERROR "${program} ${ARGN}: exit code ${code}, said\n${output}${errors}expected\n${program}: ${sentence}")
  endif()
  file(GLOB left ${WORK}/refused* ${WORK}/.*.tmp)
  if(left)
    message(SEND_ERROR "${program} ${ARGN} left ${left} behind")
    file(REMOVE_RECURSE ${left})
  endif()
endfunction()

# |left - right| <= 1e-6, by awk: CMake knows whole numbers only.
function(check_near left right)
  execute_process(COMMAND awk "BEGIN { d = (${left}) - (${right}); exit !(d < 1e-6 && d > -1e-6) }" RESULT_VARIABLE far)
  if(far)
    message(FATAL_ERROR "${left} is not ${right}")
  endif()
endfunction()

macro(get variable)
  string(JSON ${variable} GET "${json}" ${ARGN})
endmacro()
