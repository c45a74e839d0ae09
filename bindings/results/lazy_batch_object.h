// The memory of a LazyBatchRecords, for the files that make up its behaviour. Others use results/lazy_batch.h.
#pragma once

#include "aero/request.h"
#include "convert/key.h"

namespace aero::py {

struct lazy_batch {
    PyObject_HEAD
        // Set once, when the object is made.
        batch_reply reply;
    batch_keys keys;
    PyObject* timings;  // of a profiled call (results/timings.h), or null
    int64_t made_at_s;  // Unix time; times to live count from here
    // Guarded by a critical section of the object.
    PyObject* cache;    // the dict form, or null
    Py_ssize_t length;  // entries of the dict form, -1 before somebody asked
};

inline lazy_batch* as_lazy(PyObject* object) noexcept { return reinterpret_cast<lazy_batch*>(object); }
inline PyObject* as_python(lazy_batch* object) noexcept { return reinterpret_cast<PyObject*>(object); }

// results/lazy_batch_pickle.cc
PyObject* reduce_lazy_batch(PyObject* self, PyObject*);
PyObject* restore_lazy_batch(PyObject* type, PyObject* state);

}  // namespace aero::py
