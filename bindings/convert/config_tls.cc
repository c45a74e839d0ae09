#include "convert/config_tls.h"

#include <string>

#include "convert/policy_fields.h"
#include "errors.h"

namespace aero::py {

namespace {

bool wrong_type(const char* name, const char* wanted, PyObject* value) {
    PyErr_Format(PyExc_TypeError, "tls: %s must be %s, not %.80s", name, wanted, Py_TYPE(value)->tp_name);
    return false;
}

// Text, or bytes where the value is what a file would hold.
bool text_or_bytes(PyObject* value, const char* name, bool bytes_too, std::string_view& to) {
    if (PyUnicode_Check(value)) return text_of(value, to);
    if (bytes_too && PyBytes_Check(value)) {
        to = {PyBytes_AS_STRING(value), static_cast<size_t>(PyBytes_GET_SIZE(value))};
        return true;
    }
    return wrong_type(name, bytes_too ? "bytes or str" : "a str", value);
}

bool plain_text(PyObject* value, const char* name, std::string& to) {
    std::string_view text;
    if (!text_or_bytes(value, name, false, text)) return false;
    to = text;
    return true;
}

bool path(PyObject* value, std::string& to) {
    const ref encoded = [&] {
        PyObject* made = nullptr;
        return ref::take(PyUnicode_FSConverter(value, &made) != 0 ? made : nullptr);
    }();
    if (!encoded) return false;
    to.assign(PyBytes_AS_STRING(encoded.get()), static_cast<size_t>(PyBytes_GET_SIZE(encoded.get())));
    return true;
}

bool pem(PyObject* value, const char* name, std::string& to) {
    std::string_view text;
    if (!text_or_bytes(value, name, true, text)) return false;
    to = text;
    return true;
}

bool hidden(PyObject* value, const char* name, secret& to) {
    std::string_view text;
    if (!text_or_bytes(value, name, true, text)) return false;
    to = secret(text);
    return true;
}

bool flag(PyObject* value, bool& to) {
    int64_t number = 0;
    if (!field_value(value, number)) return false;
    to = number != 0;
    return true;
}

bool entry(std::string_view name, PyObject* value, tls_config& to, bool& known) {
    known = true;
    if (name == "enable") return flag(value, to.enable);
    if (value == Py_None) value = nullptr;  // as if it were not there
    if (name == "cafile") return value == nullptr || path(value, to.cafile);
    if (name == "capath") return value == nullptr || path(value, to.capath);
    if (name == "cadata") return value == nullptr || pem(value, "cadata", to.cadata);
    if (name == "certfile") return value == nullptr || path(value, to.certfile);
    if (name == "certdata") return value == nullptr || pem(value, "certdata", to.certdata);
    if (name == "keyfile") return value == nullptr || path(value, to.keyfile);
    if (name == "keydata") return value == nullptr || hidden(value, "keydata", to.keydata);
    if (name == "keyfile_pw") return value == nullptr || hidden(value, "keyfile_pw", to.keyfile_pw);
    if (name == "protocols") return value == nullptr || plain_text(value, "protocols", to.protocols);
    if (name == "cipher_suite") return value == nullptr || plain_text(value, "cipher_suite", to.cipher_suite);
    if (name == "for_login_only") return value == nullptr || flag(value, to.for_login_only);
    if (name == "crl_check") return value == nullptr || flag(value, to.crl_check);
    if (name == "crl_check_all") return value == nullptr || flag(value, to.crl_check_all);
    known = false;
    return true;
}

}  // namespace

bool parse_tls(PyObject* given, tls_config& to, std::vector<ref>& unknown) {
    if (given == Py_None) return true;
    if (!PyDict_Check(given)) {
        PyErr_Format(PyExc_TypeError, "tls must be a dict, not %.80s", Py_TYPE(given)->tp_name);
        return false;
    }
    const ref snapshot = ref::take(PyDict_Copy(given));  // reading the values may run Python code
    if (!snapshot) return false;
    to.enable = PyDict_GET_SIZE(snapshot.get()) != 0;
    PyObject *key = nullptr, *value = nullptr;
    for (Py_ssize_t position = 0; PyDict_Next(snapshot.get(), &position, &key, &value);) {
        std::string_view name;
        if (!PyUnicode_Check(key)) {
            PyErr_Format(PyExc_TypeError, "keys of tls must be str, not %.80s", Py_TYPE(key)->tp_name);
            return false;
        }
        bool known = true;
        if (!text_of(key, name) || !entry(name, value, to, known)) return false;
        if (!known) unknown.push_back(ref::share(key));
    }
    return true;
}

}  // namespace aero::py
