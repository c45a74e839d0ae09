// A structured NumPy dtype as plain numbers, read by its Python attributes and remembered for the next call.
//
// Threads: `dtype_layout_of` wants an attached thread; a layout never changes and may be used without the GIL.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "compat.h"

namespace aero::py {

enum class field_kind : uint8_t { signed_integer, unsigned_integer, floating, text, raw };

struct dtype_field {
    std::string name;
    size_t offset = 0;
    size_t width = 0;
    field_kind kind = field_kind::raw;
    bool swapped = false;  // the other byte order
};

struct dtype_layout {
    std::vector<dtype_field> fields;
    size_t row_size = 0;
};

// Null with a TypeError when `dtype` is not a structured numpy.dtype, or has a field that bins cannot be copied into.
std::shared_ptr<const dtype_layout> dtype_layout_of(PyObject* dtype);

PyObject* numpy_module();  // borrowed; null with an exception when NumPy is not there

// The bytes of a one-dimensional, C-contiguous array, for as long as this object lives.
class array_bytes {
  public:
    array_bytes() = default;
    array_bytes(const array_bytes&) = delete;
    array_bytes& operator=(const array_bytes&) = delete;
    ~array_bytes();
    // False with an exception. REQUIRES: no objects in the array
    bool open(PyObject* array, bool writable);
    uint8_t* data() const noexcept { return static_cast<uint8_t*>(view_.buf); }
    size_t size() const noexcept { return static_cast<size_t>(view_.len); }

  private:
    Py_buffer view_{};
};

}  // namespace aero::py
