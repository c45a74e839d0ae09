#include "calls/switches.h"

#include <string>

#include "aero/log.h"
#include "aero/metrics.h"
#include "calls/stages.h"
#include "errors.h"

namespace aero::py {
namespace {

PyObject* get_metrics(PyObject*, PyObject*) {
    return guarded([]() -> PyObject* { return new_text(metrics::exposition()); });
}

// A switch is set by truth, so that 1 and "yes" do what they seem to.
PyObject* set_switch(std::atomic<bool>& which, PyObject* to) {
    const int on = PyObject_IsTrue(to);
    if (on < 0) return nullptr;
    which.store(on != 0, std::memory_order_relaxed);
    Py_RETURN_NONE;
}

PyObject* set_metrics_enabled(PyObject*, PyObject* to) { return set_switch(metrics::operations_on, to); }
PyObject* is_metrics_enabled(PyObject*, PyObject*) { return PyBool_FromLong(metrics::operations_enabled()); }
PyObject* set_stages_enabled(PyObject*, PyObject* to) { return set_switch(metrics::stages_on, to); }
PyObject* is_stages_enabled(PyObject*, PyObject*) { return PyBool_FromLong(metrics::stages_enabled()); }

PyObject* last_timings_method(PyObject*, PyObject*) { return last_timings(); }

bool add_row(PyObject* to, const metrics::stage_row& row) {
    const ref buckets = ref::take(PyList_New(static_cast<Py_ssize_t>(row.bucket_counts.size())));
    if (!buckets) return false;
    for (size_t i = 0; i < row.bucket_counts.size(); ++i) {
        PyObject* count = PyLong_FromUnsignedLongLong(row.bucket_counts[i]);
        if (count == nullptr) return false;
        PyList_SET_ITEM(buckets.get(), static_cast<Py_ssize_t>(i), count);
    }
    const ref key = ref::take(Py_BuildValue("(ss)", row.operation.c_str(), std::string(name_of(row.which)).c_str()));
    const ref entry = ref::take(Py_BuildValue("{s:K,s:d,s:d,s:d,s:d,s:O}", "count",
                                              static_cast<unsigned long long>(row.count), "sum", row.sum_s, "p50",
                                              row.p50_s, "p95", row.p95_s, "p99", row.p99_s, "buckets", buckets.get()));
    return key && entry && PyDict_SetItem(to, key.get(), entry.get()) == 0;
}

PyObject* stage_snapshot(PyObject*, PyObject*) {
    return guarded([]() -> PyObject* {
        ref rows = ref::take(PyDict_New());
        if (!rows) return nullptr;
        for (const metrics::stage_row& row : metrics::stage_snapshot())
            if (!add_row(rows.get(), row)) return nullptr;
        return rows.release();
    });
}

PyObject* reset_stage_metrics(PyObject*, PyObject*) {
    metrics::reset_stages();
    Py_RETURN_NONE;
}

PyObject* dropped_log_count(PyObject*, PyObject*) { return PyLong_FromUnsignedLongLong(log::dropped()); }

PyObject* set_native_log_level(PyObject*, PyObject* level) {
    const long number = PyLong_AsLong(level);
    if (number == -1 && PyErr_Occurred() != nullptr) return nullptr;
    if (number < static_cast<long>(log::level::off) || number > static_cast<long>(log::level::trace)) {
        PyErr_Format(PyExc_ValueError, "level must be -1 (off) to 4 (trace), got %ld", number);
        return nullptr;
    }
    log::set_level(static_cast<log::level>(number));
    Py_RETURN_NONE;
}

PyObject* build_type(PyObject*, PyObject*) { return PyUnicode_FromString(AERO_BUILD_TYPE); }

PyObject* drain_logs(PyObject*, PyObject*) {
    return guarded([]() -> PyObject* {
        const auto records = log::drain();
        ref list = ref::take(PyList_New(static_cast<Py_ssize_t>(records.size())));
        if (!list) return nullptr;
        for (size_t i = 0; i < records.size(); ++i) {
            const ref logger = ref::take(new_text(records[i].logger));
            const ref text = ref::take(new_text(records[i].text));
            PyObject* entry =
                logger && text ? Py_BuildValue("(iOO)", static_cast<int>(records[i].severity), logger.get(), text.get())
                               : nullptr;
            if (entry == nullptr) return nullptr;
            PyList_SET_ITEM(list.get(), static_cast<Py_ssize_t>(i), entry);
        }
        return list.release();
    });
}

}  // namespace

PyMethodDef switch_methods[] = {
    {"get_metrics", get_metrics, METH_NOARGS, "get_metrics()\n--\n\nEvery metric in Prometheus text form."},
    {"set_metrics_enabled", set_metrics_enabled, METH_O,
     "set_metrics_enabled(enabled)\n--\n\nSwitch the histogram of operations; on by default."},
    {"is_metrics_enabled", is_metrics_enabled, METH_NOARGS, "is_metrics_enabled()\n--\n\n"},
    {"set_internal_stage_metrics_enabled", set_stages_enabled, METH_O,
     "set_internal_stage_metrics_enabled(enabled)\n--\n\nSwitch the profiling of stages; off by default."},
    {"is_internal_stage_metrics_enabled", is_stages_enabled, METH_NOARGS,
     "is_internal_stage_metrics_enabled()\n--\n\n"},
    {"last_timings", last_timings_method, METH_NOARGS,
     "last_timings()\n--\n\nStages, in seconds, of the last profiled call of this thread or task; None without one."},
    {"stage_snapshot", stage_snapshot, METH_NOARGS,
     "stage_snapshot()\n--\n\n{(operation, stage): {count, sum, p50, p95, p99, buckets}} of everything measured so "
     "far."},
    {"reset_stage_metrics", reset_stage_metrics, METH_NOARGS,
     "reset_stage_metrics()\n--\n\nForget the stages measured so far."},
    {"dropped_log_count", dropped_log_count, METH_NOARGS,
     "dropped_log_count()\n--\n\nLog records lost since the process started because nobody took them in time."},
    {"set_native_log_level", set_native_log_level, METH_O,
     "set_native_log_level(level, /)\n--\n\nHow much the native core writes."},
    {"build_type", build_type, METH_NOARGS, "build_type()\n--\n\nHow the extension was built, as CMake names it."},
    {"drain_logs", drain_logs, METH_NOARGS, "drain_logs()\n--\n\nTake the log records that the native core has kept."},
    {nullptr, nullptr, 0, nullptr}};

}  // namespace aero::py
