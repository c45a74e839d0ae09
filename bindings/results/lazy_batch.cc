#include "results/lazy_batch.h"

#include <atomic>
#include <new>

#include "aero/metrics.h"
#include "base/time.h"
#include "convert/record.h"
#include "errors.h"
#include "results/batch_record.h"
#include "results/lazy_batch_object.h"
#include "results/numpy.h"
#include "results/timings.h"

namespace aero::py {

namespace {

// Measures one conversion, when stages are on: into the histogram, and into the timings of a profiled call.
class conversion_timer {
  public:
    conversion_timer(lazy_batch* of, stage which) noexcept
        : of_(of), which_(which), began_(metrics::stages_enabled() ? monotonic_now() : 0) {}
    conversion_timer(const conversion_timer&) = delete;
    conversion_timer& operator=(const conversion_timer&) = delete;

    // Gives `result` back, or lets go of it when the time cannot be noted down.
    PyObject* finish(PyObject* result) {
        if (began_ == 0 || result == nullptr) return result;
        const int64_t spent = monotonic_now() - began_;
        metrics::observe_stage("batch_read", which_, spent);
        if (of_ == nullptr || of_->timings == nullptr || add_timing(of_->timings, which_, spent)) return result;
        Py_DECREF(result);
        return nullptr;
    }

  private:
    lazy_batch* of_;
    stage which_;
    int64_t began_;
};

// Says once per process that sets overwrote each other; false when the filters of the program make that an error.
bool warn_of_collision() {
    static std::atomic<bool> said{false};
    if (said.exchange(true, std::memory_order_relaxed)) return true;
    return PyErr_WarnEx(PyExc_UserWarning,
                        "records of different sets have equal user keys, so the dict form keeps only the last of them; "
                        "use by_set(), to_dict(by=\"key\") or to_list() to keep all",
                        1) == 0;
}

// The cached dict form; a new reference.
PyObject* cached_dict(lazy_batch* self) {
    {
        const critical_section alone(as_python(self));
        if (self->cache != nullptr) return new_ref(self->cache);
    }
    bool collided = false;
    ref made = ref::take(new_user_key_dict(self->reply, self->keys, collided));
    if (!made) return nullptr;
    if (collided && !warn_of_collision()) return nullptr;
    const critical_section alone(as_python(self));
    if (self->cache == nullptr) self->cache = made.new_ref();
    return new_ref(self->cache);
}

PyObject* to_dict(PyObject* object, PyObject* const* arguments, Py_ssize_t positional, PyObject* names) {
    lazy_batch* const self = as_lazy(object);
    const Py_ssize_t named = names == nullptr ? 0 : PyTuple_GET_SIZE(names);
    if (positional + named > 1) {
        return PyErr_Format(PyExc_TypeError, "to_dict() takes at most 1 argument (%zd given)", positional + named);
    }
    if (named == 1 && PyUnicode_CompareWithASCIIString(PyTuple_GET_ITEM(names, 0), "by") != 0) {
        return PyErr_Format(PyExc_TypeError, "to_dict() got an unexpected keyword argument %R",
                            PyTuple_GET_ITEM(names, 0));
    }
    conversion_timer timer(self, stage::to_dict);
    PyObject* const by = positional + named == 1 ? arguments[0] : nullptr;
    const auto is = [by](const char* word) {
        return PyUnicode_Check(by) && PyUnicode_CompareWithASCIIString(by, word) == 0;
    };
    if (by == nullptr || is("user_key")) {
        const ref dict = ref::take(cached_dict(self));
        return timer.finish(dict ? PyDict_Copy(dict.get()) : nullptr);
    }
    if (is("key")) return timer.finish(new_key_dict(self->reply, self->keys));
    return PyErr_Format(PyExc_ValueError, "to_dict(by=...) must be \"user_key\" or \"key\", not %R", by);
}

PyObject* by_set(PyObject* object, PyObject*) {
    lazy_batch* const self = as_lazy(object);
    conversion_timer timer(self, stage::to_dict);
    return timer.finish(new_set_dict(self->reply, self->keys));
}

PyObject* to_list(PyObject* object, PyObject*) {
    lazy_batch* const self = as_lazy(object);
    conversion_timer timer(self, stage::to_dict);
    return timer.finish(new_dict_list(self->reply, self->keys));
}

PyObject* to_numpy(PyObject* object, PyObject* const* arguments, Py_ssize_t positional, PyObject* names) {
    lazy_batch* const self = as_lazy(object);
    const Py_ssize_t named = names == nullptr ? 0 : PyTuple_GET_SIZE(names);
    if (positional + named != 1 ||
        (named == 1 && PyUnicode_CompareWithASCIIString(PyTuple_GET_ITEM(names, 0), "dtype") != 0)) {
        PyErr_SetString(PyExc_TypeError, "to_numpy() takes exactly one argument, dtype");
        return nullptr;
    }
    conversion_timer timer(self, stage::to_numpy);
    return timer.finish(new_numpy_records(self->reply, self->keys, arguments[0]));
}

PyObject* merge_to_dict(PyObject*, PyObject* arguments, PyObject* keywords) {
    static const char* const names[] = {"handles", nullptr};
    PyObject* handles = nullptr;
    if (!PyArg_ParseTupleAndKeywords(arguments, keywords, "O:merge_to_dict", const_cast<char**>(names), &handles)) {
        return nullptr;
    }
    const ref fixed = ref::take(PySequence_Tuple(handles));
    if (!fixed) return nullptr;
    conversion_timer timer(nullptr, stage::merge_to_dict);
    const Py_ssize_t count = PyTuple_GET_SIZE(fixed.get());
    ref merged = ref::take(PyList_New(0));
    for (Py_ssize_t i = 0; merged && i < count; ++i) {
        PyObject* const handle = PyTuple_GET_ITEM(fixed.get(), i);
        if (!Py_IS_TYPE(handle, the_state.lazy_batch)) {
            return PyErr_Format(PyExc_TypeError, "merge_to_dict() takes LazyBatchRecords, not %.80s",
                                Py_TYPE(handle)->tp_name);
        }
        const ref dict = ref::take(cached_dict(as_lazy(handle)));
        const ref copy = ref::take(dict ? PyDict_Copy(dict.get()) : nullptr);
        if (!copy || PyList_Append(merged.get(), copy.get()) != 0) return nullptr;
    }
    return timer.finish(merged.release());
}

PyObject* batch_records(PyObject* object, void*) {
    const size_t count = as_lazy(object)->keys.size();
    ref list = ref::take(PyList_New(static_cast<Py_ssize_t>(count)));
    for (size_t row = 0; list && row < count; ++row) {
        PyObject* const record = new_native_record(object, static_cast<uint32_t>(row));
        if (record == nullptr) return nullptr;
        PyList_SET_ITEM(list.get(), static_cast<Py_ssize_t>(row), record);
    }
    return list.release();
}

PyObject* iter_records(PyObject* object, PyObject*) {
    const ref list = ref::take(batch_records(object, nullptr));
    return list ? PyObject_GetIter(list.get()) : nullptr;
}

PyObject* all_user_keys(PyObject* object, PyObject*) {
    const std::vector<PyObject*>& keys = as_lazy(object)->keys.user_keys;
    PyObject* list = PyList_New(static_cast<Py_ssize_t>(keys.size()));
    for (size_t row = 0; list != nullptr && row < keys.size(); ++row) {
        PyList_SET_ITEM(list, static_cast<Py_ssize_t>(row), new_ref(keys[row]));
    }
    return list;
}

PyObject* found_count(PyObject* object, PyObject*) {
    size_t found = 0;
    for (const row_result& row : as_lazy(object)->reply.rows) found += row.ok();
    return PyLong_FromSize_t(found);
}

PyObject* release_cache(PyObject* object, PyObject*) {
    lazy_batch* const self = as_lazy(object);
    ref let_go;
    {
        const critical_section alone(object);
        let_go = ref::take(std::exchange(self->cache, nullptr));
    }
    Py_RETURN_NONE;
}

PyObject* timings(PyObject* object, void*) {
    PyObject* const held = as_lazy(object)->timings;
    return held == nullptr ? new_ref(Py_None) : timings_dict(held);
}

// ---- the dict form as a mapping -------------------------------------------------------------------------------------

template <const char* Method>
PyObject* view(PyObject* object, PyObject*) {
    const ref dict = ref::take(cached_dict(as_lazy(object)));
    return dict ? PyObject_CallMethod(dict.get(), Method, nullptr) : nullptr;
}
constexpr char items_name[] = "items", keys_name[] = "keys", values_name[] = "values";

PyObject* iterate(PyObject* object) {
    const ref dict = ref::take(cached_dict(as_lazy(object)));
    return dict ? PyObject_GetIter(dict.get()) : nullptr;
}

Py_ssize_t length(PyObject* object) {
    lazy_batch* const self = as_lazy(object);
    const std::atomic_ref known(self->length);
    Py_ssize_t count = known.load(std::memory_order_relaxed);
    if (count < 0) {
        count = count_user_keys(self->reply, self->keys);
        known.store(count, std::memory_order_relaxed);
    }
    return count;
}

PyObject* subscript(PyObject* object, PyObject* key) {
    const ref dict = ref::take(cached_dict(as_lazy(object)));
    ref value;
    if (!dict || dict_item(dict.get(), key, value) < 0) return nullptr;
    if (value) return value.release();
    const ref argument = ref::take(PyTuple_Pack(1, key));  // a tuple as key would become several arguments
    if (argument) PyErr_SetObject(PyExc_KeyError, argument.get());
    return nullptr;
}

int contains(PyObject* object, PyObject* key) {
    const ref dict = ref::take(cached_dict(as_lazy(object)));
    return dict ? PyDict_Contains(dict.get(), key) : -1;
}

PyObject* get(PyObject* object, PyObject* arguments, PyObject* keywords) {
    static const char* const names[] = {"key", "default", nullptr};
    PyObject *key = nullptr, *fallback = Py_None;
    if (!PyArg_ParseTupleAndKeywords(arguments, keywords, "O|O:get", const_cast<char**>(names), &key, &fallback)) {
        return nullptr;
    }
    const ref dict = ref::take(cached_dict(as_lazy(object)));
    ref value;
    if (!dict || dict_item(dict.get(), key, value) < 0) return nullptr;
    return value ? value.release() : new_ref(fallback);
}

PyObject* represent(PyObject* object) {
    const lazy_batch* const self = as_lazy(object);
    size_t found = 0;
    for (const row_result& row : self->reply.rows) found += row.ok();
    return PyUnicode_FromFormat("LazyBatchRecords(count=%zu, found=%zu)", self->keys.size(), found);
}

// ---- life -----------------------------------------------------------------------------------------------------------

int traverse(PyObject* object, visitproc visit, void* arg) {
    lazy_batch* const self = as_lazy(object);
    Py_VISIT(as_object(Py_TYPE(object)));
    Py_VISIT(self->cache);
    if (!self->keys.plain) {
        for (PyObject* key : self->keys.user_keys) Py_VISIT(key);
    }
    return 0;
}

int clear(PyObject* object) {
    lazy_batch* const self = as_lazy(object);
    Py_CLEAR(self->cache);
    Py_CLEAR(self->timings);
    return 0;  // keys are cleared with the object: its rows and keys always agree
}

void free_lazy_batch(PyObject* object) {
    lazy_batch* const self = as_lazy(object);
    PyObject_GC_UnTrack(object);
    clear(object);
    self->keys.~batch_keys();
    self->reply.~batch_reply();
    free_object(object);
}

template <class Function>
PyCFunction as_method(Function* function) noexcept {
    return reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(function));
}

PyMethodDef methods[] = {
    {"to_dict", as_method(to_dict), METH_FASTCALL | METH_KEYWORDS,
     "to_dict($self, /, by='user_key')\n--\n\n"
     "{user_key: bins} of the records found; by='key': {(namespace, set, user_key): bins}."},
    {"by_set", by_set, METH_NOARGS, "by_set($self, /)\n--\n\n{set: {user_key: bins}} of the records found."},
    {"to_list", to_list, METH_NOARGS,
     "to_list($self, /)\n--\n\nOne dict per requested key, in order; None where no record was found."},
    {"to_numpy", as_method(to_numpy), METH_FASTCALL | METH_KEYWORDS,
     "to_numpy($self, /, dtype)\n--\n\nThe records as NumpyBatchRecords; fields are named after bins."},
    {"merge_to_dict", as_method(merge_to_dict), METH_VARARGS | METH_KEYWORDS | METH_STATIC,
     "merge_to_dict(handles)\n--\n\nThe dict forms of several results, converted in one go."},
    {"iter_records", iter_records, METH_NOARGS,
     "iter_records($self, /)\n--\n\nAn iterator over the records, in the order of the request."},
    {"all_user_keys", all_user_keys, METH_NOARGS,
     "all_user_keys($self, /)\n--\n\nThe user key of every requested key; None where only a digest is known."},
    {"found_count", found_count, METH_NOARGS,
     "found_count($self, /)\n--\n\nHow many records were found; duplicates count each time."},
    {"release_cache", release_cache, METH_NOARGS,
     "release_cache($self, /)\n--\n\nLet go of the dict form that the first to_dict() keeps."},
    {"items", view<items_name>, METH_NOARGS, "items($self, /)\n--\n\nThe items of the dict form."},
    {"keys", view<keys_name>, METH_NOARGS, "keys($self, /)\n--\n\nThe user keys of the dict form."},
    {"values", view<values_name>, METH_NOARGS, "values($self, /)\n--\n\nThe bins of the dict form."},
    {"get", as_method(get), METH_VARARGS | METH_KEYWORDS,
     "get($self, /, key, default=None)\n--\n\nThe bins of a user key."},
    {"__reduce__", reduce_lazy_batch, METH_NOARGS, nullptr},
    {"_restore", restore_lazy_batch, METH_VARARGS | METH_CLASS, nullptr},
    {nullptr, nullptr, 0, nullptr},
};

PyGetSetDef properties[] = {
    {"batch_records", batch_records, nullptr, "One record per requested key, in order.", nullptr},
    {"timings", timings, nullptr, "Stage label -> seconds of a profiled call; None otherwise.", nullptr},
    {nullptr, nullptr, nullptr, nullptr, nullptr},
};

PyType_Slot slots[] = {
    {Py_tp_doc, const_cast<char*>("Result of batch_read: the bytes that arrived, decoded when asked.")},
    {Py_tp_dealloc, reinterpret_cast<void*>(free_lazy_batch)},
    {Py_tp_traverse, reinterpret_cast<void*>(traverse)},
    {Py_tp_clear, reinterpret_cast<void*>(clear)},
    {Py_tp_repr, reinterpret_cast<void*>(represent)},
    {Py_tp_iter, reinterpret_cast<void*>(iterate)},
    {Py_mp_length, reinterpret_cast<void*>(length)},
    {Py_mp_subscript, reinterpret_cast<void*>(subscript)},
    {Py_sq_contains, reinterpret_cast<void*>(contains)},
    {Py_tp_methods, methods},
    {Py_tp_getset, properties},
    {0, nullptr},
};

PyType_Spec spec = {"aerospike_py._aerospike.LazyBatchRecords", sizeof(lazy_batch), 0,
                    Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_DISALLOW_INSTANTIATION, slots};

}  // namespace

PyObject* make_lazy_batch(module_state& in, batch_reply&& reply, batch_keys&& keys, PyObject* timings) {
    PyObject* const object = in.lazy_batch->tp_alloc(in.lazy_batch, 0);
    if (object == nullptr) return nullptr;
    lazy_batch* const self = as_lazy(object);
    new (&self->reply) batch_reply(std::move(reply));
    new (&self->keys) batch_keys(std::move(keys));
    Py_XINCREF(timings);
    self->timings = timings;
    self->length = -1;
    self->made_at_s = unix_now();
    return object;
}

bool init_lazy_batch(PyObject* module) {
    the_state.lazy_batch = new_type(module, spec);
    return the_state.lazy_batch != nullptr && PyModule_AddType(module, the_state.lazy_batch) == 0;
}

}  // namespace aero::py
