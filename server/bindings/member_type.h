// The type `aerospike_py._server.Member`: one process of a cluster of processes.
#pragma once

#define PY_SSIZE_T_CLEAN
#include <Python.h>

namespace aero_server {

int add_member_type(PyObject* module);  // -1 with an exception

}  // namespace aero_server
