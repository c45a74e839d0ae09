# What a release build does against bugs that slipped through. Sanitizer builds have better checks of their own.
#
# Everything: fortified C library calls, addresses that cannot be written to once the program runs. Stack protectors cost
# 2 to 3 % of the instructions of a call where every function has one, so they guard what has buffers on its stack and
# bytes from outside to fill them with: `AERO_GUARDED` lists options for those files. The decoders of the hot path have
# neither: they work on the heap through checked cursors.
set(AERO_GUARDED "")
if(CMAKE_BUILD_TYPE STREQUAL "Release" AND NOT AERO_SANITIZE)
  set(AERO_GUARDED -fstack-protector-strong)
  add_compile_options(-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2)
  if(CMAKE_SYSTEM_NAME STREQUAL "Linux")
    # As every address is known once the program runs, calls need no stub that would look for one.
    add_compile_options(-fno-plt)
    add_link_options(-Wl,-z,relro,-z,now,-z,noexecstack)
  endif()
endif()
