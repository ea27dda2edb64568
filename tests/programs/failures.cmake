cmake_minimum_required(VERSION 3.25)
execute_process(COMMAND bash ${CMAKE_CURRENT_LIST_DIR}/failures.sh ${PROGRAMS} ${WORK} ${FULL_DISK} COMMAND_ERROR_IS_FATAL ANY)
