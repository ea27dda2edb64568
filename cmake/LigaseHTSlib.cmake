# The imported target HTSlib::HTSlib, where HTSlib is found: by pkg-config, else by its header and library.
# Installed beside the package configuration, so that find_package(ligase) finds it the same way.
if(TARGET HTSlib::HTSlib)
  return()
endif()

find_package(PkgConfig QUIET)
if(PKG_CONFIG_FOUND)
  pkg_check_modules(PC_HTSLIB QUIET htslib)
endif()
find_path(HTSLIB_INCLUDE_DIR htslib/faidx.h HINTS ${PC_HTSLIB_INCLUDE_DIRS})
find_library(HTSLIB_LIBRARY hts HINTS ${PC_HTSLIB_LIBRARY_DIRS})
mark_as_advanced(HTSLIB_INCLUDE_DIR HTSLIB_LIBRARY)

if(HTSLIB_INCLUDE_DIR AND HTSLIB_LIBRARY)
  add_library(HTSlib::HTSlib UNKNOWN IMPORTED)
  set_target_properties(HTSlib::HTSlib PROPERTIES IMPORTED_LOCATION ${HTSLIB_LIBRARY}
                                                  INTERFACE_INCLUDE_DIRECTORIES ${HTSLIB_INCLUDE_DIR})
endif()
