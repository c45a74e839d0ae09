// Eight lanes: the same steps as everywhere, compiled for AVX2.
#if defined(__x86_64__)

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <utility>

#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx2"))), apply_to = function)
#else
#pragma GCC target("avx2")
#endif

#include "wire/ripemd_rounds.h"

namespace aero::wire {

void ripemd_x8(const uint8_t* blocks, uint8_t* digests) noexcept {
    using vector = uint32_t __attribute__((vector_size(32)));
    hash_lanes<plain_arithmetic<vector>, 8>(blocks, digests);
}

}  // namespace aero::wire

#if defined(__clang__)
#pragma clang attribute pop
#endif

#endif
