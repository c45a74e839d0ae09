// Comparing, copying and hashing of short runs of bytes, such as names of bins and sets, without the call that a size
// known only at run time costs. Pure functions. What is longer goes the general way.
#pragma once

#include "base/bytes.h"

namespace aero {

namespace short_bytes {

template <class Word>
Word word_at(const void* from) noexcept {
    Word word;
    std::memcpy(&word, from, sizeof word);
    return word;
}

}  // namespace short_bytes

// Equality of two runs of `size` bytes.
inline bool same_short_bytes(const void* left, const void* right, size_t size) noexcept {
    using short_bytes::word_at;
    const auto* a = static_cast<const uint8_t*>(left);
    const auto* b = static_cast<const uint8_t*>(right);
    if (size >= 8) {
        return word_at<uint64_t>(a) == word_at<uint64_t>(b) &&
               (size <= 16 ? word_at<uint64_t>(a + size - 8) == word_at<uint64_t>(b + size - 8)
                           : std::memcmp(a, b, size) == 0);
    }
    if (size >= 4) {
        return word_at<uint32_t>(a) == word_at<uint32_t>(b) &&
               word_at<uint32_t>(a + size - 4) == word_at<uint32_t>(b + size - 4);
    }
    if (size >= 2) {
        return word_at<uint16_t>(a) == word_at<uint16_t>(b) &&
               word_at<uint16_t>(a + size - 2) == word_at<uint16_t>(b + size - 2);
    }
    return size == 0 || *a == *b;
}
inline bool same_short_text(std::string_view left, std::string_view right) noexcept {
    return left.size() == right.size() && same_short_bytes(left.data(), right.data(), left.size());
}

// Sizes in one batch are alike, so the branches are predicted. REQUIRES: size < 64
inline void copy_short_bytes(uint8_t* to, const uint8_t* from, size_t size) noexcept {
    using short_bytes::word_at;
    if (size >= 32) {
        std::memcpy(to, from, 32);
        to += 32;
        from += 32;
        size -= 32;
    }
    if (size >= 16) {
        std::memcpy(to, from, 16);
        to += 16;
        from += 16;
        size -= 16;
    }
    if (size >= 8) {
        const auto head = word_at<uint64_t>(from), tail = word_at<uint64_t>(from + size - 8);
        std::memcpy(to, &head, 8);
        std::memcpy(to + size - 8, &tail, 8);
    } else if (size >= 4) {
        const auto head = word_at<uint32_t>(from), tail = word_at<uint32_t>(from + size - 4);
        std::memcpy(to, &head, 4);
        std::memcpy(to + size - 4, &tail, 4);
    } else if (size != 0) {
        to[0] = from[0];
        to[size / 2] = from[size / 2];
        to[size - 1] = from[size - 1];
    }
}

// The same for any size, when most are short.
inline void copy_bytes(uint8_t* to, const uint8_t* from, size_t size) noexcept {
    if (size < 64)
        copy_short_bytes(to, from, size);
    else
        std::memcpy(to, from, size);
}

// A hash for tables of our own that live as long as a call or hold a bounded number of entries: texts of up to 16 bytes
// are looked at whole.
inline size_t hash_short_text(std::string_view text) noexcept {
    using short_bytes::word_at;
    constexpr uint64_t odd = 0x9E37'79B9'7F4A'7C15;
    const size_t size = text.size();
    if (size > 16) return std::hash<std::string_view>{}(text);
    const char* at = text.data();
    uint64_t head = 0, tail = 0;
    if (size >= 8) {
        head = word_at<uint64_t>(at);
        tail = word_at<uint64_t>(at + size - 8);
    } else if (size >= 4) {
        head = word_at<uint32_t>(at);
        tail = word_at<uint32_t>(at + size - 4);
    } else if (size != 0) {
        head = static_cast<uint8_t>(at[0]) | unsigned{static_cast<uint8_t>(at[size / 2])} << 8;
        tail = static_cast<uint8_t>(at[size - 1]);
    }
    uint64_t mixed = (head ^ (tail + size) * odd) * odd;
    mixed ^= mixed >> 29;
    return static_cast<size_t>(mixed * odd >> 16);
}

}  // namespace aero
