# ligase_warnings  warnings as errors, for our own programs and tests only; without -Wrestrict, which g++ 12 reports
#                  falsely for "text" + std::string (GCC bug 105651), and -Wmaybe-uninitialized, which it reports falsely
#                  inside its own AVX-512 headers (GCC bug 105593)
# ligase_program   what every program and test of ours is compiled with
add_library(ligase_warnings INTERFACE)
target_compile_options(
  ligase_warnings INTERFACE "$<$<COMPILE_LANGUAGE:CXX>:-Wall;-Wextra;-Wpedantic;-Wconversion;-Wshadow>"
                            "$<$<COMPILE_LANG_AND_ID:CXX,GNU>:-Wno-restrict;-Wno-maybe-uninitialized>")
if(LIGASE_WERROR)
  target_compile_options(ligase_warnings INTERFACE "$<$<COMPILE_LANGUAGE:CXX>:-Werror>"
                                                   "$<$<COMPILE_LANGUAGE:CUDA>:SHELL:-Werror all-warnings>")
endif()

add_library(ligase_program INTERFACE)
target_link_libraries(ligase_program INTERFACE ligase_warnings)
if(LIGASE_NATIVE)
  target_compile_options(ligase_program INTERFACE "$<$<COMPILE_LANGUAGE:CXX>:-march=native>"
                                                  "$<$<COMPILE_LANGUAGE:CUDA>:-Xcompiler=-march=native>")
endif()
