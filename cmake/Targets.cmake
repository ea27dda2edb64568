# ligase::ligase  models, tokenizers, training, checkpoints (Eigen, JSON, OpenMP)
# ligase::genome  adds FASTA, BED, VCF and data sets (HTSlib, zlib)
# ligase::cuda    adds kernels (CUDA Toolkit)
set(root ${PROJECT_SOURCE_DIR}/include)
file(GLOB_RECURSE headers CONFIGURE_DEPENDS ${root}/ligase/*.hpp)
file(GLOB_RECURSE cuda_headers CONFIGURE_DEPENDS ${root}/ligase/*.cuh)
set(genome_headers ${headers})
list(FILTER genome_headers INCLUDE REGEX "/ligase/genome(/|\\.hpp)")
list(FILTER headers EXCLUDE REGEX "/ligase/genome(/|\\.hpp)")

add_library(ligase INTERFACE)
add_library(ligase::ligase ALIAS ligase)
target_sources(ligase INTERFACE FILE_SET HEADERS BASE_DIRS ${root} FILES ${headers})
target_compile_features(ligase INTERFACE cxx_std_20)
target_link_libraries(ligase INTERFACE Eigen3::Eigen nlohmann_json::nlohmann_json OpenMP::OpenMP_CXX)
if(LIGASE_OPENBLAS)
  if(NOT TARGET OpenBLAS::OpenBLAS)
    message(FATAL_ERROR "LIGASE_OPENBLAS is on, but OpenBLAS was not found (Debian: libopenblas-dev)")
  endif()
  target_compile_definitions(ligase INTERFACE LIGASE_WITH_OPENBLAS=1)
  target_link_libraries(ligase INTERFACE OpenBLAS::OpenBLAS)
endif()
# Bits of a result may depend neither on threads nor on the compiler's choice to fuse a product with a sum. -Wpsabi, on by
# default, is the remark that 64-byte vectors pass differently without AVX-512: a user with -Werror would stumble over it.
target_compile_definitions(ligase INTERFACE EIGEN_DONT_PARALLELIZE)
target_compile_options(
  ligase INTERFACE "$<$<COMPILE_LANG_AND_ID:CXX,GNU,Clang,AppleClang>:-ffp-contract=off>"
                   "$<$<COMPILE_LANG_AND_ID:CXX,GNU,Clang,AppleClang>:-Wno-psabi>"
                   "$<$<COMPILE_LANGUAGE:CUDA>:SHELL:-Xcompiler=-ffp-contract=off -Xcompiler=-fopenmp>")

if(TARGET HTSlib::HTSlib AND TARGET ZLIB::ZLIB)
  add_library(ligase_genome INTERFACE)
  add_library(ligase::genome ALIAS ligase_genome)
  target_sources(ligase_genome INTERFACE FILE_SET HEADERS BASE_DIRS ${root} FILES ${genome_headers})
  target_link_libraries(ligase_genome INTERFACE ligase HTSlib::HTSlib ZLIB::ZLIB)
  set_target_properties(ligase_genome PROPERTIES EXPORT_NAME genome)
else()
  message(STATUS "HTSlib or zlib was not found: ligase::genome and the programs that need it are left out")
endif()

if(CMAKE_CUDA_COMPILER)
  find_package(CUDAToolkit REQUIRED)
  add_library(ligase_cuda INTERFACE)
  add_library(ligase::cuda ALIAS ligase_cuda)
  target_sources(ligase_cuda INTERFACE FILE_SET HEADERS BASE_DIRS ${root} FILES ${cuda_headers})
  # CMake 3.25 does not know that nvcc has C++20. The run time is linked statically, as nvcc does by itself: a program must
  # not hold two of them. The suppressed diagnostics are about Eigen, whose functions are for the host alone.
  target_link_libraries(ligase_cuda INTERFACE ligase CUDA::cudart_static CUDA::cublasLt CUDA::cufft)
  target_compile_definitions(ligase_cuda INTERFACE LIGASE_WITH_CUDA=1)
  target_compile_options(ligase_cuda INTERFACE "$<$<COMPILE_LANGUAGE:CUDA>:SHELL:-std=c++20 -diag-suppress 20012,20015>")
  set_target_properties(ligase_cuda PROPERTIES EXPORT_NAME cuda VERIFY_INTERFACE_HEADER_SETS OFF)
endif()
