// The compression function of RIPEMD-160, scalar and in lanes: N independent one-block messages hashed side by side.
//
// Pure functions. A kernel for lanes must be called only when the processor has what its name asks for; `digest.cc`
// chooses. Messages of more than one block go through `ripemd_compress` block by block.
#pragma once

#include <cstddef>
#include <cstdint>

namespace aero::wire {

inline constexpr size_t ripemd_block_size = 64;
inline constexpr size_t ripemd_message_max = 55;  // bytes of a message that fits one block with its padding and length

using ripemd_state = uint32_t[5];
inline constexpr ripemd_state ripemd_start = {0x67452301, 0xEFCDAB89, 0x98BADCFE, 0x10325476, 0xC3D2E1F0};

// Folds one block of 64 bytes into the state.
void ripemd_compress(ripemd_state& state, const uint8_t* block) noexcept;

// Hash N finished blocks (padding and length included) lying one after the other; N digests of 20 bytes come out.
using ripemd_kernel = void(const uint8_t* blocks, uint8_t* digests) noexcept;
ripemd_kernel ripemd_x4;  // any processor; SSE2 and NEON do it in one instruction
#if defined(__x86_64__)
ripemd_kernel ripemd_x8;   // AVX2
ripemd_kernel ripemd_x16;  // AVX-512F
#endif

}  // namespace aero::wire
