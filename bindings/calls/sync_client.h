// The type `Client`: calls that run on the calling thread.
//
// Arguments are read and results are made with the GIL held; in between it is let go, from the last Python object read
// to the first one made. Any number of threads may share a client.
#pragma once

#include "compat.h"

namespace aero::py {

bool add_sync_client(PyObject* module);  // false with an exception

}  // namespace aero::py
