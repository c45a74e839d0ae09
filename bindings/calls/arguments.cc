#include "calls/arguments.h"

#include <string>

namespace aero::py {

bool parameters::prepare() {
    for (size_t i = 0; i < of_.count; ++i) {
        if (interned_[i] != nullptr) continue;
        interned_[i] = PyUnicode_InternFromString(of_.names[i]);
        if (interned_[i] == nullptr) return false;
    }
    return true;
}

bool parameters::bind(PyObject* const* given, Py_ssize_t positional, PyObject* keywords, const char* owner,
                      argument_slots& slots) const noexcept {
    slots.fill(nullptr);
    if (positional > of_.count) return too_many(owner, positional);
    for (Py_ssize_t i = 0; i < positional; ++i) slots[static_cast<size_t>(i)] = given[i];
    const Py_ssize_t named = keywords == nullptr ? 0 : PyTuple_GET_SIZE(keywords);
    for (Py_ssize_t i = 0; i < named; ++i) {
        PyObject* keyword = PyTuple_GET_ITEM(keywords, i);
        const int index = index_of(keyword);
        if (index < 0) {
            PyErr_Format(PyExc_TypeError, "%s.%s() got an unexpected keyword argument '%U'", owner, of_.method,
                         keyword);
            return false;
        }
        PyObject*& slot = slots[static_cast<size_t>(index)];
        if (slot != nullptr) {
            PyErr_Format(PyExc_TypeError, "%s.%s() got multiple values for argument '%U'", owner, of_.method, keyword);
            return false;
        }
        slot = given[positional + i];
    }
    for (size_t i = 0; i < of_.required; ++i)
        if (slots[i] == nullptr) return missing(owner, slots);
    return true;
}

int parameters::index_of(PyObject* keyword) const noexcept {
    for (int i = 0; i < of_.count; ++i)
        if (interned_[static_cast<size_t>(i)] == keyword) return i;
    for (int i = 0; i < of_.count; ++i)
        if (PyUnicode_CompareWithASCIIString(keyword, of_.names[static_cast<size_t>(i)]) == 0) return i;
    return -1;
}

bool parameters::too_many(const char* owner, Py_ssize_t positional) const noexcept {
    // Counted with self, as CPython counts.
    const int least = of_.required + 1, most = of_.count + 1;
    const Py_ssize_t given = positional + 1;
    if (least == most)
        PyErr_Format(PyExc_TypeError, "%s.%s() takes %d positional argument%s but %zd were given", owner, of_.method,
                     most, most == 1 ? "" : "s", given);
    else
        PyErr_Format(PyExc_TypeError, "%s.%s() takes from %d to %d positional arguments but %zd were given", owner,
                     of_.method, least, most, given);
    return false;
}

bool parameters::missing(const char* owner, const argument_slots& slots) const noexcept {
    std::string names;
    int count = 0, left = 0;
    for (size_t i = 0; i < of_.required; ++i) count += slots[i] == nullptr;
    left = count;
    for (size_t i = 0; i < of_.required; ++i) {
        if (slots[i] != nullptr) continue;
        if (left != count) names += left == 1 ? (count == 2 ? " and " : ", and ") : ", ";
        names.append("'").append(of_.names[i]).append("'");
        --left;
    }
    PyErr_Format(PyExc_TypeError, "%s.%s() missing %d required positional argument%s: %s", owner, of_.method, count,
                 count == 1 ? "" : "s", names.c_str());
    return false;
}

}  // namespace aero::py
