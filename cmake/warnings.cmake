# One list of warnings for every target of ours; each is an error.
add_library(aero_warnings INTERFACE)
target_compile_options(aero_warnings INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wno-sign-conversion -Wno-missing-field-initializers -Wnon-virtual-dtor -Woverloaded-virtual
  -Werror
  # g++ 12 sees overlapping copies in `"text" + std::string(...)` where there are none.
  $<$<CXX_COMPILER_ID:GNU>:-Wno-restrict>)
