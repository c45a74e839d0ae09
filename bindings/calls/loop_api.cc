#include "calls/loop_api.h"

namespace aero::py {

loop_names asyncio;

namespace {

bool intern(const char* name, PyObject*& to) {
    to = PyUnicode_InternFromString(name);
    return to != nullptr;
}

bool intern_names() {
    return intern("call_soon", asyncio.call_soon) && intern("call_soon_threadsafe", asyncio.call_soon_threadsafe) &&
           intern("call_later", asyncio.call_later) && intern("add_reader", asyncio.add_reader) &&
           intern("remove_reader", asyncio.remove_reader) && intern("add_writer", asyncio.add_writer) &&
           intern("remove_writer", asyncio.remove_writer) && intern("is_closed", asyncio.is_closed) &&
           intern("is_running", asyncio.is_running) && intern("cancel", asyncio.cancel) &&
           intern("call_exception_handler", asyncio.call_exception_handler);
}

}  // namespace

bool load_asyncio() {
    if (asyncio.get_running_loop != nullptr) return true;
    const ref module = ref::take(PyImport_ImportModule("asyncio"));
    const ref events = ref::take(PyImport_ImportModule("asyncio.events"));
    if (!module || !events || !intern_names()) return false;
    asyncio.context_keyword = Py_BuildValue("(s)", "context");
    asyncio.cancelled_error = PyObject_GetAttrString(module.get(), "CancelledError");
    asyncio.invalid_state_error = PyObject_GetAttrString(module.get(), "InvalidStateError");
    if (asyncio.context_keyword == nullptr || asyncio.cancelled_error == nullptr ||
        asyncio.invalid_state_error == nullptr)
        return false;
    asyncio.get_running_loop = PyObject_GetAttrString(events.get(), "_get_running_loop");
    return asyncio.get_running_loop != nullptr;
}

bool running_loop(ref& to) {
    to = ref::take(PyObject_CallNoArgs(asyncio.get_running_loop));
    if (!to) return false;
    if (to.get() == Py_None) to.reset();
    return true;
}

PyObject* loop_call_soon(PyObject* loop, PyObject* callback, PyObject* argument, PyObject* context) {
    PyObject* arguments[4] = {loop, callback, argument, nullptr};
    const size_t positional = argument != nullptr ? 3 : 2;
    arguments[positional] = context;
    return PyObject_VectorcallMethod(asyncio.call_soon, arguments, positional | PY_VECTORCALL_ARGUMENTS_OFFSET,
                                     context != nullptr ? asyncio.context_keyword : nullptr);
}

PyObject* loop_call_soon_threadsafe(PyObject* loop, PyObject* callback) {
    return PyObject_CallMethodOneArg(loop, asyncio.call_soon_threadsafe, callback);
}

PyObject* loop_call_later(PyObject* loop, int64_t delay_ns, PyObject* callback, PyObject* context) {
    const ref seconds = ref::take(PyFloat_FromDouble(delay_ns > 0 ? static_cast<double>(delay_ns) * 1e-9 : 0.0));
    if (!seconds) return nullptr;
    PyObject* arguments[4] = {loop, seconds.get(), callback, context};
    return PyObject_VectorcallMethod(asyncio.call_later, arguments, 3 | PY_VECTORCALL_ARGUMENTS_OFFSET,
                                     context != nullptr ? asyncio.context_keyword : nullptr);
}

bool loop_asks(PyObject* loop, PyObject* method, bool otherwise) noexcept {
    const ref answer = ref::take(PyObject_CallMethodNoArgs(loop, method));
    if (!answer) {
        PyErr_Clear();
        return otherwise;
    }
    return answer.get() == Py_True;
}

bool loop_watch(PyObject* loop, PyObject* method, int fd, PyObject* callback) {
    const ref context = ref::take(PyContext_New());
    const ref number = ref::take(PyLong_FromLong(fd));
    if (!context || !number || PyContext_Enter(context.get()) < 0) return false;
    PyObject* arguments[3] = {loop, number.get(), callback};
    const ref done = ref::take(PyObject_VectorcallMethod(
        method, arguments, (callback != nullptr ? 3u : 2u) | PY_VECTORCALL_ARGUMENTS_OFFSET, nullptr));
    ref raised = take_exception();
    if (PyContext_Exit(context.get()) < 0) PyErr_Clear();
    if (raised) put_exception(std::move(raised));
    return bool(done);
}

void loop_report(PyObject* loop, const char* message, PyObject* exception, const char* key, PyObject* object) noexcept {
    const ref context = ref::take(Py_BuildValue("{s:s,s:O}", "message", message, "exception", exception));
    const bool named = context && (key == nullptr || PyDict_SetItemString(context.get(), key, object) == 0);
    const ref done =
        named ? ref::take(PyObject_CallMethodOneArg(loop, asyncio.call_exception_handler, context.get())) : ref();
    if (!done) PyErr_WriteUnraisable(object);
}

}  // namespace aero::py
