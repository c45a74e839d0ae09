// The Python type of calls: allocation, and the protocols of futures and coroutines over the states of awaitable.h.
#pragma once

#include "calls/awaitable.h"

namespace aero::py {

// An empty call in state waiting; null with an exception.
call_object* allocate_call();

}  // namespace aero::py
