// batch_write_numpy: rows of a structured array to rows of a writing batch.
#include <algorithm>
#include <bit>
#include <cstring>
#include <limits>

#include "convert/batch.h"
#include "convert/value.h"
#include "errors.h"
#include "results/dtype.h"
#include "results/half.h"
#include "wire/message.h"

namespace aero::py {

namespace {

template <class Number>
Number load(const uint8_t* from, bool swapped) noexcept {
    Number value;
    std::memcpy(&value, from, sizeof value);
    return swapped ? std::byteswap(value) : value;
}

uint64_t load_unsigned(const dtype_field& field, const uint8_t* from) noexcept {
    switch (field.width) {
        case 1: return *from;
        case 2: return load<uint16_t>(from, field.swapped);
        case 4: return load<uint32_t>(from, field.swapped);
        default: return load<uint64_t>(from, field.swapped);
    }
}

// False with an exception for an unsigned number that no bin can hold.
bool load_integer(const dtype_field& field, const uint8_t* from, int64_t& to) {
    const uint64_t bits = load_unsigned(field, from);
    if (field.kind == field_kind::signed_integer) {
        const unsigned unused = 64 - 8 * static_cast<unsigned>(field.width);
        to = static_cast<int64_t>(bits << unused) >> unused;
        return true;
    }
    to = static_cast<int64_t>(bits);
    if (to >= 0) return true;
    const ref number = ref::take(PyLong_FromUnsignedLongLong(bits));
    if (number) raise_integer_range(number.get());
    return false;
}

double load_floating(const dtype_field& field, const uint8_t* from) noexcept {
    switch (field.width) {
        case 2: return double_from(load<uint16_t>(from, field.swapped));
        case 4: return std::bit_cast<float>(load<uint32_t>(from, field.swapped));
        default: return std::bit_cast<double>(load<uint64_t>(from, field.swapped));
    }
}

bool append_field(const dtype_field& field, const uint8_t* row, op_list& to) {
    const uint8_t* const from = row + field.offset;
    const auto append = [&](wire::particle type, byte_view value) {
        wire::append_op(to.bytes, wire::op_code::write, type, field.name, value);
        ++to.count;
        return true;
    };
    uint8_t number[8];
    int64_t integer = 0;
    switch (field.kind) {
        case field_kind::signed_integer:
        case field_kind::unsigned_integer:
            if (!load_integer(field, from, integer)) return false;
            store_be(number, integer);
            return append(wire::particle::integer, number);
        case field_kind::floating:
            store_be(number, std::bit_cast<uint64_t>(load_floating(field, from)));
            return append(wire::particle::floating, number);
        case field_kind::text:
        case field_kind::raw: break;  // the full width, padding included
    }
    return append(wire::particle::blob, {from, field.width});
}

// The user key of a row: an int, or bytes without their padding.
ref new_row_key(const dtype_field& field, const uint8_t* row) {
    const uint8_t* const from = row + field.offset;
    if (field.kind == field_kind::text) {
        size_t size = field.width;
        while (size != 0 && from[size - 1] == 0) --size;
        return ref::take(PyBytes_FromStringAndSize(reinterpret_cast<const char*>(from), static_cast<Py_ssize_t>(size)));
    }
    int64_t number = 0;
    return load_integer(field, from, number) ? ref::take(PyLong_FromLongLong(number)) : ref{};
}

// What of the layout is the key, and what are bins.
struct row_plan {
    const dtype_field* key = nullptr;
    std::vector<const dtype_field*> bins;
};

bool make_plan(const dtype_layout& layout, PyObject* key_field, row_plan& to) {
    std::string_view key_name = "_key";
    if (key_field != nullptr && !PyUnicode_Check(key_field)) {
        PyErr_Format(PyExc_TypeError, "key_field must be a str, not %.80s", Py_TYPE(key_field)->tp_name);
        return false;
    }
    if (key_field != nullptr && !text_of(key_field, key_name)) return false;
    for (const dtype_field& field : layout.fields) {
        if (field.name == key_name) to.key = &field;
        if (field.name.starts_with('_')) continue;
        const ref name = ref::take(new_text(field.name));
        std::string_view checked;
        if (!name || !bin_name_of(name.get(), checked)) return false;
        to.bins.push_back(&field);
    }
    const ref shown = ref::take(new_text(key_name));
    if (!shown) return false;
    if (to.key == nullptr) {
        PyErr_Format(PyExc_ValueError, "the dtype has no field %R for the key", shown.get());
        return false;
    }
    if (to.key->kind != field_kind::floating && to.key->kind != field_kind::raw) return true;
    PyErr_Format(PyExc_TypeError, "the key field %R must hold ints or fixed-length bytes (S)", shown.get());
    return false;
}

// A one-dimensional array of the dtype, its rows back to back; null with an exception.
ref contiguous_rows(PyObject* data, PyObject* dtype) {
    PyObject* const numpy = numpy_module();
    const ref array_type = ref::take(numpy != nullptr ? PyObject_GetAttrString(numpy, "ndarray") : nullptr);
    const int is_array = array_type ? PyObject_IsInstance(data, array_type.get()) : -1;
    if (is_array < 0) return {};
    if (is_array == 0) {
        PyErr_Format(PyExc_TypeError, "data must be a structured numpy array, not %.80s", Py_TYPE(data)->tp_name);
        return {};
    }
    const ref own = ref::take(PyObject_GetAttrString(data, "dtype"));
    const ref dimensions = ref::take(own ? PyObject_GetAttrString(data, "ndim") : nullptr);
    if (!dimensions) return {};
    const int same = PyObject_RichCompareBool(own.get(), dtype, Py_EQ);
    if (same < 0) return {};
    if (same == 0) return PyErr_Format(PyExc_ValueError, "data has the dtype %R, not %R", own.get(), dtype), ref{};
    if (PyLong_AsLong(dimensions.get()) != 1) {
        PyErr_Format(PyExc_ValueError, "data must have one dimension, not %R", dimensions.get());
        return {};
    }
    return ref::take(PyObject_CallMethod(numpy, "ascontiguousarray", "O", data));
}

}  // namespace

bool batch_call::write_numpy(PyObject* data, PyObject* name_space, PyObject* set, PyObject* dtype, PyObject* key_field,
                             PyObject* policy, bool strict) {
    const auto layout = dtype_layout_of(dtype);
    row_plan plan;
    if (!layout || !make_plan(*layout, key_field, plan) || !parse_batch_policy(policy, strict, options)) return false;
    const ref rows = contiguous_rows(data, dtype);
    const Py_ssize_t count = rows ? PyObject_Size(rows.get()) : -1;
    if (count < 0) return false;
    array_bytes bytes;
    row_collector to(*this, static_cast<size_t>(count));
    if (!to.keys().use_group(name_space, set) || (count != 0 && !bytes.open(rows.get(), false))) return false;
    for (Py_ssize_t i = 0; i < count; ++i) {
        const uint8_t* const row = bytes.data() + static_cast<size_t>(i) * layout->row_size;
        const ref key = new_row_key(*plan.key, row);
        if (!key || !to.keys().add_user_key(key.get())) return false;
        to.ops().info2 = wire::info2::write;
        for (const dtype_field* field : plan.bins) {
            if (!append_field(*field, row, to.ops())) return false;
        }
        if (!to.end_row(options.rules)) return false;
    }
    to.finish();
    return true;
}

}  // namespace aero::py
