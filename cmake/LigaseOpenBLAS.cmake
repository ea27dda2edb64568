# The imported target OpenBLAS::OpenBLAS, where OpenBLAS is found: by pkg-config, else by its header and library.
# Installed beside the package configuration, so that find_package(ligase) finds it the same way.
if(TARGET OpenBLAS::OpenBLAS)
  return()
endif()

find_package(PkgConfig QUIET)
if(PKG_CONFIG_FOUND)
  pkg_check_modules(PC_OPENBLAS QUIET openblas)
endif()
find_path(OPENBLAS_INCLUDE_DIR openblas_config.h HINTS ${PC_OPENBLAS_INCLUDE_DIRS}
          PATH_SUFFIXES openblas ${CMAKE_LIBRARY_ARCHITECTURE}/openblas-pthread)
find_library(OPENBLAS_LIBRARY openblas HINTS ${PC_OPENBLAS_LIBRARY_DIRS})
mark_as_advanced(OPENBLAS_INCLUDE_DIR OPENBLAS_LIBRARY)

if(OPENBLAS_INCLUDE_DIR AND OPENBLAS_LIBRARY)
  add_library(OpenBLAS::OpenBLAS UNKNOWN IMPORTED)
  set_target_properties(OpenBLAS::OpenBLAS PROPERTIES IMPORTED_LOCATION ${OPENBLAS_LIBRARY}
                                                      INTERFACE_INCLUDE_DIRECTORIES ${OPENBLAS_INCLUDE_DIR})
endif()
