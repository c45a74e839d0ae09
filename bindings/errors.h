// The one place where errors of the core become Python exceptions.
//
// Every function wants an attached thread state. `raise` forms set the exception and give null, so that they can be
// returned: `return raise(failure, "get");`
#pragma once

#include <new>

#include "aero/error.h"
#include "compat.h"

namespace aero::py {

// A new exception for `what`, not raised: class by result code, attributes result_code, in_doubt, node, attempts,
// stage. Null with an exception (of memory) set.
PyObject* make_exception(const error& what, const char* operation);
PyObject* raise(const error& what, const char* operation);

// Errors that arise in the bindings themselves; texts are those of PyErr_Format and stand alone, without a code in
// front.
PyObject* raise_client_error(const char* format, ...);
PyObject* raise_invalid_argument(const char* format, ...);
PyObject* raise_integer_range(PyObject* value);  // IntegerRangeError: an int outside 64 bits
// A value whose type is not one of ours: a RustPanicError for objects that other languages serialized, a bad reply for
// numbers that mean nothing.
PyObject* raise_unreadable(unsigned particle_type);
PyObject* raise_bad_reply(const char* what);  // bytes that the protocol does not allow; `what` they are of

// "GenerationError" and its kin for the `error_type` label; empty for ok.
inline std::string_view error_kind(code what) noexcept { return what == code::ok ? std::string_view{} : name_of(what); }

// Runs what may run out of memory in C++ code; std::bad_alloc becomes MemoryError and `failed`.
template <class Body, class Result = decltype(std::declval<Body>()())>
Result guarded(Body&& body, Result failed = Result{}) noexcept {
    try {
        return body();
    } catch (const std::bad_alloc&) {
        PyErr_NoMemory();
    }
    return failed;
}

bool init_errors();  // part of init_conversions

}  // namespace aero::py
