// The type `AsyncClient`: calls that run on the caller's event loop.
//
// Methods give awaitables (calls/awaitable.h). One client may serve several loops, each in its own thread; each loop
// gets a host of its own (calls/loop_host.h) at its first call.
#pragma once

#include "compat.h"

namespace aero::py {

bool add_async_client(PyObject* module);  // false with an exception

}  // namespace aero::py
