// What differs between CPython 3.10 .. 3.14 and its free-threaded builds, as named helpers; nothing else asks for
// versions.
//
// Also the owned reference `ref`. All of it wants an attached thread state unless a helper says otherwise.
#pragma once

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <cxxabi.h>
#include <unistd.h>

#include <cstdint>
#include <initializer_list>
#include <string_view>
#include <utility>

#if PY_VERSION_HEX >= 0x030D0000 && PY_VERSION_HEX < 0x03100000
// Exported by these versions, declared in their internal headers only.
extern "C" PyAPI_FUNC(int) _PyDict_SetItem_KnownHash(PyObject* dict, PyObject* key, PyObject* item, Py_hash_t hash);
#ifdef Py_GIL_DISABLED
extern "C" PyAPI_FUNC(int)
    _PyDict_SetItem_KnownHash_LockHeld(PyDictObject* dict, PyObject* key, PyObject* item, Py_hash_t hash);
#endif
#endif

namespace aero::py {

// One owned reference, or none.
class ref {
  public:
    ref() noexcept = default;
    static ref take(PyObject* owned) noexcept {  // takes over a new reference; null is allowed
        ref made;
        made.held_ = owned;
        return made;
    }
    static ref share(PyObject* borrowed) noexcept {
        Py_XINCREF(borrowed);
        return take(borrowed);
    }
    ref(const ref& other) noexcept : held_(other.held_) { Py_XINCREF(held_); }
    ref(ref&& other) noexcept : held_(std::exchange(other.held_, nullptr)) {}
    ref& operator=(ref other) noexcept {
        std::swap(held_, other.held_);
        return *this;
    }
    ~ref() { Py_XDECREF(held_); }

    PyObject* get() const noexcept { return held_; }
    PyObject* release() noexcept { return std::exchange(held_, nullptr); }
    PyObject* new_ref() const noexcept {
        Py_XINCREF(held_);
        return held_;
    }
    void reset() noexcept { Py_CLEAR(held_); }
    explicit operator bool() const noexcept { return held_ != nullptr; }

  private:
    PyObject* held_ = nullptr;
};

inline PyObject* new_ref(PyObject* object) noexcept {
    Py_INCREF(object);
    return object;
}

// Lets other threads run Python for the life of this object. Nothing in its scope may touch a Python object's count or
// anything that Python code can change.
class gil_released {
  public:
    gil_released() noexcept : saved_(PyEval_SaveThread()) {}
    ~gil_released() {
        try {
            PyEval_RestoreThread(saved_);
        } catch (abi::__forced_unwind&) {  // the interpreter ended meanwhile: stop here, as CPython 3.14 does itself
            for (;;) pause();
        }
    }
    gil_released(const gil_released&) = delete;
    gil_released& operator=(const gil_released&) = delete;

  private:
    PyThreadState* saved_;
};

// Keeps other threads from changing `object` where there is no GIL; nothing elsewhere. May be let go while Python code
// runs inside, as the GIL may: look again at what was read before.
class critical_section {
  public:
#ifdef Py_GIL_DISABLED
    explicit critical_section(PyObject* object) noexcept { PyCriticalSection_Begin(&held_, object); }
    ~critical_section() { PyCriticalSection_End(&held_); }
#else
    explicit critical_section(PyObject*) noexcept {}
#endif
    critical_section(const critical_section&) = delete;
    critical_section& operator=(const critical_section&) = delete;

  private:
#ifdef Py_GIL_DISABLED
    PyCriticalSection held_;
#endif
};

// An item of a list that other threads may change: a new reference, or null without an exception when `index` is out of
// range by now.
inline PyObject* list_item(PyObject* list, Py_ssize_t index) noexcept {
#ifdef Py_GIL_DISABLED
    PyObject* item = PyList_GetItemRef(list, index);
    if (item == nullptr) PyErr_Clear();
    return item;
#else
    return index < PyList_GET_SIZE(list) ? new_ref(PyList_GET_ITEM(list, index)) : nullptr;
#endif
}

// A dict with room for `expected` entries, so that filling it never resizes.
inline PyObject* new_dict(Py_ssize_t expected) noexcept {
#if PY_VERSION_HEX < 0x03100000
    return expected > 5 ? _PyDict_NewPresized(expected) : PyDict_New();
#else
    (void)expected;
    return PyDict_New();
#endif
}

// Sets an entry of a dict that nobody else has seen yet, with the hash of the key at hand. Takes its own references.
inline int set_new_item(PyObject* dict, PyObject* key, PyObject* item, Py_hash_t hash) noexcept {
#if PY_VERSION_HEX >= 0x03100000
    (void)hash;
    return PyDict_SetItem(dict, key, item);
#elif defined(Py_GIL_DISABLED)
    return _PyDict_SetItem_KnownHash_LockHeld(reinterpret_cast<PyDictObject*>(dict), key, item, hash);
#else
    return _PyDict_SetItem_KnownHash(dict, key, item, hash);
#endif
}

// The value of an entry: 1 and a new reference, 0 when absent, -1 with an exception.
inline int dict_item(PyObject* dict, PyObject* key, ref& value) noexcept {
#if PY_VERSION_HEX >= 0x030D0000
    PyObject* found = nullptr;
    const int answer = PyDict_GetItemRef(dict, key, &found);
    value = ref::take(found);
    return answer;
#else
    value = ref::share(PyDict_GetItemWithError(dict, key));
    if (value) return 1;
    return PyErr_Occurred() != nullptr ? -1 : 0;
#endif
}

// The exception that is being raised, taken off the thread; and put back.
inline ref take_exception() noexcept {
#if PY_VERSION_HEX >= 0x030C0000
    return ref::take(PyErr_GetRaisedException());
#else
    PyObject *type = nullptr, *value = nullptr, *trace = nullptr;
    PyErr_Fetch(&type, &value, &trace);
    if (type == nullptr) return {};
    PyErr_NormalizeException(&type, &value, &trace);
    if (trace != nullptr) PyException_SetTraceback(value, trace);
    Py_DECREF(type);
    Py_XDECREF(trace);
    return ref::take(value);
#endif
}
inline void put_exception(ref exception) noexcept {
#if PY_VERSION_HEX >= 0x030C0000
    PyErr_SetRaisedException(exception.release());
#else
    PyObject* type = new_ref(reinterpret_cast<PyObject*>(Py_TYPE(exception.get())));
    PyObject* trace = PyException_GetTraceback(exception.get());
    PyErr_Restore(type, exception.release(), trace);
#endif
}

// The text of a str; valid while the str lives. Nothing with an exception when it is not a str or not encodable.
inline bool text_of(PyObject* text, std::string_view& to) noexcept {
    if (PyUnicode_IS_COMPACT_ASCII(text)) {
        to = {reinterpret_cast<const char*>(PyUnicode_1BYTE_DATA(text)),
              static_cast<size_t>(PyUnicode_GET_LENGTH(text))};
        return true;
    }
    Py_ssize_t size = 0;
    const char* data = PyUnicode_AsUTF8AndSize(text, &size);
    if (data == nullptr) return false;
    to = {data, static_cast<size_t>(size)};
    return true;
}

// A str of bytes that came from the network; bytes that are not UTF-8 are kept as surrogates, never an error.
inline PyObject* new_text(std::string_view text) noexcept {
    return PyUnicode_DecodeUTF8(text.data(), static_cast<Py_ssize_t>(text.size()), "surrogateescape");
}

// An int that fits 64 bits: its value. Otherwise `overflow` is set. REQUIRES: an int
inline int64_t small_int(PyObject* number, int& overflow) noexcept {
    return PyLong_AsLongLongAndOverflow(number, &overflow);
}

inline PyTypeObject* as_type(PyObject* object) noexcept { return reinterpret_cast<PyTypeObject*>(object); }
inline PyObject* as_object(PyTypeObject* type) noexcept { return reinterpret_cast<PyObject*>(type); }

// A tuple of a NamedTuple class. Takes over the items, also when it fails; a null item means an exception is set.
inline PyObject* new_tuple(PyTypeObject* type, std::initializer_list<PyObject*> items) noexcept {
    bool complete = true;
    for (PyObject* item : items) complete = complete && item != nullptr;
    PyObject* made = complete ? type->tp_alloc(type, static_cast<Py_ssize_t>(items.size())) : nullptr;
    Py_ssize_t index = 0;
    for (PyObject* item : items) {
        if (made != nullptr) {
            PyTuple_SET_ITEM(made, index++, item);
        } else {
            Py_XDECREF(item);
        }
    }
    return made;
}

// The type of one of our objects is its own heap type: freeing an object lets go of it.
inline void free_object(PyObject* self) noexcept {
    PyTypeObject* type = Py_TYPE(self);
    type->tp_free(self);
    Py_DECREF(as_object(type));
}

// Makes a native type; null with an exception.
inline PyTypeObject* new_type(PyObject* module, PyType_Spec& spec, PyObject* bases = nullptr) noexcept {
    return as_type(PyType_FromModuleAndSpec(module, &spec, bases));
}

}  // namespace aero::py
