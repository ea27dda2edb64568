# cmake --install makes a package that find_package(ligase [COMPONENTS genome cuda]) finds; the build folder is one as well
# (-Dligase_DIR=build/release).
include(CMakePackageConfigHelpers)
set(package_folder ${CMAKE_INSTALL_LIBDIR}/cmake/ligase)

foreach(target ligase ligase_genome ligase_cuda)
  if(TARGET ${target})
    install(TARGETS ${target} EXPORT ${target}Targets FILE_SET HEADERS DESTINATION ${CMAKE_INSTALL_INCLUDEDIR})
    install(EXPORT ${target}Targets NAMESPACE ligase:: DESTINATION ${package_folder})
    export(EXPORT ${target}Targets NAMESPACE ligase:: FILE ${PROJECT_BINARY_DIR}/${target}Targets.cmake)
  endif()
endforeach()
configure_package_config_file(${PROJECT_SOURCE_DIR}/cmake/ligaseConfig.cmake.in ${PROJECT_BINARY_DIR}/ligaseConfig.cmake
                              INSTALL_DESTINATION ${package_folder})
write_basic_package_version_file(${PROJECT_BINARY_DIR}/ligaseConfigVersion.cmake COMPATIBILITY SameMinorVersion
                                 ARCH_INDEPENDENT)
foreach(library LigaseHTSlib LigaseOpenBLAS)
  configure_file(${PROJECT_SOURCE_DIR}/cmake/${library}.cmake ${PROJECT_BINARY_DIR}/${library}.cmake COPYONLY)
endforeach()
install(FILES ${PROJECT_BINARY_DIR}/ligaseConfig.cmake ${PROJECT_BINARY_DIR}/ligaseConfigVersion.cmake
              ${PROJECT_SOURCE_DIR}/cmake/LigaseHTSlib.cmake ${PROJECT_SOURCE_DIR}/cmake/LigaseOpenBLAS.cmake
        DESTINATION ${package_folder})
install(FILES ${PROJECT_SOURCE_DIR}/LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR})
