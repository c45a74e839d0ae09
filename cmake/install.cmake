# What `cmake --install` gives a C++ user: the library, the public headers and a package that `find_package(aero)` finds.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/aero)
install(TARGETS aero EXPORT aero-targets ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(DIRECTORY core/include/aero DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} FILES_MATCHING PATTERN "*.h")
install(EXPORT aero-targets NAMESPACE aero:: DESTINATION ${package_dir})
# Whether the library was linked with them is known in core/ only; the package asks for what was found there.
if(AERO_TLS)
  find_package(OpenSSL 3.0 QUIET)
endif()
if(AERO_COMPRESSION)
  find_package(ZLIB QUIET)
endif()
configure_package_config_file(cmake/aero-config.cmake.in ${CMAKE_CURRENT_BINARY_DIR}/aero-config.cmake
  INSTALL_DESTINATION ${package_dir})
write_basic_package_version_file(${CMAKE_CURRENT_BINARY_DIR}/aero-config-version.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/aero-config.cmake ${CMAKE_CURRENT_BINARY_DIR}/aero-config-version.cmake
  DESTINATION ${package_dir})
