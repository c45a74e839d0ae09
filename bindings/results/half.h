// IEEE half precision, which neither the compilers in use nor all CPythons offer. Pure functions.
#pragma once

#include <bit>
#include <cmath>
#include <cstdint>

namespace aero::py {

// Rounds to nearest, ties to even; too large numbers become infinite, as NumPy has it.
inline uint16_t half_from(double value) noexcept {
    constexpr int smallest_exponent = -14, mantissa_bits = 10;
    const auto sign = static_cast<uint16_t>(std::signbit(value) ? 0x8000 : 0);
    if (std::isnan(value)) return sign | 0x7e00;
    const double size = std::fabs(value);
    if (size >= 65520.0) return sign | 0x7c00;
    if (size == 0.0) return sign;
    int exponent = std::ilogb(size);
    if (exponent < smallest_exponent) exponent = smallest_exponent;  // subnormal: fixed scale
    // Units of the last place; exact, since scaling by a power of two loses nothing.
    const auto units = static_cast<unsigned>(std::nearbyint(std::ldexp(size, mantissa_bits - exponent)));
    // A normal number has 1024 .. 2048 units; rounding up to 2048 carries into the exponent by itself.
    const int biased = exponent - smallest_exponent;
    return static_cast<uint16_t>(sign + (static_cast<unsigned>(biased) << mantissa_bits) + units);
}

inline double double_from(uint16_t half) noexcept {
    const int exponent = half >> 10 & 0x1f;
    const int mantissa = half & 0x3ff;
    double size = 0;
    if (exponent == 0x1f) {
        size = mantissa != 0 ? std::nan("") : HUGE_VAL;
    } else if (exponent == 0) {
        size = std::ldexp(mantissa, -24);
    } else {
        size = std::ldexp(mantissa + 1024, exponent - 25);
    }
    return (half & 0x8000) != 0 ? -size : size;
}

}  // namespace aero::py
