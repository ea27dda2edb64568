# loss_curve draws a good log, and refuses bad ones with one sentence and exit code 2, leaving no file behind.
cmake_minimum_required(VERSION 3.25)
file(REMOVE_RECURSE ${WORK})
file(MAKE_DIRECTORY ${WORK})

function(check_refused sentence)
  execute_process(COMMAND ${PROGRAMS}/loss_curve ${ARGN} WORKING_DIRECTORY ${WORK} RESULT_VARIABLE code
                  OUTPUT_VARIABLE output ERROR_VARIABLE errors)
  if(NOT code EQUAL 2 OR NOT errors STREQUAL "loss_curve: ${sentence}\n" OR NOT output STREQUAL "")
    message(FATAL_ERROR "loss_curve ${ARGN}: exit code ${code}, said\n${errors}expected\nloss_curve: ${sentence}")
  endif()
  if(EXISTS ${WORK}/refused.svg)
    message(FATAL_ERROR "loss_curve ${ARGN} left a file behind")
  endif()
endfunction()

set(rest "\"tokens\": 8192, \"learning_rate\": 0.001, \"grad_norm\": 1, \"tokens_per_second\": 4000")
file(WRITE ${WORK}/good.jsonl "{\"step\": 1, \"loss\": 1.5, ${rest}}\n{\"step\": 2, \"loss\": null, ${rest}}\n"
                              "{\"step\": 3, \"loss\": 1.3, ${rest}}\n{\"step\": 4, \"lo")
execute_process(COMMAND ${PROGRAMS}/loss_curve --log good.jsonl --out good.svg --title "a < b & c" WORKING_DIRECTORY ${WORK}
                RESULT_VARIABLE code OUTPUT_VARIABLE output ERROR_VARIABLE output)
if(NOT code EQUAL 0 OR NOT output STREQUAL "")
  message(FATAL_ERROR "exit code ${code}: ${output}")
endif()
file(READ ${WORK}/good.svg svg)
foreach(part "<svg xmlns=" "<polyline" ">a &lt; b &amp; c</text>" "3 steps, 24,576 tokens, 4,000 tokens per second"
             "last mean 1.3000 nats (1.8755 bits)" "loss (bits per token)" "</svg>")
  string(FIND "${svg}" "${part}" place)
  if(place EQUAL -1)
    message(FATAL_ERROR "the picture lacks ${part}:\n${svg}")
  endif()
endforeach()
if(svg MATCHES "nan|inf")
  message(FATAL_ERROR "the picture holds a number that is none")
endif()

# Losses so large that an axis has no finer steps.
foreach(loss 4.6e13 1e14 1.4e14 1e300)
  file(WRITE ${WORK}/large.jsonl "{\"step\": 1, \"loss\": ${loss}, ${rest}}\n")
  execute_process(COMMAND ${PROGRAMS}/loss_curve --log large.jsonl --out large.svg WORKING_DIRECTORY ${WORK} RESULT_VARIABLE code
                  ERROR_VARIABLE output TIMEOUT 10)
  file(READ ${WORK}/large.svg svg)
  string(REGEX MATCHALL "</text>" texts "${svg}")
  list(LENGTH texts count)
  if(NOT code EQUAL 0 OR count GREATER 60)
    message(FATAL_ERROR "a loss of ${loss}: exit code ${code}, ${count} texts: ${output}")
  endif()
endforeach()

file(WRITE ${WORK}/empty.jsonl "")
file(WRITE ${WORK}/back.jsonl "{\"step\": 2, \"loss\": 1.5, ${rest}}\n{\"step\": 1, \"loss\": 1.4, ${rest}}\n")
file(WRITE ${WORK}/nan.jsonl "{\"step\": 1, \"loss\": null, ${rest}}\n")
check_refused("--out: has to be given; expected FILE.svg" --log good.jsonl)
check_refused("--ot: unknown flag (did you mean '--out'?)" --log good.jsonl --ot refused.svg)
check_refused("gone.jsonl: cannot open the file; found No such file or directory" --log gone.jsonl --out refused.svg)
check_refused("empty.jsonl: the log holds no complete line; expected one JSON object per optimiser step" --log empty.jsonl
              --out refused.svg)
check_refused("back.jsonl:2: steps do not rise; expected a step above 2, found 1" --log back.jsonl --out refused.svg)
check_refused("nan.jsonl: no step of the log has a finite loss" --log nan.jsonl --out refused.svg)
file(REMOVE_RECURSE ${WORK})
