// What the extension keeps for the life of the process: classes of the package, native types, interned names.
//
// The module loads in the main interpreter only, so there is one state; it is filled while the module executes and only
// read afterwards. Everything in it is owned and never let go.
#pragma once

#include <array>

#include "compat.h"

namespace aero::py {

struct module_state {
    // Classes of `aerospike_py.types`; all are tuples.
    PyTypeObject* aerospike_key = nullptr;
    PyTypeObject* record_metadata = nullptr;
    PyTypeObject* record = nullptr;
    PyTypeObject* exists_result = nullptr;
    PyTypeObject* info_node_result = nullptr;
    PyTypeObject* bin_tuple = nullptr;
    PyTypeObject* operate_ordered_result = nullptr;
    PyTypeObject* batch_record = nullptr;
    PyTypeObject* batch_retry_info = nullptr;
    PyTypeObject* batch_write_result = nullptr;
    PyObject* no_retry = nullptr;  // BatchRetryInfo()

    // Native types (results/, convert/policy.cc).
    PyTypeObject* lazy_batch = nullptr;
    PyTypeObject* native_batch_record = nullptr;
    PyTypeObject* row_map = nullptr;
    PyTypeObject* timings = nullptr;
    PyTypeObject* batch_policy_instance = nullptr;

    // errors.cc
    PyObject* class_for = nullptr;         // aerospike_py.exception.class_for
    std::array<PyObject*, 288> classes{};  // by result code + 32, filled as codes turn up
    PyObject* client_error = nullptr;
    PyObject* invalid_argument = nullptr;
    PyObject* integer_range = nullptr;
    PyObject* rust_panic = nullptr;

    // Interned words.
    PyObject* gen = nullptr;
    PyObject* ttl = nullptr;
    PyObject* op = nullptr;
    PyObject* bin = nullptr;
    PyObject* val = nullptr;
};

// The one state. Valid once `init_conversions` succeeded.
extern module_state the_state;
inline module_state& state() noexcept { return the_state; }

// Fills the state and adds the native types of this part to the module: LazyBatchRecords, BatchPolicyInstance. Called
// from the module's exec slot. False with an exception.
bool init_conversions(PyObject* module);

}  // namespace aero::py
