# A user who wants every warning and takes none: the library's headers must not disturb. g++ 12 warns falsely inside its own
# headers when it optimises (GCC bugs 105651, 105593).
add_compile_options(-Wall -Wextra -Wpedantic -Wconversion -Wshadow -Werror)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_BUILD_TYPE STREQUAL "Release")
  add_compile_options(-Wno-error=restrict -Wno-error=maybe-uninitialized -Wno-error=uninitialized)
endif()
