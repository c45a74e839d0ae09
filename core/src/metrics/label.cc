#include "metrics/label.h"

#include <cstdint>

#include "metrics/registry.h"

namespace aero::metrics {

namespace {

// Bytes of the well-formed UTF-8 character at the front, 0 when there is none (Unicode standard, table 3-7).
size_t character_size(std::string_view text) noexcept {
    const auto byte = [&](size_t i) { return static_cast<uint8_t>(text[i]); };
    const auto follows = [&](size_t i, uint8_t low = 0x80, uint8_t high = 0xBF) {
        return i < text.size() && byte(i) >= low && byte(i) <= high;
    };
    const uint8_t first = byte(0);
    if (first < 0x80) return 1;
    if (first >= 0xC2 && first <= 0xDF) return follows(1) ? 2 : 0;
    if (first >= 0xE0 && first <= 0xEF) {
        const uint8_t low = first == 0xE0 ? 0xA0 : 0x80;   // no overlong forms
        const uint8_t high = first == 0xED ? 0x9F : 0xBF;  // no surrogates
        return follows(1, low, high) && follows(2) ? 3 : 0;
    }
    if (first >= 0xF0 && first <= 0xF4) {
        const uint8_t low = first == 0xF0 ? 0x90 : 0x80;
        const uint8_t high = first == 0xF4 ? 0x8F : 0xBF;
        return follows(1, low, high) && follows(2) && follows(3) ? 4 : 0;
    }
    return 0;
}

}  // namespace

std::string clean_label(std::string_view raw) {
    std::string clean;
    clean.reserve(raw.size() < label_bytes_max ? raw.size() : label_bytes_max);
    while (!raw.empty()) {
        const size_t size = character_size(raw);
        const size_t taken = size == 0 ? 1 : size;
        if (clean.size() + taken > label_bytes_max) break;
        if (size == 0) {
            clean += '?';
        } else {
            clean.append(raw.substr(0, size));
        }
        raw.remove_prefix(taken);
    }
    return clean;
}

void append_escaped(std::string& to, std::string_view label) {
    for (const char each : label) {
        switch (each) {
            case '\\': to += "\\\\"; break;
            case '"': to += "\\\""; break;
            case '\n': to += "\\n"; break;
            default: to += each;
        }
    }
}

}  // namespace aero::metrics
