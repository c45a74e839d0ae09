#include "results/batch_record.h"

#include "convert/record.h"
#include "convert/row_decoder.h"
#include "errors.h"
#include "results/lazy_batch_object.h"

namespace aero::py {

namespace {

// What `keys` says of a row, as an AerospikeKey.
PyObject* new_row_key(const batch_keys& keys, size_t row) {
    const batch_keys::group& group = keys.group_of(row);
    digest which;
    if (!keys.digest_of(row, which)) return nullptr;
    return new_aerospike_key(group.name_space.get(), group.set.get(), keys.user_keys[row], which);
}

PyObject* new_row_bins(const batch_reply& reply, const row_result& row, row_decoder& decoder) {
    return row.op_count == 0 ? PyDict_New() : decoder.bins(reply.ops_of(row), row.op_count);
}

// ---- the native record ----------------------------------------------------------------------------------------------

struct native_record {
    PyObject_HEAD PyObject* batch;  // the LazyBatchRecords it belongs to; null when the record was unpickled
    PyObject* key;  // guarded by a critical section of the object, like `record`; null before somebody asked
    PyObject* record;
    uint32_t row;
    int result;
    bool in_doubt;
};

native_record* as_record(PyObject* self) noexcept { return reinterpret_cast<native_record*>(self); }

// The value of a field that is made when somebody asks first; a new reference.
PyObject* made_once(PyObject* self, PyObject*& field, PyObject* (*make)(native_record*)) {
    {
        const critical_section alone(self);
        if (field != nullptr) return new_ref(field);
    }
    ref made = ref::take(make(as_record(self)));
    if (!made) return nullptr;
    const critical_section alone(self);
    if (field == nullptr) field = made.release();
    return new_ref(field);
}

PyObject* make_key(native_record* self) { return new_row_key(as_lazy(self->batch)->keys, self->row); }

PyObject* key_of(PyObject* self, void*) { return made_once(self, as_record(self)->key, make_key); }

PyObject* new_meta_dict(const row_result& row, int64_t now_s) {
    const ref meta = ref::take(new_metadata(row.generation, row.void_time, now_s));
    const ref dict = ref::take(meta ? PyDict_New() : nullptr);
    if (!dict || PyDict_SetItem(dict.get(), the_state.gen, PyTuple_GET_ITEM(meta.get(), 0)) != 0 ||
        PyDict_SetItem(dict.get(), the_state.ttl, PyTuple_GET_ITEM(meta.get(), 1)) != 0) {
        return nullptr;
    }
    return dict.new_ref();
}

PyObject* make_record(native_record* self) {
    if (self->result != 0) return new_ref(Py_None);
    const lazy_batch* const batch = as_lazy(self->batch);
    const row_result& row = batch->reply.rows[self->row];
    row_decoder decoder;
    const ref key = ref::take(key_of(reinterpret_cast<PyObject*>(self), nullptr));
    const ref meta = ref::take(key ? new_meta_dict(row, batch->made_at_s) : nullptr);
    const ref bins = ref::take(meta ? new_row_bins(batch->reply, row, decoder) : nullptr);
    return bins ? PyTuple_Pack(3, key.get(), meta.get(), bins.get()) : nullptr;
}

PyObject* record_of(PyObject* self, void*) { return made_once(self, as_record(self)->record, make_record); }

PyObject* result_of(PyObject* self, void*) { return PyLong_FromLong(as_record(self)->result); }

PyObject* in_doubt_of(PyObject* self, void*) { return PyBool_FromLong(as_record(self)->in_doubt); }

PyObject* represent(PyObject* self) {
    const ref key = ref::take(key_of(self, nullptr));
    if (!key) return nullptr;
    return PyUnicode_FromFormat("BatchRecord(key=%R, result=%d, in_doubt=%s)", key.get(), as_record(self)->result,
                                as_record(self)->in_doubt ? "True" : "False");
}

PyObject* reduce(PyObject* self, PyObject*) {
    const ref key = ref::take(key_of(self, nullptr));
    const ref record = ref::take(key ? record_of(self, nullptr) : nullptr);
    if (!record) return nullptr;
    return Py_BuildValue("O(OiOi)", Py_TYPE(self), key.get(), as_record(self)->result, record.get(),
                         as_record(self)->in_doubt ? 1 : 0);
}

// For unpickling: (key, result, record, in_doubt).
PyObject* make_from_parts(PyTypeObject* type, PyObject* arguments, PyObject* keywords) {
    PyObject *key = nullptr, *record = nullptr;
    int result = 0, in_doubt = 0;
    if (keywords != nullptr && PyDict_GET_SIZE(keywords) != 0) {
        return PyErr_Format(PyExc_TypeError, "a batch record takes no keyword arguments");
    }
    if (!PyArg_ParseTuple(arguments, "OiOi:NativeBatchRecord", &key, &result, &record, &in_doubt)) return nullptr;
    PyObject* const self = type->tp_alloc(type, 0);
    if (self == nullptr) return nullptr;
    as_record(self)->key = new_ref(key);
    as_record(self)->record = new_ref(record);
    as_record(self)->result = result;
    as_record(self)->in_doubt = in_doubt != 0;
    return self;
}

int traverse(PyObject* self, visitproc visit, void* arg) {
    Py_VISIT(as_object(Py_TYPE(self)));
    Py_VISIT(as_record(self)->batch);
    Py_VISIT(as_record(self)->key);
    Py_VISIT(as_record(self)->record);
    return 0;
}

// The batch stays: what has not been asked for yet is made from it. It refers to no record, so no cycle goes through
// it.
int clear(PyObject* self) {
    Py_CLEAR(as_record(self)->record);
    if (as_record(self)->batch == nullptr) as_record(self)->record = new_ref(Py_None);
    return 0;
}

void free_record(PyObject* self) {
    PyObject_GC_UnTrack(self);
    Py_CLEAR(as_record(self)->batch);
    Py_CLEAR(as_record(self)->key);
    Py_CLEAR(as_record(self)->record);
    free_object(self);
}

PyMethodDef methods[] = {
    {"__reduce__", reduce, METH_NOARGS, nullptr},
    {nullptr, nullptr, 0, nullptr},
};

PyGetSetDef properties[] = {
    {"key", key_of, nullptr, "(namespace, set, user key, digest)", nullptr},
    {"result", result_of, nullptr, "Result code; 0 = found.", nullptr},
    {"record", record_of, nullptr, "(key, {'gen': .., 'ttl': ..}, bins), or None.", nullptr},
    {"in_doubt", in_doubt_of, nullptr, "Whether a write may have happened despite the error.", nullptr},
    {nullptr, nullptr, nullptr, nullptr, nullptr},
};

PyType_Slot slots[] = {
    {Py_tp_doc, const_cast<char*>("Outcome of one key of batch_read.")},
    {Py_tp_new, reinterpret_cast<void*>(make_from_parts)},
    {Py_tp_dealloc, reinterpret_cast<void*>(free_record)},
    {Py_tp_traverse, reinterpret_cast<void*>(traverse)},
    {Py_tp_clear, reinterpret_cast<void*>(clear)},
    {Py_tp_repr, reinterpret_cast<void*>(represent)},
    {Py_tp_methods, methods},
    {Py_tp_getset, properties},
    {0, nullptr},
};

PyType_Spec spec = {"aerospike_py._aerospike.NativeBatchRecord", sizeof(native_record), 0,
                    Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC, slots};

// ---- the records of writing calls -----------------------------------------------------------------------------------

// The Record of a row that succeeded, or None.
PyObject* new_row_record(const batch_reply& reply, const row_result& row, PyObject* key, row_decoder& decoder,
                         int64_t now_s) {
    if (!row.ok()) return new_ref(Py_None);
    PyObject* const bins = new_row_bins(reply, row, decoder);
    if (bins == nullptr) return nullptr;
    return new_tuple(the_state.record, {new_ref(key), new_metadata(row.generation, row.void_time, now_s), bins});
}

PyObject* new_retry_info(const retry_report& retry) {
    if (retry.attempts == 1 && retry.attempts_max == 1 && !retry.truncated_by_timeout && retry.unresolved == 0) {
        return new_ref(the_state.no_retry);
    }
    return new_tuple(the_state.batch_retry_info,
                     {PyLong_FromLong(retry.attempts), PyLong_FromLong(retry.attempts_max),
                      PyBool_FromLong(retry.truncated_by_timeout), PyLong_FromLong(retry.unresolved)});
}

}  // namespace

PyObject* new_native_record(PyObject* batch, uint32_t row) {
    PyObject* const self = the_state.native_batch_record->tp_alloc(the_state.native_batch_record, 0);
    if (self == nullptr) return nullptr;
    const row_result& found = as_lazy(batch)->reply.rows[row];
    as_record(self)->batch = new_ref(batch);
    as_record(self)->row = row;
    as_record(self)->result = found.code;
    as_record(self)->in_doubt = found.in_doubt();
    return self;
}

PyObject* new_batch_write_result(const batch_reply& reply, const batch_keys& keys, const retry_report& retry) {
    const int64_t now_s = unix_now();
    row_decoder decoder;
    ref list = ref::take(PyList_New(static_cast<Py_ssize_t>(keys.size())));
    for (size_t i = 0; list && i < keys.size(); ++i) {
        const row_result& row = reply.rows[i];
        const ref key = ref::take(new_row_key(keys, i));
        const ref record = ref::take(key ? new_row_record(reply, row, key.get(), decoder, now_s) : nullptr);
        if (!record) return nullptr;
        PyObject* const made = new_tuple(the_state.batch_record, {key.new_ref(), PyLong_FromLong(row.code),
                                                                  record.new_ref(), PyBool_FromLong(row.in_doubt())});
        if (made == nullptr) return nullptr;
        PyList_SET_ITEM(list.get(), static_cast<Py_ssize_t>(i), made);
    }
    return list ? new_tuple(the_state.batch_write_result, {list.release(), new_retry_info(retry)}) : nullptr;
}

bool init_batch_record(PyObject* module) {
    the_state.native_batch_record = new_type(module, spec);
    return the_state.native_batch_record != nullptr && PyModule_AddType(module, the_state.native_batch_record) == 0;
}

}  // namespace aero::py
