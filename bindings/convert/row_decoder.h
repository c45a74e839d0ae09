// Dicts of bins out of operations, row after row.
//
// Rows of one set have equal bin names in equal order, so each name is compared with the one at its place in the row
// before, and only what differs is looked up. Used by one thread at a time; may be kept for later rows.
#pragma once

#include <array>

#include "base/bytes.h"
#include "convert/bin_names.h"

namespace aero::py {

class row_decoder {
  public:
    // {name: value} of `count` operations; bytes after them are left alone. A new reference, or null with an exception.
    PyObject* bins(byte_view ops, unsigned count);

  private:
    static constexpr unsigned places = 64;  // names at later places are looked up every time

    bool set_bin(PyObject* dict, unsigned place, std::string_view name, PyObject* value);

    std::array<const bin_name*, places> before_{};
};

}  // namespace aero::py
