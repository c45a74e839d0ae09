// What both client types are made of: construction from a config, the life cycle, and the calls that touch no server.
#pragma once

#include "calls/arguments.h"
#include "calls/life_cycle.h"

namespace aero::py {

struct client_object {
    PyObject_HEAD life_cycle* life;
};

inline client_object* as_client(PyObject* self) noexcept { return reinterpret_cast<client_object*>(self); }

PyObject* new_client(PyTypeObject* type, PyObject* args, PyObject* kwargs);  // tp_new
int init_client(PyObject* self, PyObject* args, PyObject* kwargs);           // tp_init
// Warns of a client that goes without having been closed; tp_finalize.
void finalize_client(PyObject* self);
// The last part of tp_dealloc.
void free_client(PyObject* self) noexcept;

PyObject* client_is_connected(PyObject* self, PyObject*);
PyObject* client_node_names(PyObject* self, PyObject*);

inline constexpr signature connect_signature{"connect", {"username", "password"}, 2, 0};
extern parameters connect_parameters;

// The handle for a call that is about to be sent. Nothing, with the exception, when not connected or when the policy
// asks for what this client is not configured for.
std::optional<client> handle_for(life_cycle& life, const transport_policy& policy);

}  // namespace aero::py
