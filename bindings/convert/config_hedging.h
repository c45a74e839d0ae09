// The key `hedged_reads` of the client's configuration: a dict that says when a read asks a second replica, and how
// often.
#pragma once

#include "aero/config.h"
#include "compat.h"

namespace aero::py {

// Reads the dict; None leaves it off. False with an exception.
bool parse_hedging(PyObject* given, hedge_config& to);

}  // namespace aero::py
