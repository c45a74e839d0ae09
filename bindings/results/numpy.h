// Batches and NumPy arrays. NumPy's headers are not needed: it is imported when asked for, arrays are filled and read
// through the buffer protocol, and dtypes are read by their Python attributes.
#pragma once

#include "aero/request.h"
#include "convert/key.h"
#include "state.h"

namespace aero::py {

// A NumpyBatchRecords of the given dtype; filled with the GIL released. A new reference, or null with an exception.
PyObject* new_numpy_records(const batch_reply& reply, const batch_keys& keys, PyObject* dtype);

}  // namespace aero::py
