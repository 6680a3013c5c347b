# SPDX-License-Identifier: BSL-1.0
# Install rules: libraries, headers, the CMake package and the pkg-config files.
include(CMakePackageConfigHelpers)
set(package_dir "${CMAKE_INSTALL_LIBDIR}/cmake/secretchat")

# The pkg-config files find their prefix from where they stand, so that an installed tree can be moved.
file(RELATIVE_PATH SECRETCHAT_PC_PREFIX "/prefix/${CMAKE_INSTALL_LIBDIR}/pkgconfig" "/prefix")
string(REGEX REPLACE "/$" "" SECRETCHAT_PC_PREFIX "${SECRETCHAT_PC_PREFIX}")
configure_file(libsecretchat.pc.in libsecretchat.pc @ONLY)
install(FILES "${PROJECT_BINARY_DIR}/libsecretchat.pc" DESTINATION "${CMAKE_INSTALL_LIBDIR}/pkgconfig")

install(TARGETS secretchat EXPORT secretchat)
install(FILES include/secretchat/secretchat.h include/secretchat/secretchat.hpp include/secretchat/export.h include/secretchat/version.h
  DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}/secretchat")

set(SECRETCHAT_HAS_SQLITE 0)
if(TARGET secretchat_sqlite)
  set(SECRETCHAT_HAS_SQLITE 1)
  install(TARGETS secretchat_sqlite EXPORT secretchat)
  install(FILES include/secretchat/sqlite.h DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}/secretchat")
  configure_file(src/sqlite/libsecretchat-sqlite.pc.in libsecretchat-sqlite.pc @ONLY)
  install(FILES "${PROJECT_BINARY_DIR}/libsecretchat-sqlite.pc" DESTINATION "${CMAKE_INSTALL_LIBDIR}/pkgconfig")
endif()

# A static library hands its own dependencies on to whoever links it.
get_target_property(type secretchat TYPE)
string(COMPARE EQUAL "${type}" "STATIC_LIBRARY" SECRETCHAT_IS_STATIC)
install(EXPORT secretchat NAMESPACE secretchat:: FILE secretchat-targets.cmake DESTINATION "${package_dir}")
configure_package_config_file(.cmake/secretchat-config.cmake.in secretchat-config.cmake INSTALL_DESTINATION "${package_dir}")
# While the major version is 0, a minor version may change the interface.
write_basic_package_version_file("${PROJECT_BINARY_DIR}/secretchat-config-version.cmake" COMPATIBILITY SameMinorVersion)
install(FILES "${PROJECT_BINARY_DIR}/secretchat-config.cmake" "${PROJECT_BINARY_DIR}/secretchat-config-version.cmake"
  DESTINATION "${package_dir}")
