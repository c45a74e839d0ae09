# The simulator: the core built once more, with fibers for threads and bugs that can be planted, and its system calls led
# by the linker to a simulated kernel.
set(simulated_sources ${sources})
list(FILTER simulated_sources EXCLUDE REGEX "/wire/password_hash\\.cc$")  # slow by design: see testing/sim_door.cc
add_library(aero_simulated STATIC ${simulated_sources})
target_include_directories(aero_simulated PUBLIC include PRIVATE src)
target_compile_definitions(aero_simulated PUBLIC AERO_SIMULATED=1 PRIVATE $<TARGET_PROPERTY:aero,COMPILE_DEFINITIONS>)
# Checked variants of system calls would have names of their own.
target_compile_options(aero_simulated PUBLIC -U_FORTIFY_SOURCE)
target_compile_features(aero_simulated PUBLIC cxx_std_23)
target_link_libraries(aero_simulated PUBLIC Threads::Threads PRIVATE aero_warnings
  "$<FILTER:$<TARGET_PROPERTY:aero,LINK_LIBRARIES>,INCLUDE,^(OpenSSL|ZLIB)>")

file(GLOB simulator_sources CONFIGURE_DEPENDS testing/sim*.cc)
list(FILTER simulator_sources EXCLUDE REGEX "_test\\.cc$|/sim_main\\.cc$")
list(APPEND simulator_sources ${CMAKE_CURRENT_SOURCE_DIR}/testing/info_script.cc ${CMAKE_CURRENT_SOURCE_DIR}/testing/certificates.cc)
add_library(simulation OBJECT ${simulator_sources})
target_include_directories(simulation PUBLIC ${CMAKE_CURRENT_SOURCE_DIR} ${CMAKE_CURRENT_SOURCE_DIR}/src)
target_compile_definitions(simulation PRIVATE $<TARGET_PROPERTY:aero,COMPILE_DEFINITIONS>)
target_link_libraries(simulation PUBLIC aero_simulated aero_warnings OpenSSL::SSL ZLIB::ZLIB)

set(wrapped clock_gettime socket connect getpeername getsockname getsockopt setsockopt fcntl send recv recvmsg close poll
  ppoll epoll_create1 epoll_ctl epoll_wait eventfd pipe read write getaddrinfo freeaddrinfo)
list(TRANSFORM wrapped PREPEND "LINKER:--wrap=")
target_link_options(simulation PUBLIC ${wrapped})

add_executable(aero_simulator testing/sim_main.cc)
target_link_libraries(aero_simulator PRIVATE simulation)

add_executable(aero_simulator_test testing/sim_test.cc)
target_link_libraries(aero_simulator_test PRIVATE simulation GTest::gtest GTest::gtest_main)
add_test(NAME simulator COMMAND aero_simulator_test)
