#include "convert/policy_fields.h"

#include "errors.h"

namespace aero::py {

namespace {

constexpr std::array<const char*, policy_field_count> field_names{
    "socket_timeout",
    "total_timeout",
    "max_retries",
    "sleep_between_retries",
    "timeout_delay",
    "compress",
    "replica",
    "read_mode_ap",
    "read_touch_ttl_percent",
    "key",
    "exists",
    "gen",
    "commit_level",
    "ttl",
    "durable_delete",
    "concurrency",
    "allow_inline",
    "allow_inline_ssd",
    "respond_all_keys",
    "filter_expression",
    "timeout",
};

std::array<PyObject*, policy_field_count> interned{};  // filled while the module executes, for good

template <class... Field>
constexpr uint32_t bits(Field... fields) noexcept {
    return (0u | ... | (1u << static_cast<unsigned>(fields)));
}

using enum policy_field;
constexpr uint32_t transport_bits =
    bits(socket_timeout, total_timeout, max_retries, sleep_between_retries, timeout_delay, compress);
constexpr uint32_t read_bits = bits(read_mode_ap, read_touch_ttl_percent, filter_expression);
constexpr uint32_t delete_bits = bits(key, gen, commit_level, durable_delete);
constexpr uint32_t write_bits = delete_bits | bits(exists, ttl);
constexpr uint32_t batch_bits = bits(concurrency, allow_inline, allow_inline_ssd, respond_all_keys, replica);

// The field of a key, or count_. Keys written as literals are interned, so identity finds them.
policy_field field_of(PyObject* key) noexcept {
    for (size_t i = 0; i < interned.size(); ++i) {
        if (interned[i] == key) return static_cast<policy_field>(i);
    }
    for (size_t i = 0; i < interned.size(); ++i) {
        if (PyUnicode_CompareWithASCIIString(key, field_names[i]) == 0) return static_cast<policy_field>(i);
    }
    return count_;
}

bool read_entry(PyObject* key, PyObject* value, const policy_kind& kind, bool strict, policy_fields& to) {
    if (!PyUnicode_Check(key)) {
        PyErr_Format(PyExc_TypeError, "keys of a %s must be str, not %.80s", kind.what, Py_TYPE(key)->tp_name);
        return false;
    }
    const policy_field which = field_of(key);
    if (which == count_ || (kind.known >> static_cast<unsigned>(which) & 1) == 0) {
        return report_unknown_key(kind.name, key, strict);
    }
    if (which == filter_expression) {
        if (value == Py_None) return true;
        raise_invalid_argument("filter_expression is not available in this release");
        return false;
    }
    int64_t number = 0;
    if (!field_value(value, number)) return false;
    to.set(which, number);
    return true;
}

}  // namespace

const policy_kind read_kind{"read", "policy", transport_bits | read_bits | bits(replica)};
const policy_kind write_kind{"write", "policy", transport_bits | read_bits | write_bits};
const policy_kind batch_kind{"batch", "policy", transport_bits | read_bits | write_bits | batch_bits};
const policy_kind admin_kind{"admin", "policy", bits(timeout)};
const policy_kind meta_kind{"meta", "meta", write_bits};
const policy_kind delete_meta_kind{"delete_meta", "meta", delete_bits};

const char* name_of_field(policy_field which) noexcept { return field_names[static_cast<size_t>(which)]; }

bool policy_kind::knows(PyObject* name_of_key) const noexcept {
    const policy_field which = field_of(name_of_key);
    return which != count_ && (known >> static_cast<unsigned>(which) & 1) != 0;
}

bool field_value(PyObject* value, int64_t& to) {
    const ref number = PyLong_CheckExact(value) ? ref::share(value) : ref::take(PyNumber_Index(value));
    if (!number) return false;
    int overflow = 0;
    to = small_int(number.get(), overflow);
    if (overflow != 0) to = overflow > 0 ? INT64_MAX : INT64_MIN;
    return true;
}

bool report_unknown_key(const char* kind, PyObject* key, bool strict) {
    const ref module = ref::take(PyImport_ImportModule("aerospike_py._policies"));
    if (!module) return false;
    const ref said = ref::take(PyObject_CallMethod(module.get(), "unknown_key", "sOi", kind, key, strict ? 1 : 0));
    return static_cast<bool>(said);
}

bool read_fields(PyObject* dict, const policy_kind& kind, bool strict, policy_fields& to) {
    if (!PyDict_Check(dict)) {
        PyErr_Format(PyExc_TypeError, "%s must be a dict, not %.80s", kind.what, Py_TYPE(dict)->tp_name);
        return false;
    }
    const critical_section alone(dict);
    const Py_ssize_t count = PyDict_GET_SIZE(dict);
    Py_ssize_t position = 0;
    PyObject *next_key = nullptr, *next_value = nullptr;
    while (PyDict_Next(dict, &position, &next_key, &next_value)) {
        const ref key = ref::share(next_key), value = ref::share(next_value);
        if (!read_entry(key.get(), value.get(), kind, strict, to)) return false;
        if (PyDict_GET_SIZE(dict) != count) {
            PyErr_SetString(PyExc_RuntimeError, "dictionary changed size during iteration");
            return false;
        }
    }
    return true;
}

bool intern_fields() {
    for (size_t i = 0; i < interned.size(); ++i) {
        interned[i] = PyUnicode_InternFromString(field_names[i]);
        if (interned[i] == nullptr) return false;
    }
    return true;
}

}  // namespace aero::py
