// The CPython extension `aerospike_py._server`: the embedded server as one type, `Server`.
//
// Starting, stopping and waiting happen without the GIL; the server's own threads never touch Python. In a child made
// by fork() the server's threads do not exist, so there an object only forgets its server.
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <unistd.h>

#include <exception>
#include <string>

#include "bindings/member_type.h"
#include "server.h"

namespace {

using aero_server::options;
using aero_server::server;

struct server_object {
    PyObject_HEAD server* running;
    pid_t owner;
};

server_object* as_server(PyObject* self) { return reinterpret_cast<server_object*>(self); }

bool is_foreign(const server_object* object) { return object->owner != getpid(); }

// Runs `work`, which gives a sentence when something is wrong, without the GIL. None, or null with an exception.
template <class Work>
PyObject* without_gil(PyObject* self, Work work) {
    server_object* object = as_server(self);
    if (object->running == nullptr) {
        PyErr_SetString(PyExc_RuntimeError, "the server was not started");
        return nullptr;
    }
    if (is_foreign(object)) {
        PyErr_SetString(PyExc_RuntimeError, "the server belongs to the process that started it, not to its fork");
        return nullptr;
    }
    std::string problem;
    Py_BEGIN_ALLOW_THREADS;
    try {
        problem = work(*object->running);
    } catch (const std::exception& failed) {
        problem = failed.what();
    }
    Py_END_ALLOW_THREADS;
    if (!problem.empty()) {
        PyErr_SetString(PyExc_RuntimeError, problem.c_str());
        return nullptr;
    }
    Py_RETURN_NONE;
}

bool texts_of(PyObject* names, std::vector<std::string>& to) {
    PyObject* sequence = PySequence_Fast(names, "namespaces and roles must be a sequence of str");
    if (sequence == nullptr) return false;
    to.clear();
    bool good = true;
    for (Py_ssize_t i = 0; good && i < PySequence_Fast_GET_SIZE(sequence); ++i) {
        Py_ssize_t size = 0;
        const char* text = PyUnicode_AsUTF8AndSize(PySequence_Fast_GET_ITEM(sequence, i), &size);
        good = text != nullptr;
        if (good) to.emplace_back(text, static_cast<size_t>(size));
    }
    Py_DECREF(sequence);
    return good;
}

bool racks_of(PyObject* racks, std::vector<int>& to) {
    PyObject* sequence = PySequence_Fast(racks, "rack_ids must be a sequence of int");
    if (sequence == nullptr) return false;
    to.clear();
    for (Py_ssize_t i = 0; PyErr_Occurred() == nullptr && i < PySequence_Fast_GET_SIZE(sequence); ++i)
        to.push_back(static_cast<int>(PyLong_AsLong(PySequence_Fast_GET_ITEM(sequence, i))));
    Py_DECREF(sequence);
    return PyErr_Occurred() == nullptr;
}

// {"certfile": ..., "keyfile": ..., "keyfile_pw": ..., "cafile": ..., "protocols": ..., "name": ...}
bool tls_of(PyObject* given, options& to) {
    if (!PyDict_Check(given)) {
        PyErr_Format(PyExc_TypeError, "tls must be a dict, not %.80s", Py_TYPE(given)->tp_name);
        return false;
    }
    to.tls.enable = true;
    PyObject *key = nullptr, *value = nullptr;
    for (Py_ssize_t position = 0; PyDict_Next(given, &position, &key, &value);) {
        const char* name = PyUnicode_AsUTF8(key);
        const char* text = name == nullptr ? nullptr : PyUnicode_AsUTF8(value);
        if (text == nullptr) return false;
        const std::string_view what = name;
        if (what == "certfile") {
            to.tls.certfile = text;
        } else if (what == "keyfile") {
            to.tls.keyfile = text;
        } else if (what == "keyfile_pw") {
            to.tls.keyfile_pw = aero::secret(text);
        } else if (what == "cafile") {
            to.tls.cafile = text;
        } else if (what == "protocols") {
            to.tls.protocols = text;
        } else if (what == "name") {
            to.tls_name = text;
        } else {
            PyErr_Format(PyExc_ValueError, "tls has no %R: certfile, keyfile, keyfile_pw, cafile, protocols, name",
                         key);
            return false;
        }
    }
    return true;
}

// [(name, password, [role, ...], expired), ...]
bool users_of(PyObject* given, options& to) {
    PyObject* sequence = PySequence_Fast(given, "users must be a sequence");
    if (sequence == nullptr) return false;
    bool good = true;
    for (Py_ssize_t i = 0; good && i < PySequence_Fast_GET_SIZE(sequence); ++i) {
        const char *name = nullptr, *password = nullptr;
        Py_ssize_t password_size = 0;
        PyObject* roles = nullptr;
        int expired = 0;
        good = PyArg_ParseTuple(PySequence_Fast_GET_ITEM(sequence, i), "ss#Op:user", &name, &password, &password_size,
                                &roles, &expired) != 0;
        if (!good) break;
        aero_server::user_option& made = to.users.emplace_back();
        made.name = name;
        made.password = aero::secret({password, static_cast<size_t>(password_size)});
        made.expired = expired != 0;
        good = texts_of(roles, made.roles);
    }
    Py_DECREF(sequence);
    return good;
}

int server_init(PyObject* self, PyObject* args, PyObject* named) {
    static const char* names[] = {
        "host",         "port",        "nodes",       "namespaces",       "replication_factor", "service_threads",
        "cluster_name", "default_ttl", "nsup_period", "migrate_pause_us", "batch_max_requests", "rack_ids",
        "tls",          "users",       "session_ttl", "access_address",   "alternate_address",  "compression",
        nullptr};
    options how;
    const char* host = how.host.c_str();
    const char* cluster_name = how.cluster_name.c_str();
    const char *access = "", *alternate = "";
    int port = 0, compression = 0;
    PyObject *name_list = nullptr, *rack_list = nullptr, *tls = nullptr, *users = nullptr;
    if (!PyArg_ParseTupleAndKeywords(args, named, "|$siIOIIsIIIIOOOIssp:Server", const_cast<char**>(names), &host,
                                     &port, &how.nodes, &name_list, &how.replication_factor, &how.service_threads,
                                     &cluster_name, &how.default_ttl_s, &how.nsup_period_s, &how.migrate_pause_us,
                                     &how.batch_rows_max, &rack_list, &tls, &users, &how.session_ttl_s, &access,
                                     &alternate, &compression))
        return -1;
    if (rack_list != nullptr && !racks_of(rack_list, how.rack_ids)) return -1;
    if (tls != nullptr && tls != Py_None && !tls_of(tls, how)) return -1;
    if (users != nullptr && users != Py_None && !users_of(users, how)) return -1;
    if (name_list != nullptr && !texts_of(name_list, how.namespaces)) return -1;
    if (port < 0 || port > 65535) {
        PyErr_Format(PyExc_ValueError, "port is %d: expected 0 to 65535", port);
        return -1;
    }
    how.host = std::string(host);
    how.access = access;
    how.alternate = alternate;
    how.cluster_name = std::string(cluster_name);
    how.compression = compression != 0;
    how.base_port = static_cast<uint16_t>(port);
    server_object* object = as_server(self);
    if (object->running != nullptr) {
        PyErr_SetString(PyExc_RuntimeError, "a Server is initialised once");
        return -1;
    }
    object->running = new server(std::move(how));
    object->owner = getpid();
    return 0;
}

PyObject* server_start(PyObject* self, PyObject*) {
    return without_gil(self, [](server& s) { return s.start(); });
}
PyObject* server_shutdown(PyObject* self, PyObject*) {
    return without_gil(self, [](server& s) { return s.shutdown(), std::string(); });
}

bool index_of(PyObject* number, unsigned& index) {
    const unsigned long value = PyLong_AsUnsignedLong(number);
    if (PyErr_Occurred() != nullptr) return false;
    index = value > 0xFFFF ? 0xFFFF : static_cast<unsigned>(value);
    return true;
}
PyObject* server_stop_node(PyObject* self, PyObject* number) {
    unsigned index = 0;
    if (!index_of(number, index)) return nullptr;
    return without_gil(self, [&](server& s) { return s.stop_node(index); });
}
PyObject* server_start_node(PyObject* self, PyObject* number) {
    unsigned index = 0;
    if (!index_of(number, index)) return nullptr;
    return without_gil(self, [&](server& s) { return s.start_node(index); });
}

PyObject* server_wait_until_stable(PyObject* self, PyObject* seconds) {
    const double limit = PyFloat_AsDouble(seconds);
    if (PyErr_Occurred() != nullptr) return nullptr;
    const auto limit_ms = static_cast<unsigned>(limit <= 0 ? 0 : limit > 1e6 ? 1e9 : limit * 1e3);
    bool stable = false;
    PyObject* done = without_gil(self, [&](server& s) {
        stable = s.wait_until_stable(limit_ms);
        return std::string();
    });
    if (done == nullptr) return nullptr;
    Py_DECREF(done);
    return PyBool_FromLong(stable);
}

PyObject* server_advance_clock(PyObject* self, PyObject* seconds) {
    const double by = PyFloat_AsDouble(seconds);
    if (PyErr_Occurred() != nullptr) return nullptr;
    if (by < 0) {
        PyErr_SetString(PyExc_ValueError, "time only goes forward");
        return nullptr;
    }
    return without_gil(self, [&](server& s) {
        s.clock().advance_ms(static_cast<uint64_t>(by * 1e3));
        return std::string();
    });
}

PyObject* addresses_of(PyObject* self, bool tls) {
    std::vector<std::pair<std::string, uint16_t>> found;
    PyObject* done =
        without_gil(self, [&](server& s) { return found = tls ? s.tls_endpoints() : s.endpoints(), std::string(); });
    if (done == nullptr) return nullptr;
    Py_DECREF(done);
    PyObject* list = PyList_New(static_cast<Py_ssize_t>(found.size()));
    for (size_t i = 0; list != nullptr && i < found.size(); ++i) {
        PyObject* pair = Py_BuildValue("(si)", found[i].first.c_str(), static_cast<int>(found[i].second));
        if (pair == nullptr) {
            Py_CLEAR(list);
        } else {
            PyList_SET_ITEM(list, static_cast<Py_ssize_t>(i), pair);
        }
    }
    return list;
}

PyObject* server_endpoints(PyObject* self, PyObject*) { return addresses_of(self, false); }
PyObject* server_tls_endpoints(PyObject* self, PyObject*) { return addresses_of(self, true); }

PyObject* server_node_names(PyObject* self, PyObject*) {
    std::vector<std::string> found;
    PyObject* done = without_gil(self, [&](server& s) { return found = s.node_ids(), std::string(); });
    if (done == nullptr) return nullptr;
    Py_DECREF(done);
    PyObject* list = PyList_New(static_cast<Py_ssize_t>(found.size()));
    for (size_t i = 0; list != nullptr && i < found.size(); ++i) {
        PyObject* name = PyUnicode_FromStringAndSize(found[i].data(), static_cast<Py_ssize_t>(found[i].size()));
        if (name == nullptr) {
            Py_CLEAR(list);
        } else {
            PyList_SET_ITEM(list, static_cast<Py_ssize_t>(i), name);
        }
    }
    return list;
}

void server_dealloc(PyObject* self) {
    server_object* object = as_server(self);
    if (object->running != nullptr && !is_foreign(object)) {
        Py_BEGIN_ALLOW_THREADS;
        delete object->running;
        Py_END_ALLOW_THREADS;
    }
    PyTypeObject* type = Py_TYPE(self);
    type->tp_free(self);
    Py_DECREF(type);
}

PyMethodDef server_methods[] = {
    {"start", server_start, METH_NOARGS, PyDoc_STR("Take the ports and begin to serve.")},
    {"shutdown", server_shutdown, METH_NOARGS, PyDoc_STR("Stop all nodes for good.")},
    {"stop_node", server_stop_node, METH_O, PyDoc_STR("Stop node `index` as if it were killed.")},
    {"start_node", server_start_node, METH_O, PyDoc_STR("Start node `index` again, empty, on the same port.")},
    {"wait_until_stable", server_wait_until_stable, METH_O,
     PyDoc_STR("Wait until no migration is under way, at most so many seconds; whether that came true.")},
    {"advance_clock", server_advance_clock, METH_O, PyDoc_STR("Move the server's clock on by so many seconds.")},
    {"endpoints", server_endpoints, METH_NOARGS, PyDoc_STR("(host, port) of every node.")},
    {"tls_endpoints", server_tls_endpoints, METH_NOARGS, PyDoc_STR("(host, port) where every node speaks TLS.")},
    {"node_names", server_node_names, METH_NOARGS, PyDoc_STR("The name of every node.")},
    {nullptr, nullptr, 0, nullptr},
};

PyType_Slot server_slots[] = {
    {Py_tp_doc, const_cast<char*>("A cluster of embedded nodes; see `aerospike_py.testing.Server`.")},
    {Py_tp_new, reinterpret_cast<void*>(PyType_GenericNew)},
    {Py_tp_init, reinterpret_cast<void*>(server_init)},
    {Py_tp_dealloc, reinterpret_cast<void*>(server_dealloc)},
    {Py_tp_methods, server_methods},
    {0, nullptr},
};
PyType_Spec server_spec = {"aerospike_py._server.Server", sizeof(server_object), 0, Py_TPFLAGS_DEFAULT, server_slots};

int module_exec(PyObject* module) {
    PyObject* type = PyType_FromModuleAndSpec(module, &server_spec, nullptr);
    if (type == nullptr) return -1;
    const int added = PyModule_AddType(module, reinterpret_cast<PyTypeObject*>(type));
    Py_DECREF(type);
    return added < 0 ? added : aero_server::add_member_type(module);
}

PyModuleDef_Slot module_slots[] = {
    {Py_mod_exec, reinterpret_cast<void*>(module_exec)},
#if PY_VERSION_HEX >= 0x030C0000
    {Py_mod_multiple_interpreters, Py_MOD_PER_INTERPRETER_GIL_SUPPORTED},
#endif
#ifdef Py_mod_gil
    {Py_mod_gil, Py_MOD_GIL_NOT_USED},
#endif
    {0, nullptr},
};
PyModuleDef module_def = {
    PyModuleDef_HEAD_INIT, "_server", "The embedded server.", 0, nullptr, module_slots, nullptr, nullptr, nullptr};

}  // namespace

PyMODINIT_FUNC PyInit__server() { return PyModuleDef_Init(&module_def); }
