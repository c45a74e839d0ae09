#include "bindings/member_type.h"

#include <exception>
#include <memory>
#include <string>

#include "member.h"

namespace aero_server {

namespace {

struct member_object {
    PyObject_HEAD member* running;
};

member_object* as_member(PyObject* self) { return reinterpret_cast<member_object*>(self); }

// [(host, port, ring port, address told to clients, alternate address), ...]
bool members_of(PyObject* given, options& to) {
    PyObject* sequence = PySequence_Fast(given, "members must be a sequence");
    if (sequence == nullptr) return false;
    bool good = true;
    for (Py_ssize_t i = 0; good && i < PySequence_Fast_GET_SIZE(sequence); ++i) {
        const char *host = nullptr, *access = nullptr, *alternate = nullptr;
        unsigned short port = 0, ring_port = 0;
        good = PyArg_ParseTuple(PySequence_Fast_GET_ITEM(sequence, i), "sHHss:member", &host, &port, &ring_port,
                                &access, &alternate) != 0;
        if (good) to.members.push_back({host, port, ring_port, access, alternate});
    }
    Py_DECREF(sequence);
    return good;
}

bool namespaces_of(PyObject* given, options& to) {
    PyObject* sequence = PySequence_Fast(given, "namespaces must be a sequence of str");
    if (sequence == nullptr) return false;
    to.namespaces.clear();
    for (Py_ssize_t i = 0; PyErr_Occurred() == nullptr && i < PySequence_Fast_GET_SIZE(sequence); ++i)
        if (const char* name = PyUnicode_AsUTF8(PySequence_Fast_GET_ITEM(sequence, i)))
            to.namespaces.emplace_back(name);
    Py_DECREF(sequence);
    return PyErr_Occurred() == nullptr;
}

int member_init(PyObject* self, PyObject* args, PyObject* named) {
    static const char* names[] = {"members",
                                  "member",
                                  "namespaces",
                                  "replication_factor",
                                  "service_threads",
                                  "cluster_name",
                                  "migrate_pause_us",
                                  "beat_ms",
                                  "dead_ms",
                                  "write_log",
                                  nullptr};
    options how;
    PyObject *members = nullptr, *namespaces = nullptr;
    const char *cluster_name = "aero", *write_log = "";
    if (!PyArg_ParseTupleAndKeywords(args, named, "OI|$OIIsIIIs:Member", const_cast<char**>(names), &members,
                                     &how.member, &namespaces, &how.replication_factor, &how.service_threads,
                                     &cluster_name, &how.migrate_pause_us, &how.beat_ms, &how.dead_ms, &write_log))
        return -1;
    if (!members_of(members, how)) return -1;
    if (namespaces != nullptr && !namespaces_of(namespaces, how)) return -1;
    how.cluster_name = cluster_name;
    how.write_log = write_log;
    if (as_member(self)->running != nullptr) {
        PyErr_SetString(PyExc_RuntimeError, "a Member is initialised once");
        return -1;
    }
    as_member(self)->running = new member(std::move(how));
    return 0;
}

// Whether the node belongs to a cluster within so many seconds.
PyObject* member_start(PyObject* self, PyObject* seconds) {
    const double limit = PyFloat_AsDouble(seconds);
    if (PyErr_Occurred() != nullptr) return nullptr;
    const auto limit_ms = static_cast<unsigned>(limit <= 0 ? 0 : limit > 1e6 ? 1e9 : limit * 1e3);
    std::string problem;
    bool belongs = false;
    Py_BEGIN_ALLOW_THREADS;
    try {
        problem = as_member(self)->running->start();
        if (problem.empty()) belongs = as_member(self)->running->wait_until_member(limit_ms);
    } catch (const std::exception& failed) {
        problem = failed.what();
    }
    Py_END_ALLOW_THREADS;
    if (problem.empty()) return PyBool_FromLong(belongs);
    PyErr_SetString(PyExc_RuntimeError, problem.c_str());
    return nullptr;
}

PyObject* member_shutdown(PyObject* self, PyObject*) {
    Py_BEGIN_ALLOW_THREADS;
    as_member(self)->running->shutdown();
    Py_END_ALLOW_THREADS;
    Py_RETURN_NONE;
}

void member_dealloc(PyObject* self) {
    Py_BEGIN_ALLOW_THREADS;
    delete as_member(self)->running;
    Py_END_ALLOW_THREADS;
    PyTypeObject* type = Py_TYPE(self);
    type->tp_free(self);
    Py_DECREF(type);
}

PyMethodDef member_methods[] = {
    {"start", member_start, METH_O,
     PyDoc_STR("Take the ports and look for the others; whether the node belongs to a cluster in so many seconds.")},
    {"shutdown", member_shutdown, METH_NOARGS, PyDoc_STR("Leave the cluster and end.")},
    {nullptr, nullptr, 0, nullptr},
};

PyType_Slot member_slots[] = {
    {Py_tp_doc, const_cast<char*>("One process of a cluster; see `python -m aerospike_py.server --members`.")},
    {Py_tp_new, reinterpret_cast<void*>(PyType_GenericNew)},
    {Py_tp_init, reinterpret_cast<void*>(member_init)},
    {Py_tp_dealloc, reinterpret_cast<void*>(member_dealloc)},
    {Py_tp_methods, member_methods},
    {0, nullptr},
};
PyType_Spec member_spec = {"aerospike_py._server.Member", sizeof(member_object), 0, Py_TPFLAGS_DEFAULT, member_slots};

}  // namespace

int add_member_type(PyObject* module) {
    PyObject* type = PyType_FromModuleAndSpec(module, &member_spec, nullptr);
    if (type == nullptr) return -1;
    const int added = PyModule_AddType(module, reinterpret_cast<PyTypeObject*>(type));
    Py_DECREF(type);
    return added;
}

}  // namespace aero_server
