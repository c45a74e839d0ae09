// Names of bins as interned strs, found by their bytes.
//
// Programs use few bin names and use them over and over. The table keeps each name for good, up to a limit; names
// beyond it become new strs every time. Threads: any, attached to the interpreter; entries never change once they are
// seen.
#pragma once

#include <cstring>
#include <string_view>

#include "compat.h"
#include "wire/protocol.h"

namespace aero::py {

// Equality of two short texts of `size` bytes, without the call that a comparison of unknown size costs.
inline bool same_short_bytes(const char* left, const char* right, size_t size) noexcept {
    const auto word = [](const char* from, auto of) noexcept {
        std::memcpy(&of, from, sizeof of);
        return of;
    };
    if (size >= 8) {
        return word(left, uint64_t{}) == word(right, uint64_t{}) &&
               (size <= 16 ? word(left + size - 8, uint64_t{}) == word(right + size - 8, uint64_t{})
                           : std::memcmp(left, right, size) == 0);
    }
    if (size >= 4) {
        return word(left, uint32_t{}) == word(right, uint32_t{}) &&
               word(left + size - 4, uint32_t{}) == word(right + size - 4, uint32_t{});
    }
    for (size_t i = 0; i < size; ++i) {
        if (left[i] != right[i]) return false;
    }
    return true;
}

struct bin_name {
    PyObject* text = nullptr;  // owned for the life of the process
    Py_hash_t hash = 0;
    uint8_t size = 0;
    char bytes[wire::bin_name_size_max];

    bool is(std::string_view name) const noexcept {
        return name.size() == size && same_short_bytes(name.data(), bytes, size);
    }
};

// Null without an exception when the table is full or the name too long; null with one when memory is short.
const bin_name* find_bin_name(std::string_view name);
// The same as a str; a new reference, or null with an exception.
PyObject* new_bin_name(std::string_view name);

}  // namespace aero::py
