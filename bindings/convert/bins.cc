#include "convert/bins.h"

#include <cstring>

#include "convert/value.h"
#include "errors.h"
#include "state.h"
#include "wire/message.h"

namespace aero::py {

namespace {

using wire::op_code;
using wire::particle;

bool count_op(op_list& to) {
    if (to.count < wire::ops_max) return ++to.count, true;
    raise_invalid_argument("more than the %u bins or operations that one record may have in a call: make several calls",
                           wire::ops_max);
    return false;
}

bool append_read(PyObject* name, op_list& to) {
    std::string_view text;
    if (!bin_name_of(name, text) || !count_op(to)) return false;
    wire::append_op(to.bytes, op_code::read, particle::null, text, {});
    return true;
}

bool append_removal(PyObject* name, op_list& to) {
    std::string_view text;
    if (!bin_name_of(name, text) || !count_op(to)) return false;
    wire::append_op(to.bytes, op_code::write, particle::null, text, {});
    return true;
}

// Each name of a list, tuple or other iterable of str.
bool each_name(PyObject* names, bool (*append)(PyObject*, op_list&), op_list& to) {
    if (PyUnicode_Check(names) || PyBytes_Check(names) || PyDict_Check(names)) {
        PyErr_Format(PyExc_TypeError, "bin names must be a list of str, not %.80s", Py_TYPE(names)->tp_name);
        return false;
    }
    const ref fixed = ref::take(PySequence_Tuple(names));
    if (!fixed) return false;
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(fixed.get()); ++i) {
        if (!append(PyTuple_GET_ITEM(fixed.get(), i), to)) return false;
    }
    return true;
}

// A number for INCR, text or bytes for APPEND and PREPEND.
bool check_operand(op_code code, PyObject* value) {
    if (code == op_code::incr) {
        if (!PyBool_Check(value) && (PyLong_Check(value) || PyFloat_Check(value) || PyNumber_Check(value))) return true;
        PyErr_Format(PyExc_TypeError, "an increment must be an int or a float, not %.80s", Py_TYPE(value)->tp_name);
        return false;
    }
    if (PyUnicode_Check(value) || PyBytes_Check(value) || PyByteArray_Check(value) || PyMemoryView_Check(value)) {
        return true;
    }
    PyErr_Format(PyExc_TypeError, "append and prepend take a str or bytes, not %.80s", Py_TYPE(value)->tp_name);
    return false;
}

// ---- operations of `operate` ----------------------------------------------------------------------------------------

struct operation {
    long code = 0;
    ref bin;    // null when the dict has none, or None
    ref value;  // likewise
};

// The entry of a dict, with None as absent.
bool optional_item(PyObject* dict, PyObject* key, ref& to) {
    if (dict_item(dict, key, to) < 0) return false;
    if (to.get() == Py_None) to.reset();
    return true;
}

bool read_operation(PyObject* dict, operation& to) {
    if (!PyDict_Check(dict)) {
        PyErr_Format(PyExc_TypeError, "an operation must be a dict, not %.80s", Py_TYPE(dict)->tp_name);
        return false;
    }
    ref code;
    if (!optional_item(dict, the_state.op, code) || !optional_item(dict, the_state.bin, to.bin) ||
        !optional_item(dict, the_state.val, to.value)) {
        return false;
    }
    if (!code) {
        raise_invalid_argument("an operation needs its code under 'op'");
        return false;
    }
    to.code = PyLong_AsLong(code.get());
    return to.code != -1 || PyErr_Occurred() == nullptr;
}

// The family of an operation this release does not carry out, or null for a number that means nothing.
const char* family_of(long code) noexcept {
    if (code > 1000 && code < 1100) return "list";
    if (code > 2000 && code < 2100) return "map";
    if (code > 3000 && code < 3100) return "HyperLogLog";
    if (code > 4000 && code < 4100) return "bit";
    return nullptr;
}

bool reject_operation(const operation& what) {
    const char* const family = family_of(what.code);
    if (family == nullptr) {
        raise_invalid_argument("unknown operation: 'op' is %ld", what.code);
    } else if (what.bin) {
        raise_invalid_argument("%s operation %ld on bin %R is not available in this release", family, what.code,
                               what.bin.get());
    } else {
        raise_invalid_argument("%s operation %ld is not available in this release", family, what.code);
    }
    return false;
}

bool append_write(op_code code, const operation& what, op_list& to) {
    std::string_view name;
    if (!what.bin) return raise_invalid_argument("operation %ld needs a bin name under 'bin'", what.code), false;
    if (!bin_name_of(what.bin.get(), name)) return false;
    to.info2 |= wire::info2::write;
    if (code == op_code::write) return append_value_op(to.bytes, code, name, what.value ? what.value.get() : Py_None);
    if (what.value) {
        return check_operand(code, what.value.get()) && append_value_op(to.bytes, code, name, what.value.get());
    }
    if (code != op_code::incr) return raise_invalid_argument("operation %ld needs 'val'", what.code), false;
    const ref one = ref::take(PyLong_FromLong(1));
    return one && append_value_op(to.bytes, code, name, one.get());
}

bool append_operation(const operation& what, op_list& to) {
    switch (what.code) {
        case static_cast<long>(op_code::read): {
            std::string_view name;
            to.info1 |= wire::info1::read;
            if (!what.bin) {
                to.info1 |= wire::info1::get_all;  // no name: every bin
            } else if (!bin_name_of(what.bin.get(), name)) {
                return false;
            }
            wire::append_op(to.bytes, op_code::read, particle::null, name, {});
            return true;
        }
        case static_cast<long>(op_code::write): return append_write(op_code::write, what, to);
        case static_cast<long>(op_code::incr): return append_write(op_code::incr, what, to);
        case static_cast<long>(op_code::append): return append_write(op_code::append, what, to);
        case static_cast<long>(op_code::prepend): return append_write(op_code::prepend, what, to);
        case static_cast<long>(op_code::touch):
            to.info2 |= wire::info2::write;
            wire::append_op(to.bytes, op_code::touch, particle::null, {}, {});
            return true;
        case 12:  // OPERATOR_DELETE; on the wire it is DELETE_ALL
            to.info2 |= wire::info2::write;
            wire::append_op(to.bytes, op_code::delete_all, particle::null, {}, {});
            return true;
        default: return reject_operation(what);
    }
}

}  // namespace

bool parse_bins(PyObject* bins, op_list& to) {
    if (!PyDict_Check(bins)) {
        PyErr_Format(PyExc_TypeError, "bins must be a dict, not %.80s", Py_TYPE(bins)->tp_name);
        return false;
    }
    to.info2 |= wire::info2::write;
    const critical_section alone(bins);
    const Py_ssize_t count = PyDict_GET_SIZE(bins);
    Py_ssize_t position = 0, seen = 0;
    PyObject *next_name = nullptr, *next_value = nullptr;
    while (PyDict_GET_SIZE(bins) == count && PyDict_Next(bins, &position, &next_name, &next_value)) {
        const ref name = ref::share(next_name), value = ref::share(next_value);
        std::string_view text;
        if (!bin_name_of(name.get(), text) || !count_op(to) ||
            !append_value_op(to.bytes, op_code::write, text, value.get())) {
            return false;
        }
        ++seen;
    }
    if (seen == count && PyDict_GET_SIZE(bins) == count) return true;
    PyErr_SetString(PyExc_RuntimeError, "dictionary changed size during iteration");
    return false;
}

bool parse_bin_names(PyObject* names, op_list& to) {
    if (names == nullptr || names == Py_None) return every_bin(to), true;
    if (!each_name(names, append_read, to)) return false;
    if (to.count == 0) return no_bins(to), true;
    to.info1 |= wire::info1::read;
    return true;
}

bool parse_removed_bins(PyObject* names, op_list& to) {
    to.info2 |= wire::info2::write;
    if (!each_name(names, append_removal, to)) return false;
    if (to.count != 0) return true;
    raise_invalid_argument("remove_bin needs the name of a bin at least");
    return false;
}

bool parse_modification(op_code code, PyObject* bin, PyObject* value, op_list& to) {
    std::string_view name;
    to.info2 |= wire::info2::write;
    return bin_name_of(bin, name) && check_operand(code, value) && count_op(to) &&
           append_value_op(to.bytes, code, name, value);
}

bool parse_ops(PyObject* ops, bool every_op_answers, op_list& to) {
    if (!PyList_Check(ops) && !PyTuple_Check(ops)) {
        PyErr_Format(PyExc_TypeError, "operations must be a list of dicts, not %.80s", Py_TYPE(ops)->tp_name);
        return false;
    }
    const ref fixed = ref::take(PySequence_Tuple(ops));
    if (!fixed) return false;
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(fixed.get()); ++i) {
        operation next;
        if (!read_operation(PyTuple_GET_ITEM(fixed.get(), i), next) || !count_op(to) || !append_operation(next, to)) {
            return false;
        }
    }
    if (to.count == 0) return raise_invalid_argument("operate needs an operation at least"), false;
    // Reading every bin and answering every operation exclude each other on the server.
    const bool reads_all = (to.info1 & wire::info1::get_all) != 0;
    if (every_op_answers && !reads_all) to.info2 |= wire::info2::respond_all_ops;
    return true;
}

void every_bin(op_list& to) noexcept { to.info1 |= wire::info1::read | wire::info1::get_all; }
void no_bins(op_list& to) noexcept { to.info1 |= wire::info1::read | wire::info1::get_no_bins; }
void touch_op(op_list& to) {
    to.info2 |= wire::info2::write;
    ++to.count;
    wire::append_op(to.bytes, op_code::touch, particle::null, {}, {});
}
void delete_record(op_list& to) noexcept { to.info2 |= wire::info2::write | wire::info2::delete_record; }

}  // namespace aero::py
