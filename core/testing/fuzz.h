// What fuzz targets share: a check that stays on in every build, and comparison of bytes.
#pragma once

#include <cstdio>
#include <cstdlib>

#include "base/bytes.h"

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

}  // namespace aero::tests
