#include "calls/logs.h"

#include "state.h"

namespace aero::py {
namespace {

ref function_of(const char* module, const char* name) noexcept {
    const ref imported = ref::take(PyImport_ImportModule(module));
    return imported ? ref::take(PyObject_GetAttrString(imported.get(), name)) : ref();
}

// Keeps the exception under way out of the sight of what runs in between.
class exception_aside {
  public:
    exception_aside() noexcept : held_(take_exception()) {}
    ~exception_aside() {
        if (PyErr_Occurred() != nullptr) PyErr_WriteUnraisable(nullptr);
        if (held_) put_exception(std::move(held_));
    }
    exception_aside(const exception_aside&) = delete;
    exception_aside& operator=(const exception_aside&) = delete;
    PyObject* get() const noexcept { return held_.get(); }

  private:
    ref held_;
};

}  // namespace

void forward_logs() noexcept {
    const exception_aside aside;
    const ref forward = function_of("aerospike_py._observability", "forward_logs");
    if (forward) ref::take(PyObject_CallNoArgs(forward.get()));
}

void log_event(log::level severity, const std::string& text) noexcept {
    const exception_aside aside;
    const ref name = ref::take(PyUnicode_FromString("logging"));
    const ref logging = name ? ref::take(PyImport_GetModule(name.get())) : ref();
    if (!logging) {
        PyErr_Clear();
        return;
    }
    const ref logger = ref::take(PyObject_CallMethod(logging.get(), "getLogger", "s", "aerospike_py"));
    if (!logger) return;
    const char* method = severity == log::level::info ? "info" : "debug";
    ref::take(PyObject_CallMethod(logger.get(), method, "ss", "%s", text.c_str()));
}

void report_unexpected(const char* owner, const char* method) noexcept {
    // Every error of the package has one base; finding it here keeps Python code off the path of a missing record.
    PyObject* of_ours = as_object(as_type(state().client_error)->tp_base);
    for (PyObject* expected : {of_ours, PyExc_TypeError, PyExc_ValueError, PyExc_MemoryError})
        if (PyErr_ExceptionMatches(expected) != 0) return;
    const exception_aside aside;
    const ref report = function_of("aerospike_py._bug_report", "log_unexpected");
    if (!report) return;
    const ref context = ref::take(PyUnicode_FromFormat("%s.%s", owner, method));
    if (!context) return;
    ref::take(PyObject_CallFunctionObjArgs(report.get(), context.get(), aside.get(), nullptr));
}

}  // namespace aero::py
