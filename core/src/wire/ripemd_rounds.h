// The 2 x 80 steps of RIPEMD-160 over a `Word` that is one 32-bit number or a vector of them.
//
// Included by one source file per instruction set. Everything is in an unnamed namespace, because each of these files
// is compiled for another processor and the linker must not pick one file's copy for another.
//
//     blocks: lane 0 | lane 1 | ...      words[w]: word w of lane 0, lane 1, ...      state: a, b, c, d, e of each lane
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <utility>

#include "wire/ripemd.h"

namespace aero::wire {
namespace {

constexpr uint8_t left_word[80] = {0,  1, 2,  3, 4,  5,  6, 7,  8, 9,  10, 11, 12, 13, 14, 15, 7,  4,  13, 1,
                                   10, 6, 15, 3, 12, 0,  9, 5,  2, 14, 11, 8,  3,  10, 14, 4,  9,  15, 8,  1,
                                   2,  7, 0,  6, 13, 11, 5, 12, 1, 9,  11, 10, 0,  8,  12, 4,  13, 3,  7,  15,
                                   14, 5, 6,  2, 4,  0,  5, 9,  7, 12, 2,  10, 14, 1,  3,  8,  11, 6,  15, 13};
constexpr uint8_t right_word[80] = {5,  14, 7,  0,  9,  2,  11, 4,  13, 6, 15, 8, 1,  10, 3,  12, 6, 11, 3, 7,
                                    0,  13, 5,  10, 14, 15, 8,  12, 4,  9, 1,  2, 15, 5,  1,  3,  7, 14, 6, 9,
                                    11, 8,  12, 2,  10, 0,  4,  13, 8,  6, 4,  1, 3,  11, 15, 0,  5, 12, 2, 13,
                                    9,  7,  10, 14, 12, 15, 10, 4,  1,  5, 8,  7, 6,  2,  13, 14, 0, 3,  9, 11};
constexpr uint8_t left_turn[80] = {11, 14, 15, 12, 5, 8,  7,  9,  11, 13, 14, 15, 6,  7,  9,  8,  7,  6,  8,  13,
                                   11, 9,  7,  15, 7, 12, 15, 9,  11, 7,  13, 12, 11, 13, 6,  7,  14, 9,  13, 15,
                                   14, 8,  13, 6,  5, 12, 7,  5,  11, 12, 14, 15, 14, 15, 9,  8,  9,  14, 5,  6,
                                   8,  6,  5,  12, 9, 15, 5,  11, 6,  8,  13, 12, 5,  12, 13, 14, 11, 8,  5,  6};
constexpr uint8_t right_turn[80] = {8,  9,  9,  11, 13, 15, 15, 5, 7,  7,  8,  11, 14, 14, 12, 6,  9,  13, 15, 7,
                                    12, 8,  9,  11, 7,  7,  12, 7, 6,  15, 13, 11, 9,  7,  15, 11, 8,  6,  6,  14,
                                    12, 13, 5,  14, 13, 13, 7,  5, 15, 5,  8,  11, 14, 14, 6,  14, 6,  9,  12, 9,
                                    12, 5,  15, 8,  8,  5,  12, 9, 12, 5,  14, 6,  8,  13, 6,  5,  15, 13, 11, 11};
constexpr uint32_t left_constant[5] = {0, 0x5A827999, 0x6ED9EBA1, 0x8F1BBCDC, 0xA953FD4E};
constexpr uint32_t right_constant[5] = {0x50A28BE6, 0x5C4DD124, 0x6D703EF3, 0x7A6D76E9, 0};

// What a step does with words, written so that any `Word` of + & | ^ ~ << >> can be used.
template <class Word>
struct plain_arithmetic {
    using word = Word;
    [[gnu::always_inline]] static word constant(uint32_t value) noexcept { return word{} + value; }
    template <unsigned Bits>
    [[gnu::always_inline]] static word turn(word x) noexcept {
        return (x << Bits) | (x >> (32 - Bits));
    }
    template <unsigned Round>
    [[gnu::always_inline]] static word mix(word x, word y, word z) noexcept {
        if constexpr (Round == 0) return x ^ y ^ z;
        if constexpr (Round == 1) return ((y ^ z) & x) ^ z;
        if constexpr (Round == 2) return (x | ~y) ^ z;
        if constexpr (Round == 3) return ((x ^ y) & z) ^ y;
        if constexpr (Round == 4) return x ^ (y | ~z);
    }
};

// One step. The five registers stand still; their roles move on by one place a step.
template <class Arithmetic, unsigned Step, unsigned Round, unsigned Bits>
[[gnu::always_inline]] inline void step(typename Arithmetic::word* line, const typename Arithmetic::word& message,
                                        uint32_t constant) noexcept {
    constexpr unsigned a = (80 - Step) % 5, b = (81 - Step) % 5, c = (82 - Step) % 5, d = (83 - Step) % 5,
                       e = (84 - Step) % 5;
    typename Arithmetic::word sum = line[a] + message;
    if (constant != 0) sum += Arithmetic::constant(constant);
    sum += Arithmetic::template mix<Round>(line[b], line[c], line[d]);
    line[a] = Arithmetic::template turn<Bits>(sum) + line[e];
    line[c] = Arithmetic::template turn<10>(line[c]);
}

template <class Arithmetic, size_t... Steps>
[[gnu::always_inline]] inline void all_steps(typename Arithmetic::word* left, typename Arithmetic::word* right,
                                             const typename Arithmetic::word* words,
                                             std::index_sequence<Steps...>) noexcept {
    ((step<Arithmetic, Steps, Steps / 16, left_turn[Steps]>(left, words[left_word[Steps]], left_constant[Steps / 16]),
      step<Arithmetic, Steps, 4 - Steps / 16, right_turn[Steps]>(right, words[right_word[Steps]],
                                                                 right_constant[Steps / 16])),
     ...);
}

template <class Arithmetic>
[[gnu::always_inline]] inline void compress(typename Arithmetic::word* state,
                                            const typename Arithmetic::word* words) noexcept {
    using word = typename Arithmetic::word;
    word left[5] = {state[0], state[1], state[2], state[3], state[4]};
    word right[5] = {state[0], state[1], state[2], state[3], state[4]};
    all_steps<Arithmetic>(left, right, words, std::make_index_sequence<80>());
    // After 80 steps, a multiple of five, every register has its first role again.
    const word first = state[1] + left[2] + right[3];
    state[1] = state[2] + left[3] + right[4];
    state[2] = state[3] + left[4] + right[0];
    state[3] = state[4] + left[0] + right[1];
    state[4] = state[0] + left[1] + right[2];
    state[0] = first;
}

// Words of a message are little-endian, whatever the processor is.
[[gnu::always_inline]] inline uint32_t load_word(const uint8_t* from) noexcept {
    uint32_t word;
    std::memcpy(&word, from, sizeof word);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    word = __builtin_bswap32(word);
#endif
    return word;
}
[[gnu::always_inline]] inline void store_word(uint8_t* to, uint32_t word) noexcept {
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    word = __builtin_bswap32(word);
#endif
    std::memcpy(to, &word, sizeof word);
}

template <class Arithmetic, unsigned Lanes>
[[gnu::always_inline]] inline void hash_lanes(const uint8_t* blocks, uint8_t* digests) noexcept {
    using word = typename Arithmetic::word;
    static_assert(sizeof(word) == Lanes * sizeof(uint32_t));
    alignas(word) uint32_t words[16][Lanes];
    for (unsigned lane = 0; lane < Lanes; ++lane) {
        for (unsigned w = 0; w < 16; ++w) words[w][lane] = load_word(blocks + lane * ripemd_block_size + w * 4);
    }
    word message[16];
    std::memcpy(message, words, sizeof message);
    word state[5];
    for (unsigned i = 0; i < 5; ++i) state[i] = Arithmetic::constant(ripemd_start[i]);
    compress<Arithmetic>(state, message);
    alignas(word) uint32_t out[5][Lanes];
    std::memcpy(out, state, sizeof out);
    for (unsigned lane = 0; lane < Lanes; ++lane) {
        for (unsigned i = 0; i < 5; ++i) store_word(digests + lane * 20 + i * 4, out[i][lane]);
    }
}

}  // namespace
}  // namespace aero::wire
