// Views of bytes and loads and stores in network order. Pure functions, no ownership.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>
#include <span>
#include <string_view>

namespace aero {

using byte_view = std::span<const uint8_t>;
using byte_span = std::span<uint8_t>;

inline byte_view as_bytes(std::string_view text) noexcept {
    return {reinterpret_cast<const uint8_t*>(text.data()), text.size()};
}
inline std::string_view as_text(byte_view bytes) noexcept {
    return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

template <class Integer>
Integer load_be(const uint8_t* from) noexcept {
    Integer value;
    std::memcpy(&value, from, sizeof value);
    if constexpr (std::endian::native == std::endian::little && sizeof value > 1) value = std::byteswap(value);
    return value;
}
template <class Integer>
void store_be(uint8_t* to, Integer value) noexcept {
    if constexpr (std::endian::native == std::endian::little && sizeof value > 1) value = std::byteswap(value);
    std::memcpy(to, &value, sizeof value);
}
template <class Integer>
Integer load_le(const uint8_t* from) noexcept {
    Integer value;
    std::memcpy(&value, from, sizeof value);
    if constexpr (std::endian::native == std::endian::big && sizeof value > 1) value = std::byteswap(value);
    return value;
}
template <class Integer>
void store_le(uint8_t* to, Integer value) noexcept {
    if constexpr (std::endian::native == std::endian::big && sizeof value > 1) value = std::byteswap(value);
    std::memcpy(to, &value, sizeof value);
}

}  // namespace aero
