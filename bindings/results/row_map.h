// {user_key: row} of a batch as NumPy arrays, made when somebody looks: most callers take rows by position.
//
// Behaves like the dict it becomes and pickles as one. Threads: made once under a critical section of the object.
#pragma once

#include "convert/key.h"
#include "state.h"

namespace aero::py {

PyObject* new_row_map(const batch_keys& keys);  // a new reference, or null with an exception

bool init_row_map(PyObject* module);  // part of init_conversions

}  // namespace aero::py
