// Particle bytes to Python objects.
#include <bit>
#include <cstring>

#include "convert/value.h"
#include "errors.h"
#include "state.h"
#include "wire/msgpack.h"

namespace aero::py {

namespace {

using wire::particle;

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
