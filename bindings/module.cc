// The extension module `aerospike_py._aerospike`: what it consists of, in the order in which it comes to be.
#include "calls/async_client.h"
#include "calls/awaitable.h"
#include "calls/client_object.h"
#include "calls/life_cycle.h"
#include "calls/loop_host.h"
#include "calls/operations.h"
#include "calls/stages.h"
#include "calls/switches.h"
#include "calls/sync_client.h"
#include "state.h"

namespace aero::py {
namespace {

// The state of the extension is that of the process; a second interpreter in it would share Python objects with the
// first.
bool refuse_subinterpreter() {
    if (PyInterpreterState_Get() == PyInterpreterState_Main()) return true;
    PyErr_SetString(PyExc_ImportError, "aerospike_py works in the main interpreter only, not in a subinterpreter");
    return false;
}

PyObject* at_exit(PyObject*, PyObject*) {
    close_all_clients();
    Py_RETURN_NONE;
}

// Native threads end before the interpreter does.
bool close_at_exit() {
    static PyMethodDef method{"close_all_clients", at_exit, METH_NOARGS, nullptr};
    const ref atexit = ref::take(PyImport_ImportModule("atexit"));
    const ref function = ref::take(PyCFunction_New(&method, nullptr));
    if (!atexit || !function) return false;
    return bool(ref::take(PyObject_CallMethod(atexit.get(), "register", "O", function.get())));
}

int exec(PyObject* module) {
    const bool fine = refuse_subinterpreter() && init_life_cycle() && init_stages() && init_operations() &&
                      connect_parameters.prepare() && init_conversions(module) && add_sync_client(module) &&
                      add_call(module) && add_loop_host(module) && add_async_client(module) &&
                      PyModule_AddFunctions(module, switch_methods) == 0 && close_at_exit();
    return fine ? 0 : -1;
}

PyModuleDef_Slot slots[] = {{Py_mod_exec, reinterpret_cast<void*>(exec)},
#ifdef Py_mod_multiple_interpreters
                            {Py_mod_multiple_interpreters, Py_MOD_MULTIPLE_INTERPRETERS_NOT_SUPPORTED},
#endif
#ifdef Py_mod_gil
                            {Py_mod_gil, Py_MOD_GIL_NOT_USED},
#endif
                            {0, nullptr}};

PyModuleDef definition{PyModuleDef_HEAD_INIT,
                       "aerospike_py._aerospike",
                       "The native part of aerospike_py.",
                       0,
                       nullptr,
                       slots,
                       nullptr,
                       nullptr,
                       nullptr};

}  // namespace
}  // namespace aero::py

PyMODINIT_FUNC PyInit__aerospike() { return PyModuleDef_Init(&aero::py::definition); }
