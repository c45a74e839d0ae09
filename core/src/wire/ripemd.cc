#include "wire/ripemd.h"

#include "wire/ripemd_rounds.h"

namespace aero::wire {

void ripemd_compress(ripemd_state& state, const uint8_t* block) noexcept {
    uint32_t words[16];
    for (unsigned w = 0; w < 16; ++w) words[w] = load_word(block + w * 4);
    compress<plain_arithmetic<uint32_t>>(state, words);
}

void ripemd_x4(const uint8_t* blocks, uint8_t* digests) noexcept {
    using vector = uint32_t __attribute__((vector_size(16)));
    hash_lanes<plain_arithmetic<vector>, 4>(blocks, digests);
}

}  // namespace aero::wire
