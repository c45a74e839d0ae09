#include "calls/client_object.h"

#include "errors.h"

namespace aero::py {

parameters connect_parameters(connect_signature);

PyObject* new_client(PyTypeObject* type, PyObject*, PyObject*) {
    PyObject* self = type->tp_alloc(type, 0);
    if (self == nullptr) return nullptr;
    as_client(self)->life = guarded([] { return new life_cycle; }, static_cast<life_cycle*>(nullptr));
    if (as_client(self)->life != nullptr) return self;
    Py_DECREF(self);
    return nullptr;
}

int init_client(PyObject* self, PyObject* args, PyObject* kwargs) {
    static const char* names[] = {"config", nullptr};
    PyObject* config = nullptr;
    if (PyArg_ParseTupleAndKeywords(args, kwargs, "O:Client", const_cast<char**>(names), &config) == 0) return -1;
    life_cycle& life = *as_client(self)->life;
    if (life.now() != life_state::disconnected) {
        raise_client_error("a connected client cannot be initialised again");
        return -1;
    }
    return guarded([&] { return parse_config(config, life.config); }) ? 0 : -1;
}

void finalize_client(PyObject* self) {
    if (as_client(self)->life == nullptr || !as_client(self)->life->is_connected()) return;
    ref raised = take_exception();
    if (PyErr_ResourceWarning(self, 1, "unclosed %R: call close() or use a with statement", self) < 0)
        PyErr_WriteUnraisable(self);
    if (raised) put_exception(std::move(raised));
}

void free_client(PyObject* self) noexcept {
    life_cycle* life = as_client(self)->life;
    if (life != nullptr) {
        life->abandon();
        delete life;
    }
    free_object(self);
}

PyObject* client_is_connected(PyObject* self, PyObject*) {
    return PyBool_FromLong(as_client(self)->life->is_connected());
}

PyObject* client_node_names(PyObject* self, PyObject*) {
    const auto through = as_client(self)->life->handle();
    if (!through) return nullptr;
    return guarded([&]() -> PyObject* {
        const std::vector<std::string> names = through->node_names();
        ref list = ref::take(PyList_New(static_cast<Py_ssize_t>(names.size())));
        if (!list) return nullptr;
        for (size_t i = 0; i < names.size(); ++i) {
            PyObject* name = new_text(names[i]);
            if (name == nullptr) return nullptr;
            PyList_SET_ITEM(list.get(), static_cast<Py_ssize_t>(i), name);
        }
        return list.release();
    });
}

std::optional<client> handle_for(life_cycle& life, const transport_policy& policy) {
    auto through = life.handle();
    if (through && !check_replica(policy, life.config.native)) through.reset();
    return through;
}

}  // namespace aero::py
