# One list of warnings for every target of ours; each is an error.
add_library(aero_warnings INTERFACE)
target_compile_options(aero_warnings INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wno-sign-conversion -Wno-missing-field-initializers -Wnon-virtual-dtor -Woverloaded-virtual
  -Werror
  # g++ 12 sees overlapping copies in `"text" + std::string(...)` where there are none, and at -O3 strings
  # of aggregates given to push_back as not initialised.
  $<$<CXX_COMPILER_ID:GNU>:-Wno-restrict>
  $<$<AND:$<CXX_COMPILER_ID:GNU>,$<VERSION_LESS:$<CXX_COMPILER_VERSION>,13>>:-Wno-maybe-uninitialized>)
