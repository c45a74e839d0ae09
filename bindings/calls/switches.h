// Functions of the module that are about no client: metrics, stage profiling, logs. Safe from any thread.
#pragma once

#include "compat.h"

namespace aero::py {

extern PyMethodDef switch_methods[];

}  // namespace aero::py
