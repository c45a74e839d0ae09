#include "results/row_map.h"

#include <new>
#include <vector>

#include "errors.h"

namespace aero::py {

namespace {

struct row_map {
    PyObject_HEAD
        // Guarded by a critical section of the object; the keys are let go of when the dict is made.
        std::vector<PyObject*>
            keys;  // owned
    PyObject* dict;
    bool plain;  // of the keys, as in batch_keys
};

row_map* as_map(PyObject* self) noexcept { return reinterpret_cast<row_map*>(self); }

// The last of equal keys wins; rows known by their digest only have no key.
ref make_dict(const std::vector<PyObject*>& keys) {
    ref dict = ref::take(new_dict(static_cast<Py_ssize_t>(keys.size())));
    for (size_t row = 0; dict && row < keys.size(); ++row) {
        if (keys[row] == Py_None) continue;
        const ref number = ref::take(PyLong_FromSize_t(row));
        const Py_hash_t hash = number ? PyObject_Hash(keys[row]) : -1;
        if (hash == -1 && PyErr_Occurred() != nullptr) return {};
        if (set_new_item(dict.get(), keys[row], number.get(), hash) != 0) return {};
    }
    return dict;
}

void let_go(std::vector<PyObject*>& keys) noexcept {
    const std::vector<PyObject*> old = std::exchange(keys, {});
    for (PyObject* key : old) Py_DECREF(key);
}

// The dict; a new reference. It is made from references of its own outside the section, because keys of the program's
// own types may run code while they are hashed; of several threads the first one's dict is kept.
PyObject* dict_of(PyObject* object) {
    row_map* const self = as_map(object);
    std::vector<PyObject*> own;
    {
        const critical_section alone(object);
        if (self->dict != nullptr) return new_ref(self->dict);
        own = self->keys;
        for (PyObject* key : own) Py_INCREF(key);
    }
    const ref made = make_dict(own);
    let_go(own);
    if (!made) return nullptr;
    std::vector<PyObject*> done;
    PyObject* kept = nullptr;
    {
        const critical_section alone(object);
        if (self->dict == nullptr) {
            self->dict = made.new_ref();
            done.swap(self->keys);
        }
        kept = new_ref(self->dict);
    }
    let_go(done);
    return kept;
}

Py_ssize_t length(PyObject* self) {
    const ref dict = ref::take(dict_of(self));
    return dict ? PyDict_GET_SIZE(dict.get()) : -1;
}

PyObject* subscript(PyObject* self, PyObject* key) {
    const ref dict = ref::take(dict_of(self));
    return dict ? PyObject_GetItem(dict.get(), key) : nullptr;
}

int contains(PyObject* self, PyObject* key) {
    const ref dict = ref::take(dict_of(self));
    return dict ? PyDict_Contains(dict.get(), key) : -1;
}

PyObject* iterate(PyObject* self) {
    const ref dict = ref::take(dict_of(self));
    return dict ? PyObject_GetIter(dict.get()) : nullptr;
}

PyObject* represent(PyObject* self) {
    const ref dict = ref::take(dict_of(self));
    return dict ? PyObject_Repr(dict.get()) : nullptr;
}

PyObject* compare(PyObject* self, PyObject* other, int how) {
    const ref dict = ref::take(dict_of(self));
    const ref against = dict && Py_IS_TYPE(other, Py_TYPE(self)) ? ref::take(dict_of(other)) : ref::share(other);
    return dict && against ? PyObject_RichCompare(dict.get(), against.get(), how) : nullptr;
}

// get, keys, items and their like are those of the dict.
PyObject* attribute(PyObject* self, PyObject* name) {
    PyObject* found = PyObject_GenericGetAttr(self, name);
    if (found != nullptr || !PyErr_ExceptionMatches(PyExc_AttributeError)) return found;
    PyErr_Clear();
    const ref dict = ref::take(dict_of(self));
    return dict ? PyObject_GetAttr(dict.get(), name) : nullptr;
}

PyObject* reduce(PyObject* self, PyObject*) {
    const ref dict = ref::take(dict_of(self));
    return dict ? Py_BuildValue("O(O)", as_object(&PyDict_Type), dict.get()) : nullptr;
}

int traverse(PyObject* self, visitproc visit, void* arg) {
    Py_VISIT(as_object(Py_TYPE(self)));
    Py_VISIT(as_map(self)->dict);
    if (!as_map(self)->plain) {
        for (PyObject* key : as_map(self)->keys) Py_VISIT(key);
    }
    return 0;
}

int clear(PyObject* self) {
    Py_CLEAR(as_map(self)->dict);
    let_go(as_map(self)->keys);
    return 0;
}

void free_row_map(PyObject* self) {
    PyObject_GC_UnTrack(self);
    clear(self);
    as_map(self)->keys.~vector();
    free_object(self);
}

PyMethodDef methods[] = {
    {"__reduce__", reduce, METH_NOARGS, nullptr},
    {nullptr, nullptr, 0, nullptr},
};

PyType_Slot slots[] = {
    {Py_tp_doc, const_cast<char*>("{user_key: row}, made when somebody looks.")},
    {Py_tp_dealloc, reinterpret_cast<void*>(free_row_map)},
    {Py_tp_traverse, reinterpret_cast<void*>(traverse)},
    {Py_tp_clear, reinterpret_cast<void*>(clear)},
    {Py_tp_repr, reinterpret_cast<void*>(represent)},
    {Py_tp_iter, reinterpret_cast<void*>(iterate)},
    {Py_tp_richcompare, reinterpret_cast<void*>(compare)},
    {Py_tp_hash, reinterpret_cast<void*>(PyObject_HashNotImplemented)},
    {Py_tp_getattro, reinterpret_cast<void*>(attribute)},
    {Py_mp_length, reinterpret_cast<void*>(length)},
    {Py_mp_subscript, reinterpret_cast<void*>(subscript)},
    {Py_sq_contains, reinterpret_cast<void*>(contains)},
    {Py_tp_methods, methods},
    {0, nullptr},
};

PyType_Spec spec = {"aerospike_py._aerospike.RowMap", sizeof(row_map), 0,
                    Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_DISALLOW_INSTANTIATION, slots};

}  // namespace

PyObject* new_row_map(const batch_keys& keys) {
    return guarded([&]() -> PyObject* {
        std::vector<PyObject*> own = keys.user_keys;
        PyObject* const self = the_state.row_map->tp_alloc(the_state.row_map, 0);
        if (self == nullptr) return nullptr;
        for (PyObject* key : own) Py_INCREF(key);
        new (&as_map(self)->keys) std::vector<PyObject*>(std::move(own));
        as_map(self)->plain = keys.plain;
        return self;
    });
}

bool init_row_map(PyObject* module) {
    the_state.row_map = new_type(module, spec);
    return the_state.row_map != nullptr;
}

}  // namespace aero::py
