#include "base/base64.h"

#include <array>

namespace aero {

namespace {

constexpr std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr uint8_t invalid = 0xff;

constexpr std::array<uint8_t, 256> value_of_character = [] {
    std::array<uint8_t, 256> values{};
    values.fill(invalid);
    for (size_t i = 0; i < alphabet.size(); ++i) values[static_cast<uint8_t>(alphabet[i])] = static_cast<uint8_t>(i);
    return values;
}();

uint32_t value_at(std::string_view text, size_t i) noexcept {
    return value_of_character[static_cast<uint8_t>(text[i])];
}

}  // namespace

std::string base64_encode(byte_view bytes) {
    std::string text;
    text.reserve((bytes.size() + 2) / 3 * 4);
    for (size_t i = 0; i < bytes.size(); i += 3) {
        const size_t left = bytes.size() - i;
        const uint32_t three = uint32_t{bytes[i]} << 16 | (left > 1 ? uint32_t{bytes[i + 1]} << 8 : 0) |
                               (left > 2 ? uint32_t{bytes[i + 2]} : 0);
        text += alphabet[three >> 18];
        text += alphabet[three >> 12 & 63];
        text += left > 1 ? alphabet[three >> 6 & 63] : '=';
        text += left > 2 ? alphabet[three & 63] : '=';
    }
    return text;
}

bool base64_decode(std::string_view text, byte_span to) noexcept {
    if (text.size() != (to.size() + 2) / 3 * 4) return false;
    const size_t whole = to.size() / 3;
    uint32_t wrong = 0;
    for (size_t i = 0; i < whole; ++i) {
        const uint32_t a = value_at(text, i * 4), b = value_at(text, i * 4 + 1), c = value_at(text, i * 4 + 2),
                       d = value_at(text, i * 4 + 3);
        wrong |= a | b | c | d;  // values have six bits, the mark of a wrong character has more
        to[i * 3] = static_cast<uint8_t>(a << 2 | b >> 4);
        to[i * 3 + 1] = static_cast<uint8_t>(b << 4 | c >> 2);
        to[i * 3 + 2] = static_cast<uint8_t>(c << 6 | d);
    }
    if (wrong > 63) return false;
    const size_t left = to.size() % 3;
    if (left == 0) return true;
    const std::string_view tail = text.substr(whole * 4);
    const uint32_t a = value_at(tail, 0), b = value_at(tail, 1), c = left == 2 ? value_at(tail, 2) : 0;
    if ((a | b | c) > 63 || tail[3] != '=' || (left == 1 && tail[2] != '=')) return false;
    // Bits that no byte takes must be zero, or two texts would mean the same.
    if (left == 1 ? (b & 15) != 0 : (c & 3) != 0) return false;
    to[whole * 3] = static_cast<uint8_t>(a << 2 | b >> 4);
    if (left == 2) to[whole * 3 + 1] = static_cast<uint8_t>(b << 4 | c >> 2);
    return true;
}

std::optional<std::vector<uint8_t>> base64_decode(std::string_view text) {
    if (text.size() % 4 != 0) return std::nullopt;
    size_t size = text.size() / 4 * 3;
    if (text.ends_with("==")) {
        size -= 2;
    } else if (text.ends_with('=')) {
        size -= 1;
    }
    std::vector<uint8_t> bytes(size);
    if (!base64_decode(text, bytes)) return std::nullopt;
    return bytes;
}

}  // namespace aero
