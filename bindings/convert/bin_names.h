// Names of bins as interned strs, found by their bytes.
//
// Programs use few bin names and use them over and over. The table keeps each name for good, up to a limit; names
// beyond it become new strs every time. Threads: any, attached to the interpreter; entries never change once they are
// seen.
#pragma once

#include <string_view>

#include "base/short_bytes.h"
#include "compat.h"
#include "wire/protocol.h"

namespace aero::py {

struct bin_name {
    PyObject* text = nullptr;  // owned for the life of the process
    Py_hash_t hash = 0;
    uint8_t size = 0;
    char bytes[wire::bin_name_size_max];

    bool is(std::string_view name) const noexcept { return same_short_text(name, {bytes, size}); }
};

// Null without an exception when the table is full or the name too long; null with one when memory is short.
const bin_name* find_bin_name(std::string_view name);
// The same as a str; a new reference, or null with an exception.
PyObject* new_bin_name(std::string_view name);

}  // namespace aero::py
