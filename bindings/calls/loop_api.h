// What this extension asks of asyncio and of an event loop, by name. Loaded when the first AsyncClient is made:
// importing the package does not import asyncio.
//
// Every function wants an attached thread; those that give objects give new references, or null with an exception.
#pragma once

#include "compat.h"

namespace aero::py {

struct loop_names {
    PyObject* cancelled_error = nullptr;
    PyObject* invalid_state_error = nullptr;
    PyObject* get_running_loop = nullptr;  // gives None instead of raising

    PyObject *call_soon = nullptr, *call_soon_threadsafe = nullptr, *call_later = nullptr, *add_reader = nullptr,
             *remove_reader = nullptr, *add_writer = nullptr, *remove_writer = nullptr, *is_closed = nullptr,
             *is_running = nullptr, *cancel = nullptr, *call_exception_handler = nullptr;
    PyObject* context_keyword = nullptr;  // ("context",)
};
extern loop_names asyncio;
bool load_asyncio();  // cheap once done; false with an exception

// The loop that runs on this thread. An empty reference when there is none; false with an exception.
bool running_loop(ref& to);

// loop.call_soon(callback[, argument], context=context). `argument` and `context` may be null.
PyObject* loop_call_soon(PyObject* loop, PyObject* callback, PyObject* argument, PyObject* context);
PyObject* loop_call_soon_threadsafe(PyObject* loop, PyObject* callback);
PyObject* loop_call_later(PyObject* loop, int64_t delay_ns, PyObject* callback, PyObject* context);
// Tells the answer of a method without arguments; an exception counts as `otherwise`.
bool loop_asks(PyObject* loop, PyObject* method, bool otherwise) noexcept;
// loop.METHOD(fd[, callback]) in a context of its own, so that no caller's context variables are kept alive.
bool loop_watch(PyObject* loop, PyObject* method, int fd, PyObject* callback);
// Hands an exception to the loop's handler; `object` is named in `key` ("future", "handle" or null).
void loop_report(PyObject* loop, const char* message, PyObject* exception, const char* key, PyObject* object) noexcept;

}  // namespace aero::py
