// Sixteen lanes: AVX-512 has each mixing function and each rotation as one instruction.
#if defined(__x86_64__)

#include <immintrin.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <utility>

#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx512f"))), apply_to = function)
#else
#pragma GCC target("avx512f")
#endif

#include "wire/ripemd_rounds.h"

namespace aero::wire {
namespace {

struct avx512_arithmetic {
    using word = uint32_t __attribute__((vector_size(64)));
    [[gnu::always_inline]] static word constant(uint32_t value) noexcept { return word{} + value; }
    template <unsigned Bits>
    [[gnu::always_inline]] static word turn(word x) noexcept {
        return (word)_mm512_maskz_rol_epi32(0xFFFF, (__m512i)x, Bits);
    }
    // The immediate is the truth table: bit (4x + 2y + z) is the result for those three bits.
    template <unsigned Round>
    [[gnu::always_inline]] static word mix(word x, word y, word z) noexcept {
        constexpr int tables[5] = {0x96, 0xCA, 0x59, 0xE4, 0x2D};
        constexpr int table = tables[Round];
        return (word)_mm512_ternarylogic_epi32((__m512i)x, (__m512i)y, (__m512i)z, table);
    }
};

}  // namespace

void ripemd_x16(const uint8_t* blocks, uint8_t* digests) noexcept {
    hash_lanes<avx512_arithmetic, 16>(blocks, digests);
}

}  // namespace aero::wire

#if defined(__clang__)
#pragma clang attribute pop
#endif

#endif
