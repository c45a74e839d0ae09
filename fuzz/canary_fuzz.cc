// Fails on purpose once the fuzzer has learnt four bytes: a run in which this target survives did not fuzz at all.
#include <cstddef>
#include <cstdint>

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    if (size >= 4 && data[0] == 'b' && data[1] == 'i' && data[2] == 'r' && data[3] == 'd') __builtin_trap();
    return 0;
}
