#include "results/numpy.h"

#include <atomic>
#include <new>

#include "convert/record.h"
#include "errors.h"
#include "results/numpy_fill.h"
#include "results/row_map.h"

namespace aero::py {

namespace {

// Below it, letting the GIL go and coming back costs more than the filling.
constexpr size_t release_from_bytes = 64 * 1024;

struct numpy_names {
    PyObject* zeros;        // numpy.zeros
    PyObject* meta_dtype;   // dtype([("gen", "u4"), ("ttl", "u4")])
    PyObject* codes_dtype;  // dtype("i4")
    PyObject* records;      // aerospike_py.numpy_batch.NumpyBatchRecords
};

bool load_names(numpy_names& to) {
    PyObject* const numpy = numpy_module();
    const ref ours = ref::take(numpy != nullptr ? PyImport_ImportModule("aerospike_py.numpy_batch") : nullptr);
    if (!ours) return false;
    to.zeros = PyObject_GetAttrString(numpy, "zeros");
    to.meta_dtype = PyObject_CallMethod(numpy, "dtype", "[(ss)(ss)]", "gen", "u4", "ttl", "u4");
    to.codes_dtype = PyObject_CallMethod(numpy, "dtype", "s", "i4");
    to.records = PyObject_GetAttrString(ours.get(), "NumpyBatchRecords");
    return to.zeros != nullptr && to.meta_dtype != nullptr && to.codes_dtype != nullptr && to.records != nullptr;
}

// Loaded when arrays are made first, and kept; null with an exception.
const numpy_names* names() {
    static std::atomic<const numpy_names*> kept{nullptr};
    const numpy_names* known = kept.load(std::memory_order_acquire);
    if (known != nullptr) return known;
    auto* loaded = new (std::nothrow) numpy_names{};
    if (loaded == nullptr) return PyErr_NoMemory(), nullptr;
    if (!load_names(*loaded)) {
        delete loaded;
        return nullptr;
    }
    if (!kept.compare_exchange_strong(known, loaded)) {  // another thread came first; its objects are the same
        delete loaded;
        return known;
    }
    return loaded;
}

ref new_zeros(const numpy_names& numpy, size_t count, PyObject* dtype) {
    const ref size = ref::take(PyLong_FromSize_t(count));
    PyObject* const arguments[] = {nullptr, size.get(), dtype};
    return ref::take(size ? PyObject_Vectorcall(numpy.zeros, arguments + 1, 2 | PY_VECTORCALL_ARGUMENTS_OFFSET, nullptr)
                          : nullptr);
}

const char* noun_of(wire::particle type) noexcept {
    switch (type) {
        case wire::particle::integer: return "an int";
        case wire::particle::floating: return "a float";
        case wire::particle::boolean: return "a bool";
        case wire::particle::string: return "a str";
        case wire::particle::list: return "a list";
        case wire::particle::map: return "a dict";
        case wire::particle::geojson: return "GeoJSON";
        default: return "bytes";
    }
}

bool raise_problem(const fill_problem& problem, const batch_keys& keys) {
    switch (problem.kind) {
        case fill_problem::what::none: return true;
        case fill_problem::what::bad_bytes: raise_bad_reply("a bin whose size does not fit its type"); break;
        case fill_problem::what::unreadable: raise_unreadable(static_cast<unsigned>(problem.particle)); break;
        case fill_problem::what::misfit:
            PyErr_Format(PyExc_TypeError, "dtype field '%s' cannot hold %s, which row %zu has in this bin (key %R)",
                         problem.field->name.c_str(), noun_of(problem.particle), problem.row,
                         keys.user_keys[problem.row]);
            break;
    }
    return false;
}

bool fill(const batch_reply& reply, const batch_keys& keys, const dtype_layout& layout, PyObject* rows, PyObject* meta,
          PyObject* codes) {
    if (reply.rows.empty()) return true;
    array_bytes row_bytes, meta_bytes, code_bytes;
    if ((layout.row_size != 0 && !row_bytes.open(rows, true)) || !meta_bytes.open(meta, true) ||
        !code_bytes.open(codes, true)) {
        return false;
    }
    const fill_target to{row_bytes.data(), reinterpret_cast<uint32_t*>(meta_bytes.data()),
                         reinterpret_cast<int32_t*>(code_bytes.data())};
    const int64_t now_s = unix_now();
    fill_problem problem;
    if (reply.rows.size() * layout.row_size < release_from_bytes) {
        problem = fill_arrays(reply, layout, to, now_s);
    } else {
        const gil_released others_run;
        problem = fill_arrays(reply, layout, to, now_s);
    }
    return raise_problem(problem, keys);
}

}  // namespace

PyObject* new_numpy_records(const batch_reply& reply, const batch_keys& keys, PyObject* dtype) {
    const auto layout = dtype_layout_of(dtype);
    const numpy_names* const numpy = layout ? names() : nullptr;
    if (numpy == nullptr) return nullptr;
    const size_t count = reply.rows.size();
    const ref rows = new_zeros(*numpy, count, dtype);
    const ref meta = rows ? new_zeros(*numpy, count, numpy->meta_dtype) : ref{};
    const ref codes = meta ? new_zeros(*numpy, count, numpy->codes_dtype) : ref{};
    if (!codes || !fill(reply, keys, *layout, rows.get(), meta.get(), codes.get())) return nullptr;
    const ref map = ref::take(new_row_map(keys));
    if (!map) return nullptr;
    PyObject* const arguments[] = {nullptr, rows.get(), meta.get(), codes.get(), map.get()};
    return PyObject_Vectorcall(numpy->records, arguments + 1, 4 | PY_VECTORCALL_ARGUMENTS_OFFSET, nullptr);
}

}  // namespace aero::py
