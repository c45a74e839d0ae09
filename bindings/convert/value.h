// Values of bins: Python objects to particle bytes and back.
//
// Functions that return bool give false with an exception set; those that return objects give new references or null.
#pragma once

#include "base/buffer.h"
#include "compat.h"
#include "wire/protocol.h"

namespace aero::py {

// Appends the particle bytes of `value` and names their type. None is the null particle.
bool append_value(PyObject* value, buffer& to, wire::particle& type);
// Appends one operation with `value`. REQUIRES: name.size() <= 255
bool append_value_op(buffer& to, wire::op_code code, std::string_view name, PyObject* value);
// A bin's name: a str of at most 15 bytes.
bool bin_name_of(PyObject* name, std::string_view& to);

// The object for a particle. Bytes that the protocol does not allow are a ClusterError, language blobs a
// RustPanicError.
PyObject* new_value(wire::particle type, byte_view bytes);

}  // namespace aero::py
