#include "results/dtype.h"

#include <array>
#include <atomic>
#include <mutex>

#include "errors.h"

namespace aero::py {

namespace {

// Recently used layouts. A dtype's field names can be assigned anew, which makes another tuple: so both are compared.
struct remembered {
    ref dtype;
    ref names;
    std::shared_ptr<const dtype_layout> layout;
};
constexpr size_t remembered_max = 8;
std::mutex mutex;  // nothing of Python runs while it is held
std::array<remembered, remembered_max>& recent() {
    static auto* entries = new std::array<remembered, remembered_max>;  // for good: no interpreter is left at exit
    return *entries;
}
size_t next_place = 0;

std::shared_ptr<const dtype_layout> recall(PyObject* dtype, PyObject* names) {
    const std::scoped_lock alone(mutex);
    for (const remembered& entry : recent()) {
        if (entry.dtype.get() == dtype && entry.names.get() == names) return entry.layout;
    }
    return nullptr;
}

void remember(PyObject* dtype, PyObject* names, const std::shared_ptr<const dtype_layout>& layout) {
    remembered entry{ref::share(dtype), ref::share(names), layout};
    {
        const std::scoped_lock alone(mutex);
        std::swap(recent()[next_place], entry);
        next_place = (next_place + 1) % remembered_max;
    }
    // What was there before is let go of here, without the lock.
}

bool check_dtype(PyObject* dtype) {
    const ref module = ref::take(PyImport_ImportModule("aerospike_py.numpy_batch"));
    const ref checked = ref::take(module ? PyObject_CallMethod(module.get(), "check_dtype", "O", dtype) : nullptr);
    return static_cast<bool>(checked);
}

bool size_attribute(PyObject* object, const char* name, size_t& to) {
    const ref value = ref::take(PyObject_GetAttrString(object, name));
    if (!value) return false;
    to = PyLong_AsSize_t(value.get());
    return to != static_cast<size_t>(-1) || PyErr_Occurred() == nullptr;
}

bool kind_attribute(PyObject* dtype, char& to) {
    const ref kind = ref::take(PyObject_GetAttrString(dtype, "kind"));
    std::string_view text;
    if (!kind || !PyUnicode_Check(kind.get()) || !text_of(kind.get(), text)) return false;
    to = text.empty() ? '?' : text[0];
    return true;
}

bool is_swapped(PyObject* dtype, bool& to) {
    const ref native = ref::take(PyObject_GetAttrString(dtype, "isnative"));
    const int answer = native ? PyObject_IsTrue(native.get()) : -1;
    to = answer == 0;
    return answer >= 0;
}

bool set_kind(PyObject* dtype, char kind, PyObject* name, dtype_field& to) {
    const ref sub_array = ref::take(PyObject_GetAttrString(dtype, "subdtype"));
    if (!sub_array) return false;
    if (sub_array.get() != Py_None || kind == 'V') return to.kind = field_kind::raw, true;
    const bool fits = to.width == 1 || to.width == 2 || to.width == 4 || to.width == 8;
    switch (kind) {
        case 'i': to.kind = field_kind::signed_integer; break;
        case 'u': to.kind = field_kind::unsigned_integer; break;
        case 'f': to.kind = field_kind::floating; break;
        default: to.kind = field_kind::text; return true;  // S: check_dtype lets nothing else pass
    }
    if (fits) return is_swapped(dtype, to.swapped);
    PyErr_Format(PyExc_TypeError, "dtype field %R must be numeric (int/float) of at most 8 bytes, got %zu bytes", name,
                 to.width);
    return false;
}

// One entry of dtype.fields: (dtype, offset) or (dtype, offset, title).
bool read_field(PyObject* fields, PyObject* name, dtype_field& to) {
    const ref entry = ref::take(PyObject_GetItem(fields, name));
    std::string_view text;
    if (!entry || !text_of(name, text)) return false;
    const ref dtype = ref::take(PySequence_GetItem(entry.get(), 0));
    const ref offset = ref::take(dtype ? PySequence_GetItem(entry.get(), 1) : nullptr);
    if (!offset) return false;
    to.name = text;
    to.offset = PyLong_AsSize_t(offset.get());
    char kind = '?';
    return PyErr_Occurred() == nullptr && size_attribute(dtype.get(), "itemsize", to.width) &&
           kind_attribute(dtype.get(), kind) && set_kind(dtype.get(), kind, name, to);
}

bool read_layout(PyObject* dtype, PyObject* names, dtype_layout& to) {
    const ref fields = ref::take(PyObject_GetAttrString(dtype, "fields"));
    const ref fixed = ref::take(fields ? PySequence_Tuple(names) : nullptr);
    if (!fixed || !size_attribute(dtype, "itemsize", to.row_size)) return false;
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(fixed.get()); ++i) {
        if (!read_field(fields.get(), PyTuple_GET_ITEM(fixed.get(), i), to.fields.emplace_back())) return false;
        const dtype_field& field = to.fields.back();
        if (field.offset > to.row_size || field.width > to.row_size - field.offset) {
            PyErr_Format(PyExc_TypeError, "dtype field %R lies outside its row", PyTuple_GET_ITEM(fixed.get(), i));
            return false;
        }
    }
    return true;
}

}  // namespace

PyObject* numpy_module() {
    static std::atomic<PyObject*> numpy{nullptr};
    PyObject* known = numpy.load(std::memory_order_acquire);
    if (known != nullptr) return known;
    PyObject* loaded = PyImport_ImportModule("numpy");
    if (loaded == nullptr) return nullptr;
    if (numpy.compare_exchange_strong(known, loaded, std::memory_order_acq_rel)) return loaded;
    Py_DECREF(loaded);
    return known;
}

std::shared_ptr<const dtype_layout> dtype_layout_of(PyObject* dtype) {
    const ref names =
        ref::take(PyObject_HasAttrString(dtype, "names") ? PyObject_GetAttrString(dtype, "names") : new_ref(Py_None));
    if (!names) return nullptr;
    if (auto known = recall(dtype, names.get())) return known;
    if (numpy_module() == nullptr || !check_dtype(dtype)) return nullptr;
    return guarded([&]() -> std::shared_ptr<const dtype_layout> {
        const auto layout = std::make_shared<dtype_layout>();
        if (!read_layout(dtype, names.get(), *layout)) return nullptr;
        remember(dtype, names.get(), layout);
        return layout;
    });
}

array_bytes::~array_bytes() {
    if (view_.obj != nullptr) PyBuffer_Release(&view_);
}

bool array_bytes::open(PyObject* array, bool writable) {
    // As bytes: NumPy exports no buffer of dtypes whose fields overlap or are out of order.
    const ref bytes = ref::take(PyObject_CallMethod(array, "view", "s", "u1"));
    return bytes && PyObject_GetBuffer(bytes.get(), &view_, writable ? PyBUF_CONTIG : PyBUF_CONTIG_RO) == 0;
}

}  // namespace aero::py
