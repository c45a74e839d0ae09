#include "convert/config_hedging.h"

#include "convert/policy_fields.h"
#include "errors.h"

namespace aero::py {

namespace {

constexpr int64_t after_ms_max = 60'000;

bool number(PyObject* value, const char* name, double& to) {
    if (!PyFloat_Check(value) && !PyIndex_Check(value)) {
        PyErr_Format(PyExc_TypeError, "hedged_reads: %s must be a number, not %.80s", name, Py_TYPE(value)->tp_name);
        return false;
    }
    to = PyFloat_AsDouble(value);
    return to != -1.0 || PyErr_Occurred() == nullptr;
}

bool entry(std::string_view name, PyObject* value, hedge_config& to) {
    if (name == "after_ms") {
        int64_t given = 0;
        if (!field_value(value, given)) return false;
        if (given >= 1 && given <= after_ms_max) return to.after_ms = static_cast<uint32_t>(given), true;
        raise_invalid_argument("hedged_reads: after_ms out of range: %lld (1 .. %lld)", static_cast<long long>(given),
                               static_cast<long long>(after_ms_max));
        return false;
    }
    if (name == "percentile") {
        if (!number(value, "percentile", to.percentile)) return false;
        if (to.percentile > 0 && to.percentile < 100) return true;
        raise_invalid_argument("hedged_reads: percentile must be above 0 and below 100, not %S", value);
        return false;
    }
    if (name == "share") {
        if (!number(value, "share", to.share)) return false;
        if (to.share > 0 && to.share <= 1) return true;
        raise_invalid_argument("hedged_reads: share must be above 0 and at most 1, not %S", value);
        return false;
    }
    raise_invalid_argument("hedged_reads has an unknown key '%.100s' (after_ms, percentile, share)",
                           std::string(name).c_str());
    return false;
}

}  // namespace

bool parse_hedging(PyObject* given, hedge_config& to) {
    if (given == Py_None) return true;
    if (!PyDict_Check(given)) {
        PyErr_Format(PyExc_TypeError, "hedged_reads must be a dict, not %.80s", Py_TYPE(given)->tp_name);
        return false;
    }
    const ref snapshot = ref::take(PyDict_Copy(given));  // reading the values may run Python code
    if (!snapshot) return false;
    PyObject *key = nullptr, *value = nullptr;
    for (Py_ssize_t position = 0; PyDict_Next(snapshot.get(), &position, &key, &value);) {
        std::string_view name;
        if (!PyUnicode_Check(key)) {
            PyErr_Format(PyExc_TypeError, "keys of hedged_reads must be str, not %.80s", Py_TYPE(key)->tp_name);
            return false;
        }
        if (!text_of(key, name) || !entry(name, value, to)) return false;
    }
    if ((to.after_ms != 0) != (to.percentile != 0)) return true;
    raise_invalid_argument("hedged_reads must say when: either after_ms or percentile");
    return false;
}

}  // namespace aero::py
