#include "convert/roles.h"

#include <algorithm>
#include <array>

#include "convert/policy_fields.h"
#include "errors.h"

namespace aero::py {
namespace {

constexpr std::array<std::pair<std::string_view, privilege_code>, 13> privilege_names{{
    {"user-admin", privilege_code::user_admin},
    {"sys-admin", privilege_code::sys_admin},
    {"data-admin", privilege_code::data_admin},
    {"udf-admin", privilege_code::udf_admin},
    {"sindex-admin", privilege_code::sindex_admin},
    {"read", privilege_code::read},
    {"read-write", privilege_code::read_write},
    {"read-write-udf", privilege_code::read_write_udf},
    {"write", privilege_code::write},
    {"truncate", privilege_code::truncate},
    {"masking-admin", privilege_code::masking_admin},
    {"read-masked", privilege_code::read_masked},
    {"write-masked", privilege_code::write_masked},
}};

// A name in any case, with `_` for `-`.
bool same_name(std::string_view given, std::string_view name) noexcept {
    return std::ranges::equal(given, name, [](char a, char b) {
        if (a >= 'A' && a <= 'Z') a = static_cast<char>(a - 'A' + 'a');
        return (a == '_' ? '-' : a) == b;
    });
}

bool parse_code(PyObject* given, privilege_code& to) {
    if (PyUnicode_Check(given)) {
        std::string_view text;
        if (!text_of(given, text)) return false;
        for (const auto& [name, what] : privilege_names)
            if (same_name(text, name)) return to = what, true;
    } else {
        int64_t number = 0;
        if (!field_value(given, number)) return false;
        for (const auto& [name, what] : privilege_names)
            if (static_cast<int64_t>(what) == number) return to = what, true;
    }
    return raise_invalid_argument("%R is no privilege: give one of the PRIV_ constants or a name like 'read-write'",
                                  given),
           false;
}

bool parse_scope(PyObject* given, const char* key, std::string& to) {
    if (given == Py_None) return true;
    if (!PyUnicode_Check(given)) {
        PyErr_Format(PyExc_TypeError, "a privilege's '%s' must be str, not %s", key, Py_TYPE(given)->tp_name);
        return false;
    }
    std::string_view text;
    if (!text_of(given, text)) return false;
    to = text;
    return true;
}

bool parse_privilege(PyObject* given, privilege& to) {
    if (!PyDict_Check(given)) {
        PyErr_Format(PyExc_TypeError, "a privilege must be a dict, not %s", Py_TYPE(given)->tp_name);
        return false;
    }
    const ref entries = ref::take(PyDict_Items(given));
    if (!entries) return false;
    bool has_code = false;
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(entries.get()); ++i) {
        PyObject* const entry = PyList_GET_ITEM(entries.get(), i);
        PyObject *const key = PyTuple_GET_ITEM(entry, 0), *const value = PyTuple_GET_ITEM(entry, 1);
        std::string_view name;
        if (PyUnicode_Check(key) && !text_of(key, name)) return false;
        if (name == "code") {
            if (!parse_code(value, to.what)) return false;
            has_code = true;
        } else if (name == "ns" || name == "set") {
            if (!parse_scope(value, name == "ns" ? "ns" : "set", name == "ns" ? to.name_space : to.set)) return false;
        } else {
            return raise_invalid_argument("a privilege has no key %R: it has 'code', 'ns' and 'set'", key), false;
        }
    }
    if (has_code) return true;
    return raise_invalid_argument("a privilege needs a 'code': %R", given), false;
}

// Calls `each(item)` for every item of a list; a str is none.
template <class Each>
bool for_each_item(PyObject* given, const char* what, const char* wanted, Each&& each) {
    if (PyUnicode_Check(given) || PyBytes_Check(given) || PyDict_Check(given)) {
        PyErr_Format(PyExc_TypeError, "%s must be a list of %s, not %s", what, wanted, Py_TYPE(given)->tp_name);
        return false;
    }
    const ref items = ref::take(PySequence_Tuple(given));
    if (!items) return false;
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(items.get()); ++i)
        if (!each(PyTuple_GET_ITEM(items.get(), i))) return false;
    return true;
}

template <class Items, class Make>
PyObject* new_list(const Items& items, Make&& make) {
    ref list = ref::take(PyList_New(static_cast<Py_ssize_t>(items.size())));
    if (!list) return nullptr;
    Py_ssize_t place = 0;
    for (const auto& each : items) {
        PyObject* made = make(each);
        if (made == nullptr) return nullptr;
        PyList_SET_ITEM(list.get(), place++, made);
    }
    return list.release();
}

// Takes over `value`, which may be null with an exception.
bool set_entry(PyObject* dict, const char* key, PyObject* value) {
    const ref owned = ref::take(value);
    return owned && PyDict_SetItemString(dict, key, owned.get()) == 0;
}

PyObject* new_names(const std::vector<std::string>& names) {
    return new_list(names, [](const std::string& each) { return new_text(each); });
}

PyObject* new_numbers(const std::vector<uint32_t>& numbers) {
    return new_list(numbers, [](uint32_t each) { return PyLong_FromUnsignedLong(each); });
}

PyObject* new_privilege(const privilege& from) {
    ref made = ref::take(PyDict_New());
    if (!made || !set_entry(made.get(), "code", PyLong_FromLong(static_cast<long>(from.what)))) return nullptr;
    if (!from.name_space.empty() && !set_entry(made.get(), "ns", new_text(from.name_space))) return nullptr;
    if (!from.set.empty() && !set_entry(made.get(), "set", new_text(from.set))) return nullptr;
    return made.release();
}

}  // namespace

bool parse_names(PyObject* given, const char* what, std::vector<std::string>& to) {
    return for_each_item(given, what, "str", [&](PyObject* item) {
        if (!PyUnicode_Check(item)) {
            PyErr_Format(PyExc_TypeError, "%s must be a list of str, not of %s", what, Py_TYPE(item)->tp_name);
            return false;
        }
        std::string_view text;
        if (!text_of(item, text)) return false;
        to.emplace_back(text);
        return true;
    });
}

bool parse_privileges(PyObject* given, std::vector<privilege>& to) {
    return for_each_item(given, "privileges", "dicts",
                         [&](PyObject* item) { return parse_privilege(item, to.emplace_back()); });
}

PyObject* new_user(const user_info& from) {
    ref made = ref::take(PyDict_New());
    const bool filled = made && set_entry(made.get(), "user", new_text(from.name)) &&
                        set_entry(made.get(), "roles", new_names(from.roles)) &&
                        set_entry(made.get(), "conns_in_use", PyLong_FromUnsignedLong(from.connections)) &&
                        (from.reads.empty() || set_entry(made.get(), "read_info", new_numbers(from.reads))) &&
                        (from.writes.empty() || set_entry(made.get(), "write_info", new_numbers(from.writes)));
    return filled ? made.release() : nullptr;
}

PyObject* new_role(const role_info& from) {
    ref made = ref::take(PyDict_New());
    const bool filled = made && set_entry(made.get(), "name", new_text(from.name)) &&
                        set_entry(made.get(), "privileges", new_list(from.privileges, new_privilege)) &&
                        set_entry(made.get(), "allowlist", new_names(from.allowlist)) &&
                        set_entry(made.get(), "read_quota", PyLong_FromUnsignedLong(from.read_quota)) &&
                        set_entry(made.get(), "write_quota", PyLong_FromUnsignedLong(from.write_quota));
    return filled ? made.release() : nullptr;
}

}  // namespace aero::py
