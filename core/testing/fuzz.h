// What fuzz targets share: a check that stays on in every build, comparison of bytes, and what may leave the process.
#pragma once

#include <cstdio>
#include <cstdlib>

#include "base/bytes.h"

#ifdef __has_feature
#if __has_feature(memory_sanitizer)
#include <sanitizer/msan_interface.h>
#define AERO_WATCHES_MEMORY 1
#endif
#endif

// Ends the run when the property does not hold; the fuzzer then keeps the input that broke it.
#define FUZZ_CHECK(property)                                                            \
    do {                                                                                \
        if (!(property)) {                                                              \
            std::fprintf(stderr, "%s:%d: broken: %s\n", __FILE__, __LINE__, #property); \
            std::abort();                                                               \
        }                                                                               \
    } while (false)

namespace aero::tests {

inline bool same_bytes(byte_view a, byte_view b) noexcept {
    return a.size() == b.size() && (a.empty() || std::memcmp(a.data(), b.data(), a.size()) == 0);
}

// Bytes that would be sent. Under MemorySanitizer the run ends at one that nobody has written.
inline void leaves([[maybe_unused]] byte_view bytes) noexcept {
#ifdef AERO_WATCHES_MEMORY
    __msan_check_mem_is_initialized(bytes.data(), bytes.size());
#endif
}

}  // namespace aero::tests
