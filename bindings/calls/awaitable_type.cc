#include "calls/awaitable_type.h"

#include <structmember.h>

#include <new>

#include "calls/loop_api.h"
#include "calls/loop_host.h"
#include "errors.h"

namespace aero::py {
namespace {

PyTypeObject* call_type = nullptr;

constexpr Py_ssize_t weakrefs_offset = sizeof(PyObject);  // the first field; offsetof wants a plainer struct

bool is_over(const call_object* call) noexcept {
    return call->state == call_state::finished || call->state == call_state::cancelled;
}

void raise_cancelled(call_object* call) {
    PyObject* text = call->cancel_message;
    const ref made = ref::take(text != nullptr ? PyObject_CallOneArg(asyncio.cancelled_error, text)
                                               : PyObject_CallNoArgs(asyncio.cancelled_error));
    if (made) PyErr_SetObject(asyncio.cancelled_error, made.get());
}

// The result of a call that is over: a new reference, or null with its exception.
PyObject* outcome_of(call_object* call) {
    call->retrieved = true;
    if (call->state == call_state::cancelled) return raise_cancelled(call), nullptr;
    if (!call->failed) return new_ref(call->value);
    put_exception(ref::share(call->value));
    return nullptr;
}

// ---- coroutine -----------------------------------------------------------------------------------------------------

PySendResult call_send(PyObject* self, PyObject*, PyObject** result) {
    call_object* call = as_call(self);
    *result = nullptr;
    if (call->state == call_state::waiting && !start_call(call)) {
        call->retrieved = true;  // it was awaited, if in vain
        return PYGEN_ERROR;
    }
    if (is_over(call)) {
        resume_call(call);
        *result = outcome_of(call);
        return *result != nullptr ? PYGEN_RETURN : PYGEN_ERROR;
    }
    call->blocking = call->awaited = true;
    *result = new_ref(self);
    return PYGEN_NEXT;
}

// How an iterator ends with a value. The StopIteration is made in full before the last mark of a profiled call is
// taken: interpreters that await through the iterator take it apart again.
PyObject* stop_with_value(call_object* call) {
    const ref stop = ref::take(PyObject_CallOneArg(PyExc_StopIteration, call->value));
    resume_call(call);
    if (stop) PyErr_SetObject(PyExc_StopIteration, stop.get());
    return nullptr;
}

PyObject* call_next(PyObject* self) {
    call_object* call = as_call(self);
    PyObject* result = nullptr;
    if (call->state != call_state::finished || call->failed) {
        if (call_send(self, Py_None, &result) != PYGEN_RETURN) return result;
        Py_DECREF(result);  // it ended on the spot
    }
    if (call->value != Py_None) return stop_with_value(call);
    resume_call(call);  // an iterator that ends without a value
    return nullptr;
}

PyObject* send_method(PyObject* self, PyObject* value) {
    PyObject* result = nullptr;
    switch (call_send(self, value, &result)) {
        case PYGEN_NEXT: return result;
        case PYGEN_RETURN: Py_DECREF(result); return stop_with_value(as_call(self));
        default: return nullptr;
    }
}

// Nobody else waits, so what leaves the coroutine ends the call.
void abandon(call_object* call) {
    if (call->callback == nullptr && call->more_callbacks == nullptr) cancel_call(call, nullptr);
}

PyObject* throw_method(PyObject* self, PyObject* const* given, Py_ssize_t count) {
    if (count < 1 || count > 3) {
        PyErr_Format(PyExc_TypeError, "throw expected 1 to 3 arguments, got %zd", count);
        return nullptr;
    }
    call_object* call = as_call(self);
    PyObject* type = given[0];
    PyObject* value = count > 1 && given[1] != Py_None ? given[1] : nullptr;
    PyObject* trace = count > 2 && given[2] != Py_None ? given[2] : nullptr;
    ref raised;
    if (PyExceptionInstance_Check(type)) {
        raised = ref::share(type);
    } else if (!PyExceptionClass_Check(type)) {
        PyErr_Format(PyExc_TypeError, "exceptions must be classes or instances deriving from BaseException, not %s",
                     Py_TYPE(type)->tp_name);
        return nullptr;
    } else if (value != nullptr && PyExceptionInstance_Check(value)) {
        raised = ref::share(value);
    } else {
        raised = ref::take(value != nullptr ? PyObject_CallOneArg(type, value) : PyObject_CallNoArgs(type));
        if (!raised) return nullptr;
    }
    if (trace != nullptr && PyException_SetTraceback(raised.get(), trace) < 0) return nullptr;
    if (is_over(call))
        resume_call(call);
    else
        abandon(call);
    put_exception(std::move(raised));
    return nullptr;
}

PyObject* close_method(PyObject* self, PyObject*) {
    if (!is_over(as_call(self))) abandon(as_call(self));
    as_call(self)->retrieved = true;
    Py_RETURN_NONE;
}

// ---- future --------------------------------------------------------------------------------------------------------

PyObject* done_method(PyObject* self, PyObject*) { return PyBool_FromLong(is_over(as_call(self))); }

PyObject* cancelled_method(PyObject* self, PyObject*) {
    return PyBool_FromLong(as_call(self)->state == call_state::cancelled);
}

PyObject* cancel_method(PyObject* self, PyObject* args, PyObject* kwargs) {
    static const char* names[] = {"msg", nullptr};
    PyObject* message = nullptr;
    if (PyArg_ParseTupleAndKeywords(args, kwargs, "|O:cancel", const_cast<char**>(names), &message) == 0)
        return nullptr;
    if (message == Py_None) message = nullptr;
    return PyBool_FromLong(cancel_call(as_call(self), message));
}

bool check_over(call_object* call, const char* text) {
    if (is_over(call)) return true;
    PyObject* type = load_asyncio() ? asyncio.invalid_state_error : nullptr;
    if (type != nullptr) PyErr_SetString(type, text);
    return false;
}

PyObject* result_method(PyObject* self, PyObject*) {
    if (!check_over(as_call(self), "Result is not set.")) return nullptr;
    // A task looks here before it steps into the coroutine that waits; that step is what counts.
    if (!as_call(self)->awaited) resume_call(as_call(self));
    return outcome_of(as_call(self));
}

PyObject* exception_method(PyObject* self, PyObject*) {
    call_object* call = as_call(self);
    if (!check_over(call, "Exception is not set.")) return nullptr;
    if (call->state == call_state::cancelled) return raise_cancelled(call), nullptr;
    if (!call->awaited) resume_call(call);
    call->retrieved = true;
    return new_ref(call->failed ? call->value : Py_None);
}

// Read by hand: it runs once for every call that is awaited.
PyObject* add_done_callback_method(PyObject* self, PyObject* const* arguments, Py_ssize_t count, PyObject* keywords) {
    const Py_ssize_t named = keywords != nullptr ? PyTuple_GET_SIZE(keywords) : 0;
    if (count != 1 || named > 1) {
        PyErr_Format(PyExc_TypeError, "add_done_callback() takes 1 positional argument and context=, got %zd and %zd",
                     count, named);
        return nullptr;
    }
    if (named == 1 && PyUnicode_CompareWithASCIIString(PyTuple_GET_ITEM(keywords, 0), "context") != 0) {
        PyErr_Format(PyExc_TypeError, "add_done_callback() got an unexpected keyword argument %R",
                     PyTuple_GET_ITEM(keywords, 0));
        return nullptr;
    }
    PyObject* const callback = arguments[0];
    PyObject* const given = named == 1 ? arguments[1] : nullptr;
    const ref context = given != nullptr && given != Py_None ? ref::share(given) : ref::take(PyContext_CopyCurrent());
    if (!context || !add_callback(as_call(self), callback, context.get())) return nullptr;
    Py_RETURN_NONE;
}

PyObject* remove_done_callback_method(PyObject* self, PyObject* callback) {
    call_object* call = as_call(self);
    long removed = 0;
    if (call->callback != nullptr) {
        const int equal = PyObject_RichCompareBool(call->callback, callback, Py_EQ);
        if (equal < 0) return nullptr;
        if (equal > 0 && call->callback != nullptr) {
            Py_CLEAR(call->callback);
            Py_CLEAR(call->context);
            ++removed;
        }
    }
    // Comparing may run Python code that changes the list, so it is read anew for each entry.
    for (Py_ssize_t i = 0; call->more_callbacks != nullptr && i < PyList_GET_SIZE(call->more_callbacks);) {
        const ref list = ref::share(call->more_callbacks);
        const ref pair = ref::share(PyList_GET_ITEM(list.get(), i));
        const int equal = PyObject_RichCompareBool(PyTuple_GET_ITEM(pair.get(), 0), callback, Py_EQ);
        if (equal < 0) return nullptr;
        const bool unmoved = i < PyList_GET_SIZE(list.get()) && PyList_GET_ITEM(list.get(), i) == pair.get();
        if (equal > 0 && unmoved) {
            if (PySequence_DelItem(list.get(), i) < 0) return nullptr;
            ++removed;
        } else {
            ++i;
        }
    }
    return PyLong_FromLong(removed);
}

PyObject* get_loop_method(PyObject* self, PyObject*) {
    if (as_call(self)->loop != nullptr) return new_ref(as_call(self)->loop);
    PyErr_SetString(PyExc_RuntimeError, "the call has not started: it belongs to no event loop yet");
    return nullptr;
}

PyObject* make_cancelled_error_method(PyObject* self, PyObject*) {
    raise_cancelled(as_call(self));
    return take_exception().release();
}

// ---- attributes ----------------------------------------------------------------------------------------------------

// None says "not a future" while the call belongs to no loop: ensure_future then makes a task of it.
PyObject* get_blocking(PyObject* self, void*) {
    if (as_call(self)->loop == nullptr) Py_RETURN_NONE;
    return PyBool_FromLong(as_call(self)->blocking);
}

int set_blocking(PyObject* self, PyObject* to, void*) {
    const int on = to != nullptr ? PyObject_IsTrue(to) : 0;
    if (on < 0) return -1;
    as_call(self)->blocking = on != 0;
    return 0;
}

PyObject* get_cancel_message(PyObject* self, void*) {
    PyObject* message = as_call(self)->cancel_message;
    return new_ref(message != nullptr ? message : Py_None);
}

PyObject* get_bound_loop(PyObject* self, void*) {
    PyObject* loop = as_call(self)->loop;
    return new_ref(loop != nullptr ? loop : Py_None);
}

PyObject* get_name(PyObject* self, void*) { return PyUnicode_FromString(as_call(self)->method->name()); }

PyObject* get_qualified_name(PyObject* self, void*) {
    return PyUnicode_FromFormat("AsyncClient.%s", as_call(self)->method->name());
}

PyObject* get_timings(PyObject* self, void*) {
    const call_object* call = as_call(self);
    return call->timings != nullptr && is_over(call) ? timings_dict(call->timings) : new_ref(Py_None);
}

PyObject* call_repr(PyObject* self) {
    static constexpr const char* words[] = {"not started", "pending", "finished", "cancelled"};
    const call_object* call = as_call(self);
    const char* word = words[static_cast<size_t>(call->state)];
    if (call->failed)
        return PyUnicode_FromFormat("<Call AsyncClient.%s failed: %R>", call->method->name(), call->value);
    return PyUnicode_FromFormat("<Call AsyncClient.%s %s>", call->method->name(), word);
}

// ---- life ----------------------------------------------------------------------------------------------------------

int call_traverse(PyObject* self, visitproc visit, void* arg) {
    call_object* call = as_call(self);
    Py_VISIT(Py_TYPE(self));
    for (PyObject* each : {call->client, call->loop, call->value, call->callback, call->context, call->more_callbacks,
                           call->cancel_message, call->timings})
        Py_VISIT(each);
    Py_VISIT(reinterpret_cast<PyObject*>(call->host));
    if (call->kept != nullptr)
        for (PyObject* each : call->kept->slots) Py_VISIT(each);
    return 0;
}

int call_clear(PyObject* self) {
    call_object* call = as_call(self);
    if (call->host != nullptr) host_forgets(call);
    for (PyObject** each : {&call->client, &call->loop, &call->value, &call->callback, &call->context,
                            &call->more_callbacks, &call->cancel_message, &call->timings})
        Py_CLEAR(*each);
    delete std::exchange(call->work, nullptr);
    delete std::exchange(call->marks, nullptr);
    if (kept_arguments* kept = std::exchange(call->kept, nullptr)) {
        for (PyObject* each : kept->slots) Py_XDECREF(each);
        delete kept;
    }
    return 0;
}

bool was_forgotten(const call_object* call) noexcept {
    if (call->retrieved) return false;
    return (call->state == call_state::waiting && call->kept != nullptr) ||
           (call->state == call_state::finished && call->failed);
}

void call_finalize(PyObject* self) {
    call_object* call = as_call(self);
    if (!was_forgotten(call)) return;
    ref raised = take_exception();
    if (call->state == call_state::waiting) {
        if (PyErr_WarnFormat(PyExc_RuntimeWarning, 1, "coroutine 'AsyncClient.%s' was never awaited",
                             call->method->name()) < 0)
            PyErr_WriteUnraisable(self);
    } else {
        call->retrieved = true;
        const std::string text = std::string("AsyncClient.") + call->method->name() + " exception was never retrieved";
        loop_report(call->loop, text.c_str(), call->value, "future", self);
    }
    if (raised) put_exception(std::move(raised));
}

void call_dealloc(PyObject* self) {
    if (was_forgotten(as_call(self)) && PyObject_CallFinalizerFromDealloc(self) < 0) return;
    PyObject_GC_UnTrack(self);
    if (as_call(self)->weakrefs != nullptr) PyObject_ClearWeakRefs(self);
    call_clear(self);
    free_object(self);
}

PyCFunction function(PyObject* (*with_keywords)(PyObject*, PyObject*, PyObject*)) {
    return reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(with_keywords));
}

PyTypeObject* make_type(PyObject* module) {
    static PyMethodDef methods[] = {
        {"send", send_method, METH_O, "send($self, value, /)\n--\n\nOne step of the coroutine."},
        {"throw", reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(throw_method)), METH_FASTCALL,
         "throw($self, typ, val=None, tb=None, /)\n--\n\nRaise inside the coroutine, which ends the call."},
        {"close", close_method, METH_NOARGS,
         "close($self)\n--\n\nEnd the coroutine, and the call if nobody else waits for it."},
        {"done", done_method, METH_NOARGS, "done($self)\n--\n\n"},
        {"cancelled", cancelled_method, METH_NOARGS, "cancelled($self)\n--\n\n"},
        {"cancel", function(cancel_method), METH_VARARGS | METH_KEYWORDS,
         "cancel($self, msg=None)\n--\n\nGive the call up; its reply, when it comes, is read and dropped."},
        {"result", result_method, METH_NOARGS, "result($self)\n--\n\n"},
        {"exception", exception_method, METH_NOARGS, "exception($self)\n--\n\n"},
        {"add_done_callback", reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(add_done_callback_method)),
         METH_FASTCALL | METH_KEYWORDS, "add_done_callback($self, fn, /, *, context=None)\n--\n\n"},
        {"remove_done_callback", remove_done_callback_method, METH_O, "remove_done_callback($self, fn, /)\n--\n\n"},
        {"get_loop", get_loop_method, METH_NOARGS, "get_loop($self)\n--\n\n"},
        {"_make_cancelled_error", make_cancelled_error_method, METH_NOARGS, nullptr},
        {"__class_getitem__", Py_GenericAlias, METH_O | METH_CLASS, nullptr},
        {nullptr, nullptr, 0, nullptr}};
    static PyGetSetDef attributes[] = {
        {"_asyncio_future_blocking", get_blocking, set_blocking, nullptr, nullptr},
        {"_loop", get_bound_loop, nullptr, nullptr, nullptr},
        {"_cancel_message", get_cancel_message, nullptr, nullptr, nullptr},  // gather asks each cancelled child
        {"__name__", get_name, nullptr, nullptr, nullptr},
        {"__qualname__", get_qualified_name, nullptr, nullptr, nullptr},
        {"timings", get_timings, nullptr, "Stages of a profiled call in seconds, or None.", nullptr},
        {nullptr, nullptr, nullptr, nullptr, nullptr}};
    static PyMemberDef members[] = {{"__weaklistoffset__", T_PYSSIZET, weakrefs_offset, READONLY, nullptr},
                                    {nullptr, 0, 0, 0, nullptr}};
    static PyType_Slot slots[] = {{Py_tp_doc, const_cast<char*>("A call under way: a coroutine and a future at once.")},
                                  {Py_tp_dealloc, reinterpret_cast<void*>(call_dealloc)},
                                  {Py_tp_finalize, reinterpret_cast<void*>(call_finalize)},
                                  {Py_tp_traverse, reinterpret_cast<void*>(call_traverse)},
                                  {Py_tp_clear, reinterpret_cast<void*>(call_clear)},
                                  {Py_tp_repr, reinterpret_cast<void*>(call_repr)},
                                  {Py_tp_iter, reinterpret_cast<void*>(PyObject_SelfIter)},
                                  {Py_tp_iternext, reinterpret_cast<void*>(call_next)},
                                  {Py_am_await, reinterpret_cast<void*>(PyObject_SelfIter)},
                                  {Py_am_send, reinterpret_cast<void*>(call_send)},
                                  {Py_tp_methods, methods},
                                  {Py_tp_getset, attributes},
                                  {Py_tp_members, members},
                                  {0, nullptr}};
    static PyType_Spec spec{"aerospike_py._aerospike.Call", sizeof(call_object), 0,
                            Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_DISALLOW_INSTANTIATION, slots};
    return new_type(module, spec);
}

}  // namespace

call_object* allocate_call() {
    PyObject* self = call_type->tp_alloc(call_type, 0);
    if (self == nullptr) return nullptr;
    new (&as_call(self)->completion) call_completion(as_call(self));
    return as_call(self);
}

bool add_call(PyObject* module) {
    if (call_type == nullptr) call_type = make_type(module);
    return call_type != nullptr && PyModule_AddObjectRef(module, "Call", py::as_object(call_type)) == 0;
}

}  // namespace aero::py
