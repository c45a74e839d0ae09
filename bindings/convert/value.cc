// Python objects to particle bytes.
#include "convert/value.h"

#include <array>
#include <bit>
#include <cstring>

#include "errors.h"
#include "state.h"
#include "wire/message.h"
#include "wire/msgpack.h"

namespace aero::py {

namespace {

using wire::particle;

bool pack_value(PyObject* value, buffer& to, unsigned depth);

bool unsupported(PyObject* value) {
    const char* const name = Py_TYPE(value)->tp_name;
    const char* const dot = std::strrchr(name, '.');
    PyErr_Format(PyExc_TypeError, "Unsupported type for Aerospike value: %.200s", dot == nullptr ? name : dot + 1);
    return false;
}

bool check_size(size_t size) {
    if (size < wire::body_size_max) [[likely]]
        return true;
    raise_invalid_argument(
        "a value of %zu bytes exceeds the %zu bytes (128 MiB) that a message may have: keep it in "
        "several records; nothing was sent",
        size, wire::body_size_max);
    return false;
}

bool read_integer(PyObject* number, int64_t& to) {
    int overflow = 0;
    to = small_int(number, overflow);
    if (overflow == 0) [[likely]]
        return true;
    raise_integer_range(number);
    return false;
}

// How a value of a type that is not one of the exact built-in ones is written.
enum class kind : uint8_t {
    none,
    boolean,
    integer,
    index,
    floating,
    as_float,
    text,
    bytes,
    view,
    list,
    tuple,
    map,
    other
};

kind kind_of(PyObject* value) noexcept {
    if (value == Py_None) return kind::none;
    if (PyUnicode_Check(value)) return kind::text;
    if (PyBool_Check(value)) return kind::boolean;
    if (PyLong_Check(value)) return kind::integer;
    if (PyFloat_Check(value)) return kind::floating;
    if (PyBytes_Check(value)) return kind::bytes;
    if (PyList_Check(value)) return kind::list;
    if (PyDict_Check(value)) return kind::map;
    if (PyTuple_Check(value)) return kind::tuple;
    if (PyByteArray_Check(value) || PyMemoryView_Check(value)) return kind::view;
    // Scalars of NumPy. Arrays of one element convert to numbers too, which is hardly what their owner wants.
    const std::string_view name = Py_TYPE(value)->tp_name;
    if (name == "numpy.bool" || name == "numpy.bool_") return kind::boolean;
    if (name == "numpy.float32" || name == "numpy.float16" || name == "numpy.longdouble") return kind::as_float;
    if (PyIndex_Check(value) && !name.ends_with("ndarray")) return kind::index;
    return kind::other;
}

// Holds the bytes of a bytes-like object for as long as they are copied.
class byte_source {
  public:
    byte_source() = default;
    byte_source(const byte_source&) = delete;
    byte_source& operator=(const byte_source&) = delete;
    ~byte_source() {
        if (view_.obj != nullptr) PyBuffer_Release(&view_);
    }
    bool open(PyObject* from) {
        if (PyObject_GetBuffer(from, &view_, PyBUF_SIMPLE) != 0) return false;
        bytes_ = {static_cast<const uint8_t*>(view_.buf), static_cast<size_t>(view_.len)};
        return true;
    }
    byte_view bytes() const noexcept { return bytes_; }

  private:
    Py_buffer view_{};
    byte_view bytes_;
};

bool pack_list_items(PyObject* list, buffer& to, unsigned depth) {
    const Py_ssize_t count = PyList_GET_SIZE(list);
    if (!check_size(static_cast<size_t>(count))) return false;
    wire::pack_list(to, static_cast<uint32_t>(count));
    for (Py_ssize_t i = 0; i < count; ++i) {
        const ref item = ref::take(list_item(list, i));
        if (!item || !pack_value(item.get(), to, depth)) break;
    }
    if (PyErr_Occurred() != nullptr) return false;
    if (PyList_GET_SIZE(list) == count) return true;
    PyErr_SetString(PyExc_RuntimeError, "list changed size during conversion");
    return false;
}

bool pack_tuple_items(PyObject* tuple, buffer& to, unsigned depth) {
    const Py_ssize_t count = PyTuple_GET_SIZE(tuple);
    if (!check_size(static_cast<size_t>(count))) return false;
    wire::pack_list(to, static_cast<uint32_t>(count));
    for (Py_ssize_t i = 0; i < count; ++i) {
        if (!pack_value(PyTuple_GET_ITEM(tuple, i), to, depth)) return false;
    }
    return true;
}

bool pack_map_key(PyObject* key, buffer& to, unsigned depth) {
    switch (kind_of(key)) {
        case kind::text:
        case kind::integer:
        case kind::index:
        case kind::bytes: return pack_value(key, to, depth);
        default: break;
    }
    PyErr_Format(PyExc_TypeError, "Unsupported type for a key of an Aerospike map: %.200s (str, int and bytes are)",
                 Py_TYPE(key)->tp_name);
    return false;
}

bool pack_map_items(PyObject* dict, buffer& to, unsigned depth) {
    const critical_section alone(dict);
    const Py_ssize_t count = PyDict_GET_SIZE(dict);
    if (!check_size(static_cast<size_t>(count))) return false;
    wire::pack_map(to, static_cast<uint32_t>(count));
    Py_ssize_t position = 0, seen = 0;
    PyObject *next_key = nullptr, *next_value = nullptr;
    while (PyDict_GET_SIZE(dict) == count && PyDict_Next(dict, &position, &next_key, &next_value)) {
        const ref key = ref::share(next_key), value = ref::share(next_value);
        if (!pack_map_key(key.get(), to, depth) || !pack_value(value.get(), to, depth)) return false;
        ++seen;
    }
    if (seen == count && PyDict_GET_SIZE(dict) == count) return true;
    PyErr_SetString(PyExc_RuntimeError, "dictionary changed size during iteration");
    return false;
}

bool pack_text(PyObject* value, buffer& to) {
    std::string_view text;
    if (!text_of(value, text) || !check_size(text.size())) return false;
    wire::pack_bytes(to, particle::string, as_bytes(text));
    return true;
}

bool pack_blob(PyObject* value, buffer& to) {
    byte_source source;
    if (!source.open(value) || !check_size(source.bytes().size())) return false;
    wire::pack_bytes(to, particle::blob, source.bytes());
    return true;
}

bool pack_integer(PyObject* value, buffer& to) {
    int64_t number = 0;
    if (!read_integer(value, number)) return false;
    wire::pack_integer(to, number);
    return true;
}

bool too_deep() {
    PyErr_Format(PyExc_ValueError, "a list or dict is nested deeper than %u levels", wire::depth_max);
    return false;
}

// One element of a list or map. `depth` counts the containers around it.
bool pack_value(PyObject* value, buffer& to, unsigned depth) {
    const auto nested = [&](bool (*items)(PyObject*, buffer&, unsigned)) {
        return depth < wire::depth_max ? items(value, to, depth + 1) : too_deep();
    };
    switch (kind_of(value)) {
        case kind::none: return wire::pack_nil(to), true;
        case kind::boolean: {
            const int truth = PyObject_IsTrue(value);
            if (truth >= 0) wire::pack_bool(to, truth == 1);
            return truth >= 0;
        }
        case kind::integer: return pack_integer(value, to);
        case kind::index: {
            const ref number = ref::take(PyNumber_Index(value));
            return number && pack_integer(number.get(), to);
        }
        case kind::floating: return wire::pack_double(to, PyFloat_AS_DOUBLE(value)), true;
        case kind::as_float: {
            const double number = PyFloat_AsDouble(value);
            if (number == -1.0 && PyErr_Occurred() != nullptr) return false;
            return wire::pack_double(to, number), true;
        }
        case kind::text: return pack_text(value, to);
        case kind::bytes:
        case kind::view: return pack_blob(value, to);
        case kind::list: return nested(pack_list_items);
        case kind::tuple: return nested(pack_tuple_items);
        case kind::map: return nested(pack_map_items);
        case kind::other: break;
    }
    return unsupported(value);
}

bool append_integer(PyObject* value, buffer& to, particle& type) {
    int64_t number = 0;
    if (!read_integer(value, number)) return false;
    type = particle::integer;
    to.append_be(number);
    return true;
}

bool append_double(double value, buffer& to, particle& type) {
    type = particle::floating;
    to.append_be(std::bit_cast<uint64_t>(value));
    return true;
}

bool append_text(PyObject* value, buffer& to, particle& type) {
    std::string_view text;
    if (!text_of(value, text) || !check_size(text.size())) return false;
    type = particle::string;
    to.append(text);
    return true;
}

// The values that are not of the usual exact types.
bool append_other(PyObject* value, buffer& to, particle& type) {
    switch (kind_of(value)) {
        case kind::boolean: {
            const int truth = PyObject_IsTrue(value);
            if (truth < 0) return false;
            type = particle::boolean;
            to.append_u8(static_cast<unsigned>(truth));
            return true;
        }
        case kind::integer: return append_integer(value, to, type);
        case kind::index: {
            const ref number = ref::take(PyNumber_Index(value));
            return number && append_integer(number.get(), to, type);
        }
        case kind::floating: return append_double(PyFloat_AS_DOUBLE(value), to, type);
        case kind::as_float: {
            const double number = PyFloat_AsDouble(value);
            if (number == -1.0 && PyErr_Occurred() != nullptr) return false;
            return append_double(number, to, type);
        }
        case kind::text: return append_text(value, to, type);
        case kind::bytes:
        case kind::view: {
            byte_source source;
            if (!source.open(value) || !check_size(source.bytes().size())) return false;
            type = particle::blob;
            to.append(source.bytes());
            return true;
        }
        case kind::list:
        case kind::tuple: type = particle::list; return pack_value(value, to, 0);
        case kind::map: type = particle::map; return pack_value(value, to, 0);
        case kind::none: type = particle::null; return true;
        case kind::other: break;
    }
    return unsupported(value);
}

}  // namespace

bool append_value(PyObject* value, buffer& to, particle& type) {
    if (PyUnicode_CheckExact(value)) return append_text(value, to, type);
    if (PyLong_CheckExact(value)) return append_integer(value, to, type);
    if (PyFloat_CheckExact(value)) return append_double(PyFloat_AS_DOUBLE(value), to, type);
    return append_other(value, to, type);
}

bool append_value_op(buffer& to, wire::op_code code, std::string_view name, PyObject* value) {
    constexpr size_t type_offset = 5;  // after the size and the op code
    const size_t start = wire::begin_op(to, code, particle::null, name);
    particle type = particle::null;
    if (!append_value(value, to, type)) return false;
    if (to.size() > wire::body_size_max) {
        raise_invalid_argument(
            "bins and operations of %zu bytes exceed the %zu bytes (128 MiB) that a message may have: make several "
            "calls of it; nothing was sent",
            to.size(), wire::body_size_max);
        return false;
    }
    to.data()[start + type_offset] = static_cast<uint8_t>(type);
    wire::end_op(to, start);
    return true;
}

bool bin_name_of(PyObject* name, std::string_view& to) {
    if (!PyUnicode_Check(name)) {
        PyErr_Format(PyExc_TypeError, "a bin name must be a str, not %.80s", Py_TYPE(name)->tp_name);
        return false;
    }
    if (!text_of(name, to)) return false;
    if (to.size() <= wire::bin_name_size_max) return true;
    PyErr_Format(PyExc_ValueError, "Bin name '%U' exceeds the %zu-byte limit (%zu bytes)", name,
                 wire::bin_name_size_max, to.size());
    return false;
}

}  // namespace aero::py
