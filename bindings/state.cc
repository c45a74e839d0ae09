#include "state.h"

#include "convert/policy.h"
#include "errors.h"
#include "results/batch_record.h"
#include "results/lazy_batch.h"
#include "results/row_map.h"
#include "results/timings.h"

namespace aero::py {

constinit module_state the_state;

namespace {

bool load_types() {
    const ref module = ref::take(PyImport_ImportModule("aerospike_py.types"));
    if (!module) return false;
    const auto load = [&](const char* name, PyTypeObject*& to) {
        PyObject* found = PyObject_GetAttrString(module.get(), name);
        if (found != nullptr && (!PyType_Check(found) || !PyType_IsSubtype(as_type(found), &PyTuple_Type))) {
            PyErr_Format(PyExc_TypeError, "aerospike_py.types.%s is not a NamedTuple", name);
            Py_CLEAR(found);
        }
        to = as_type(found);
        return found != nullptr;
    };
    module_state& in = the_state;
    return load("AerospikeKey", in.aerospike_key) && load("RecordMetadata", in.record_metadata) &&
           load("Record", in.record) && load("ExistsResult", in.exists_result) &&
           load("InfoNodeResult", in.info_node_result) && load("BinTuple", in.bin_tuple) &&
           load("OperateOrderedResult", in.operate_ordered_result) && load("BatchRecord", in.batch_record) &&
           load("BatchRetryInfo", in.batch_retry_info) && load("BatchWriteResult", in.batch_write_result);
}

bool intern_words() {
    const auto intern = [](const char* word, PyObject*& to) {
        to = PyUnicode_InternFromString(word);
        return to != nullptr;
    };
    module_state& in = the_state;
    in.no_retry = PyObject_CallNoArgs(as_object(in.batch_retry_info));
    return in.no_retry != nullptr && intern("gen", in.gen) && intern("ttl", in.ttl) && intern("op", in.op) &&
           intern("bin", in.bin) && intern("val", in.val);
}

}  // namespace

bool init_conversions(PyObject* module) {
    return init_errors() && load_types() && intern_words() && init_policies(module) && init_batch_record(module) &&
           init_lazy_batch(module) && init_row_map(module) && init_timings(module);
}

}  // namespace aero::py
