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

// ---- Python to bytes
// -------------------------------------------------------------------------------------------------

bool pack_value(PyObject* value, buffer& to, unsigned depth);

bool unsupported(PyObject* value) {
    const char* const name = Py_TYPE(value)->tp_name;
    const char* const dot = std::strrchr(name, '.');
    PyErr_Format(PyExc_TypeError, "Unsupported type for Aerospike value: %.200s", dot == nullptr ? name : dot + 1);
    return false;
}

bool check_size(size_t size) {
    if (size < wire::body_size_max) return true;
    error too_big;
    too_big.what = code::record_too_big;
    too_big.text = "a value of " + std::to_string(size) + " bytes exceeds what a message may hold; nothing was sent";
    raise(too_big, "");
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

// ---- bytes to Python
// -------------------------------------------------------------------------------------------------

constexpr size_t short_text_max = 64;
constexpr uint64_t high_bits = 0x8080808080808080;

// Whether all of `size` bytes are ASCII. REQUIRES: size <= short_text_max
bool is_short_ascii(const uint8_t* at, size_t size) noexcept {
    uint64_t seen = 0;
    for (; size >= 8; at += 8, size -= 8) {
        uint64_t word;
        std::memcpy(&word, at, 8);
        seen |= word;
    }
    uint64_t tail = 0;
    for (size_t i = 0; i < size; ++i) tail |= at[i];
    return ((seen | tail) & high_bits) == 0;
}

PyObject* new_blob(byte_view bytes) {
    return PyBytes_FromStringAndSize(reinterpret_cast<const char*>(bytes.data()),
                                     static_cast<Py_ssize_t>(bytes.size()));
}

// A str; text of other clients that is not UTF-8 comes back as the bytes it is.
PyObject* new_string(byte_view bytes) {
    const size_t size = bytes.size();
    if (size > 1 && size <= short_text_max && is_short_ascii(bytes.data(), size)) {
        PyObject* text = PyUnicode_New(static_cast<Py_ssize_t>(size), 127);
        if (text != nullptr) std::memcpy(PyUnicode_1BYTE_DATA(text), bytes.data(), size);
        return text;
    }
    const char* const data = reinterpret_cast<const char*>(bytes.data());
    PyObject* text = PyUnicode_DecodeUTF8(data, static_cast<Py_ssize_t>(size), nullptr);
    if (text != nullptr || !PyErr_ExceptionMatches(PyExc_UnicodeDecodeError)) return text;
    PyErr_Clear();
    return new_blob(bytes);
}

PyObject* new_integer(byte_view bytes) {
    if (bytes.size() == 8) [[likely]]
        return PyLong_FromLongLong(load_be<int64_t>(bytes.data()));
    if (bytes.empty() || bytes.size() > 8) return raise_bad_reply("an integer of a wrong size");
    uint64_t value = 0;  // short forms are zero-extended
    for (const uint8_t byte : bytes) value = value << 8 | byte;
    return PyLong_FromLongLong(static_cast<int64_t>(value));
}

PyObject* new_geojson(byte_view bytes) {
    constexpr size_t head = 3;  // flags and the number of cells
    if (bytes.size() < head) return raise_bad_reply("a GeoJSON value without its header");
    const size_t skipped = head + size_t{8} * load_be<uint16_t>(bytes.data() + 1);
    if (bytes.size() < skipped) return raise_bad_reply("a GeoJSON value with fewer cells than it says");
    return new_string(bytes.subspan(skipped));
}

// Scalars inside lists and maps; their GeoJSON has no header.
PyObject* new_packed_bytes(const wire::pack_token& token) {
    switch (token.type) {
        case particle::null: return PyUnicode_New(0, 0);  // no payload at all
        case particle::string:
        case particle::geojson: return new_string(token.data);
        case particle::blob:
        case particle::hll:
        case particle::vector: return new_blob(token.data);
        default: return raise_unreadable(static_cast<unsigned>(token.type));
    }
}

// Decodes msgpack. Keys of maps have to be hashable: inside them lists are tuples and maps are tuples of pairs.
class unpacker {
  public:
    explicit unpacker(byte_view bytes) : from_(bytes) {}

    PyObject* whole(wire::pack_kind expected) {
        wire::pack_token token;
        if (!wire::read_token(from_, token) || token.kind != expected) return bad();
        ref value = ref::take(make(token, 0, false));
        if (value && !from_.at_end()) return bad();
        return value.release();
    }

  private:
    PyObject* bad() { return raise_bad_reply("a list or map that is not well-formed"); }

    PyObject* next(unsigned depth, bool as_key) {
        wire::pack_token token;
        if (!wire::read_token(from_, token)) return bad();
        return make(token, depth, as_key);
    }

    PyObject* make(const wire::pack_token& token, unsigned depth, bool as_key) {
        switch (token.kind) {
            case wire::pack_kind::nil: return new_ref(Py_None);
            case wire::pack_kind::boolean: return PyBool_FromLong(token.boolean);
            case wire::pack_kind::integer: return PyLong_FromLongLong(token.integer);
            case wire::pack_kind::unsigned_integer: return PyLong_FromUnsignedLongLong(token.unsigned_integer);
            case wire::pack_kind::floating: return PyFloat_FromDouble(token.floating);
            case wire::pack_kind::bytes: return new_packed_bytes(token);
            case wire::pack_kind::list:
            case wire::pack_kind::map: break;
            case wire::pack_kind::extension: return bad();
        }
        // Every element takes a byte at least, so a greater count is wrong, whatever follows.
        const bool is_map = token.kind == wire::pack_kind::map;
        if (depth == wire::depth_max || (uint64_t{token.count} << is_map) > from_.remaining()) return bad();
        if (is_map) return make_map(token.count, depth + 1, as_key);
        return make_list(token.count, depth + 1, as_key);
    }

    // Takes off the marker that opens an ordered container; `flags` are its flags.
    bool skip_marker(uint32_t& count, bool is_map, uint8_t& flags) {
        flags = 0;
        if (count == 0) return true;
        const reader before = from_;
        wire::pack_token token;
        if (!wire::read_token(from_, token)) return bad(), false;
        if (!wire::is_order_marker(token)) {
            from_ = before;
            return true;
        }
        flags = token.extension_type;
        --count;
        if (is_map && (!wire::read_token(from_, token) || token.kind != wire::pack_kind::nil)) return bad(), false;
        return true;
    }

    PyObject* make_list(uint32_t count, unsigned depth, bool as_key) {
        uint8_t flags = 0;
        if (!skip_marker(count, false, flags)) return nullptr;
        ref items = ref::take(as_key ? PyTuple_New(count) : PyList_New(count));
        if (!items) return nullptr;
        for (uint32_t i = 0; i < count; ++i) {
            PyObject* item = next(depth, as_key);
            if (item == nullptr) return nullptr;
            set_item(items.get(), i, item, as_key);
        }
        return items.release();
    }

    static void set_item(PyObject* items, uint32_t index, PyObject* item, bool is_tuple) {
        if (is_tuple) {
            PyTuple_SET_ITEM(items, index, item);
        } else {
            PyList_SET_ITEM(items, index, item);
        }
    }

    PyObject* make_map(uint32_t count, unsigned depth, bool as_key) {
        constexpr uint8_t keeps_order = 0x08;  // a result of pairs, not a map
        uint8_t flags = 0;
        if (!skip_marker(count, true, flags)) return nullptr;
        if (as_key || (flags & keeps_order) != 0) return make_pairs(count, depth, as_key);
        ref dict = ref::take(new_dict(count));
        if (!dict) return nullptr;
        for (uint32_t i = 0; i < count; ++i) {
            const ref key = ref::take(next(depth, true));
            if (!key) return nullptr;
            const ref value = ref::take(next(depth, false));
            if (!value || PyDict_SetItem(dict.get(), key.get(), value.get()) != 0) return nullptr;
        }
        return dict.release();
    }

    PyObject* make_pairs(uint32_t count, unsigned depth, bool as_key) {
        ref items = ref::take(as_key ? PyTuple_New(count) : PyList_New(count));
        if (!items) return nullptr;
        for (uint32_t i = 0; i < count; ++i) {
            const ref key = ref::take(next(depth, true));
            if (!key) return nullptr;
            const ref value = ref::take(next(depth, as_key));
            if (!value) return nullptr;
            PyObject* pair = PyTuple_Pack(2, key.get(), value.get());
            if (pair == nullptr) return nullptr;
            set_item(items.get(), i, pair, as_key);
        }
        return items.release();
    }

    reader from_;
};

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
    if (!check_size(to.size())) return false;
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

PyObject* new_value(particle type, byte_view bytes) {
    switch (type) {
        case particle::integer: return new_integer(bytes);
        case particle::floating:
            if (bytes.size() != 8) return raise_bad_reply("a float of a wrong size");
            return PyFloat_FromDouble(std::bit_cast<double>(load_be<uint64_t>(bytes.data())));
        case particle::string: return new_string(bytes);
        case particle::blob:
        case particle::hll:
        case particle::vector: return new_blob(bytes);
        case particle::boolean:
            if (bytes.size() != 1) return raise_bad_reply("a bool of a wrong size");
            return PyBool_FromLong(bytes[0] != 0);
        case particle::null: return new_ref(Py_None);
        case particle::list: return unpacker(bytes).whole(wire::pack_kind::list);
        case particle::map: return unpacker(bytes).whole(wire::pack_kind::map);
        case particle::geojson: return new_geojson(bytes);
        default: return raise_unreadable(static_cast<unsigned>(type));
    }
}

}  // namespace aero::py
