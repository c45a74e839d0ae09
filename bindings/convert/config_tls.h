// The key `tls` of the client's configuration: a dict of the names that clients of this database use for it.
#pragma once

#include <vector>

#include "aero/config.h"
#include "compat.h"

namespace aero::py {

// Reads the dict; None and {} leave TLS off, anything else switches it on unless it says `enable: False`. Keys that
// nobody knows are collected. False with an exception.
bool parse_tls(PyObject* given, tls_config& to, std::vector<ref>& unknown);

}  // namespace aero::py
