# What the library stands on. Installed packages come first; a header-only package that is not installed is downloaded.
include(FetchContent)

# Makes the imported target TARGET from the headers below SUBFOLDER of a git repository's tag.
function(ligase_fetch_headers target repository tag subfolder)
  string(REGEX REPLACE "^.*/|\\.git$" "" name ${repository})
  string(TOLOWER ligase_${name} name)
  message(STATUS "${target} is not installed: downloading ${repository} ${tag}")
  FetchContent_Declare(${name} GIT_REPOSITORY ${repository} GIT_TAG ${tag} GIT_SHALLOW ON SOURCE_SUBDIR none)
  FetchContent_MakeAvailable(${name})
  add_library(${target} INTERFACE IMPORTED GLOBAL)
  target_include_directories(${target} INTERFACE ${${name}_SOURCE_DIR}/${subfolder})
  set(${name}_SOURCE_DIR ${${name}_SOURCE_DIR} PARENT_SCOPE)
endfunction()

find_package(Eigen3 3.4 QUIET NO_MODULE)
if(NOT TARGET Eigen3::Eigen)
  ligase_fetch_headers(Eigen3::Eigen https://gitlab.com/libeigen/eigen.git 3.4.0 .)
endif()

find_package(nlohmann_json 3.9 QUIET)
if(NOT TARGET nlohmann_json::nlohmann_json)
  ligase_fetch_headers(nlohmann_json::nlohmann_json https://github.com/nlohmann/json.git v3.11.2 single_include)
endif()

find_package(OpenMP REQUIRED COMPONENTS CXX)
find_package(ZLIB QUIET)
include(LigaseHTSlib)
include(LigaseOpenBLAS)
