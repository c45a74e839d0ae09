# Compiles through ccache where it is installed and the caller named no launcher: sanitizer builds and the extension for
# five interpreters repeat much of each other.
find_program(AERO_CCACHE ccache)
mark_as_advanced(AERO_CCACHE)
if(AERO_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_CXX_COMPILER_LAUNCHER ${AERO_CCACHE})
endif()
