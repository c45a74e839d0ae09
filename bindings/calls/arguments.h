// Arguments of a native method bound to its parameters, from a vectorcall, without a tuple or a dict in between.
//
// A signature is a constant of the program; `prepare` interns its names once. Bound slots are borrowed from the
// caller's frame: whoever keeps one beyond the call takes a reference of his own.
#pragma once

#include <array>

#include "compat.h"

namespace aero::py {

inline constexpr size_t parameters_max = 7;
using argument_slots = std::array<PyObject*, parameters_max>;

struct signature {
    const char* method;  // "get"
    std::array<const char*, parameters_max> names;
    uint8_t count;
    uint8_t required;
};

// A signature with its names interned: keywords are compared by identity first.
class parameters {
  public:
    constexpr explicit parameters(const signature& of) noexcept : of_(of) {}
    bool prepare();  // while the module executes; false with an exception
    const signature& describes() const noexcept { return of_; }

    // Fills `slots`; what was not given stays null. Otherwise a TypeError in CPython's own words. `owner` is the class.
    bool bind(PyObject* const* given, Py_ssize_t positional, PyObject* keywords, const char* owner,
              argument_slots& slots) const noexcept;

  private:
    int index_of(PyObject* keyword) const noexcept;
    bool too_many(const char* owner, Py_ssize_t positional) const noexcept;
    bool missing(const char* owner, const argument_slots& slots) const noexcept;

    const signature& of_;
    std::array<PyObject*, parameters_max> interned_{};
};

}  // namespace aero::py
