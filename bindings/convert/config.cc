// The client's configuration: the part of policy.h that is read once per client.
#include <charconv>
#include <string>

#include "convert/config_hedging.h"
#include "convert/config_tls.h"
#include "convert/policy.h"
#include "convert/policy_fields.h"
#include "errors.h"

namespace aero::py {

namespace {

bool config_text(PyObject* value, const char* name, std::string& to) {
    if (value == Py_None) return true;
    if (!PyUnicode_Check(value)) {
        PyErr_Format(PyExc_TypeError, "%s must be a str, not %.80s", name, Py_TYPE(value)->tp_name);
        return false;
    }
    std::string_view text;
    if (!text_of(value, text)) return false;
    to = text;
    return true;
}

bool config_object(PyObject* value, const char* name, ref& to) {
    std::string checked;
    if (!config_text(value, name, checked)) return false;
    if (value != Py_None) to = ref::share(value);
    return true;
}

bool config_number(PyObject* value, const char* name, uint32_t& to) {
    int64_t number = 0;
    if (!field_value(value, number)) return false;
    if (number >= 0 && number <= int64_t{UINT32_MAX}) return to = static_cast<uint32_t>(number), true;
    raise_invalid_argument("%s out of range: %lld (0 .. 4294967295)", name, static_cast<long long>(number));
    return false;
}

bool config_bool(PyObject* value, const char* name, bool& to) {
    int64_t number = 0;
    if (!PyIndex_Check(value)) {
        PyErr_Format(PyExc_TypeError, "%s must be a bool, not %.80s", name, Py_TYPE(value)->tp_name);
        return false;
    }
    if (!field_value(value, number)) return false;
    to = number != 0;
    return true;
}

constexpr int64_t rack_max = 1'000'000;

bool add_rack(PyObject* value, std::vector<int>& to) {
    int64_t number = 0;
    if (!field_value(value, number)) return false;
    if (number >= 0 && number <= rack_max) return to.push_back(static_cast<int>(number)), true;
    raise_invalid_argument("a rack id out of range: %lld (0 .. %lld)", static_cast<long long>(number),
                           static_cast<long long>(rack_max));
    return false;
}

// A list of ids, best first.
bool config_racks(PyObject* value, std::vector<int>& to) {
    to.clear();
    if (value == Py_None) return true;
    if (!PyList_Check(value) && !PyTuple_Check(value)) {
        PyErr_Format(PyExc_TypeError, "rack_ids must be a list of int, not %.80s", Py_TYPE(value)->tp_name);
        return false;
    }
    const ref fixed = ref::take(PySequence_Tuple(value));
    if (!fixed) return false;
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(fixed.get()); ++i) {
        if (!add_rack(PyTuple_GET_ITEM(fixed.get(), i), to)) return false;
    }
    return true;
}

// One entry; `known` is false when nobody knows its name.
bool config_entry(std::string_view name, PyObject* value, parsed_config& to, bool& known,
                  std::vector<ref>& unknown_of_tls) {
    client_config& native = to.native;
    uint32_t unused = 0, mode = 0;
    known = true;
    if (name == "hosts") return to.hosts = ref::share(value), true;
    if (name == "cluster_name") return config_text(value, "cluster_name", native.cluster_name);
    if (name == "user") return config_object(value, "user", to.user);
    if (name == "password") return config_object(value, "password", to.password);
    if (name == "auth_mode") {
        if (!config_number(value, "auth_mode", mode)) return false;
        if (mode <= static_cast<uint32_t>(auth_mode::pki)) return native.auth = static_cast<auth_mode>(mode), true;
        raise_invalid_argument("auth_mode out of range: %u (AUTH_INTERNAL, AUTH_EXTERNAL or AUTH_PKI)", mode);
        return false;
    }
    if (name == "timeout") return config_number(value, "timeout", native.connect_timeout_ms);
    if (name == "idle_timeout") return config_number(value, "idle_timeout", native.idle_timeout_s);
    if (name == "max_conns_per_node") {
        return config_number(value, "max_conns_per_node", native.connections_per_node_max);
    }
    if (name == "min_conns_per_node") {
        return config_number(value, "min_conns_per_node", native.connections_per_node_min);
    }
    if (name == "max_connecting_per_node") {
        if (!config_number(value, "max_connecting_per_node", native.connecting_per_node_max)) return false;
        if (native.connecting_per_node_max > 0) return true;
        raise_invalid_argument("max_connecting_per_node must be at least 1: without a connect there is no connection");
        return false;
    }
    if (name == "conn_pools_per_node") return config_number(value, "conn_pools_per_node", unused);
    if (name == "tend_interval") return config_number(value, "tend_interval", native.tend_interval_ms);
    if (name == "early_tend") return config_bool(value, "early_tend", native.early_tend);
    if (name == "use_services_alternate")
        return config_bool(value, "use_services_alternate", native.use_services_alternate);
    if (name == "merge_concurrent_reads")
        return config_bool(value, "merge_concurrent_reads", native.merge_concurrent_reads);
    if (name == "split_large_batches") return config_bool(value, "split_large_batches", native.split_large_batches);
    if (name == "circuit_breaker") return config_bool(value, "circuit_breaker", native.circuit_breaker);
    if (name == "retry_budget") return config_bool(value, "retry_budget", native.retry_budget);
    if (name == "hedged_reads") return parse_hedging(value, native.hedged_reads);
    if (name == "adaptive_concurrency") return config_bool(value, "adaptive_concurrency", native.adaptive_concurrency);
    if (name == "rack_ids") return config_racks(value, native.rack_ids);
    if (name == "max_concurrent_operations") {
        return config_number(value, "max_concurrent_operations", native.max_concurrent_operations);
    }
    if (name == "operation_queue_timeout_ms") {
        return config_number(value, "operation_queue_timeout_ms", native.operation_queue_timeout_ms);
    }
    if (name == "tls") return parse_tls(value, native.tls, unknown_of_tls);
    if (name == "strict") return config_bool(value, "strict", to.strict);
    known = false;
    return true;
}

bool read_entries(PyObject* config, parsed_config& to) {
    PyObject *key = nullptr, *value = nullptr;
    std::vector<ref> unknown, unknown_of_tls;
    for (Py_ssize_t position = 0; PyDict_Next(config, &position, &key, &value);) {
        std::string_view name;
        if (!PyUnicode_Check(key)) {
            PyErr_Format(PyExc_TypeError, "keys of the config must be str, not %.80s", Py_TYPE(key)->tp_name);
            return false;
        }
        bool known = true;
        if (!text_of(key, name) || !config_entry(name, value, to, known, unknown_of_tls)) return false;
        if (!known) unknown.push_back(ref::share(key));
    }
    for (const ref& each : unknown) {  // at the end, when `strict` is known
        if (!report_unknown_key("config", each.get(), to.strict)) return false;
    }
    for (const ref& each : unknown_of_tls) {
        if (!report_unknown_key("tls", each.get(), to.strict)) return false;
    }
    return true;
}

// ---- hosts ----------------------------------------------------------------------------------------------------------

bool invalid_port(PyObject* shown) {
    PyErr_Format(PyExc_ValueError, "Invalid port: %R (1 .. 65535)", shown);
    return false;
}

// "host", "host:port", "[v6]:port"; an address with several colons and no brackets is IPv6 without a port.
bool host_from_text(PyObject* object, host& to) {
    std::string_view text;
    if (!text_of(object, text)) return false;
    std::string_view port;
    bool has_port = false;
    if (text.starts_with('[') && text.find(']') != std::string_view::npos) {
        const size_t end = text.find(']');
        to.name = text.substr(1, end - 1);
        port = text.substr(end + 1);
        has_port = !port.empty();
        if (has_port && port[0] != ':') return invalid_port(object);
        if (has_port) port.remove_prefix(1);
    } else if (const size_t colon = text.find(':'); colon != std::string_view::npos && text.rfind(':') == colon) {
        to.name = text.substr(0, colon);
        port = text.substr(colon + 1);
        has_port = true;
    } else {
        to.name = text;
    }
    if (has_port) {
        const auto [end, failure] = std::from_chars(port.data(), port.data() + port.size(), to.port);
        if (failure != std::errc{} || end != port.data() + port.size() || to.port == 0) return invalid_port(object);
    }
    if (!to.name.empty()) return true;
    PyErr_Format(PyExc_ValueError, "Invalid host: %R", object);
    return false;
}

bool host_from_pair(PyObject* pair, host& to) {
    const ref fixed = ref::take(PySequence_Tuple(pair));
    if (!fixed) return false;
    const Py_ssize_t size = PyTuple_GET_SIZE(fixed.get());
    if (size != 2 && size != 3) {
        PyErr_Format(PyExc_ValueError, "Invalid host: %R is not (host, port) or (host, port, tls_name)", pair);
        return false;
    }
    if (size == 3 && !config_text(PyTuple_GET_ITEM(fixed.get(), 2), "a tls_name", to.tls_name)) return false;
    PyObject* const name = PyTuple_GET_ITEM(fixed.get(), 0);
    PyObject* const port = PyTuple_GET_ITEM(fixed.get(), 1);
    if (name == Py_None || !config_text(name, "a host name", to.name)) {
        if (PyErr_Occurred() == nullptr) PyErr_SetString(PyExc_TypeError, "a host name must be a str, not None");
        return false;
    }
    int64_t number = 0;
    if (!field_value(port, number)) return false;
    if (number < 1 || number > 65535) return invalid_port(port);
    to.port = static_cast<uint16_t>(number);
    if (!to.name.empty()) return true;
    PyErr_Format(PyExc_ValueError, "Invalid host: %R", pair);
    return false;
}

bool parse_one_host(PyObject* given, host& to) {
    if (PyUnicode_Check(given)) return host_from_text(given, to);
    if (PyTuple_Check(given) || PyList_Check(given)) return host_from_pair(given, to);
    PyErr_Format(PyExc_TypeError, "a host must be (host, port) or a str, not %.80s", Py_TYPE(given)->tp_name);
    return false;
}

}  // namespace

bool parse_config(PyObject* config, parsed_config& to) {
    if (!PyDict_Check(config)) {
        PyErr_Format(PyExc_TypeError, "config must be a dict, not %.80s", Py_TYPE(config)->tp_name);
        return false;
    }
    const ref snapshot = ref::take(PyDict_Copy(config));  // reading the values may run Python code
    return snapshot && guarded([&] { return read_entries(snapshot.get(), to); });
}

bool parse_hosts(PyObject* hosts, std::vector<host>& to) {
    if (hosts == nullptr) {
        PyErr_SetString(PyExc_ValueError, "config has no 'hosts': a list of (host, port)");
        return false;
    }
    if (!PyList_Check(hosts) && !PyTuple_Check(hosts)) {
        PyErr_Format(PyExc_TypeError, "hosts must be a list of (host, port), not %.80s", Py_TYPE(hosts)->tp_name);
        return false;
    }
    const ref fixed = ref::take(PySequence_Tuple(hosts));
    if (!fixed) return false;
    return guarded([&] {
        to.clear();
        for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(fixed.get()); ++i) {
            if (!parse_one_host(PyTuple_GET_ITEM(fixed.get(), i), to.emplace_back())) return false;
        }
        if (!to.empty()) return true;
        error empty;
        empty.what = code::cluster;
        empty.text = "no node can be reached: 'hosts' of the config is empty";
        raise(empty, "connect");
        return false;
    });
}

}  // namespace aero::py
