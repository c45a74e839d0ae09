#include "calls/sync_client.h"

#include <poll.h>

#include "base/time.h"
#include "calls/attach.h"
#include "calls/client_object.h"
#include "calls/logs.h"
#include "calls/operations.h"
#include "calls/signal_hook.h"
#include "calls/stages.h"
#include "errors.h"

namespace aero::py {
namespace {

// Sleeps until `until`; false when a signal handler raised.
bool sleep_until(int64_t until, signal_hook& signals) {
    for (int64_t now = monotonic_now(); now < until; now = monotonic_now()) {
        const int64_t left_ms = std::min<int64_t>(to_ms_ceil(until - now), 60'000);
        if (poll(nullptr, 0, static_cast<int>(left_ms)) < 0 && signals.interrupted()) return false;
    }
    return true;
}

// The part without the GIL. False with an exception: a signal handler raised, or memory ran out.
bool send_and_wait(operation& call, client& through, stage_marks* marks, call_outcome& outcome) {
    gil_detached detached;
    signal_hook signals(detached);
    bool out_of_memory = false;
    try {
        call_options options;
        options.times = marks != nullptr ? &marks->core : nullptr;
        options.interrupt = &signals;
        for (;;) {
            outcome = call.execute(through, options);
            if (signals.raised() || !call.may_repeat()) break;
            const int64_t now = monotonic_now();
            const auto pause = call.again(outcome, now);
            if (!pause || !sleep_until(now + *pause, signals)) break;
        }
    } catch (const std::bad_alloc&) {
        out_of_memory = true;
    }
    if (marks != nullptr) marks->begun = monotonic_now();
    detached.come_back();
    if (marks != nullptr) marks->attached = monotonic_now();
    if (out_of_memory) PyErr_NoMemory();
    return !out_of_memory && !signals.raised();
}

// What is measured of one call. Made first and reported last.
struct measurement {
    explicit measurement(const operation_kind& kind) noexcept
        : profiled(metrics::stages_enabled()), counted(kind.measured && metrics::operations_enabled()) {
        if (profiled || counted) marks.began = monotonic_now();
    }

    const bool profiled;
    const bool counted;
    stage_marks marks;
    ref timings;  // of a profiled call that got as far as being sent
};

// Reports a profiled call; the exception under way, if any, stays. Runs when everything else of the call is done, so
// that freeing what it used is accounted for.
void finish_profile(const char* name, measurement& of) noexcept {
    ref raised = take_exception();
    const int64_t end = monotonic_now();
    of.marks.converted = end;
    remember_for_thread(of.timings.get());
    stage_durations spent = stages_of(of.marks, face::sync);
    report_stages(name, face::sync, spent, end, stage::into_pyobject, of.timings.get());
    if (!raised) return;
    tell_timings(raised.get(), of.timings.get());
    put_exception(std::move(raised));
}

PyObject* answer(operation& call, client& through, measurement& of) {
    call_outcome outcome;
    stage_marks& marks = of.marks;
    if (call.nothing_to_send()) {
        if (of.profiled) marks.begun = marks.attached = monotonic_now();
    } else if (!send_and_wait(call, through, of.profiled ? &marks : nullptr, outcome)) {
        return nullptr;
    }
    if (of.counted) {
        const auto labels = call.labels_of();
        metrics::observe_operation(call.kind().name(), labels.name_space, labels.set, error_kind(call.verdict(outcome)),
                                   (of.profiled ? marks.attached : monotonic_now()) - marks.began);
    }
    if (of.profiled) {
        if (outcome.failure != nullptr) marks.ended_in = outcome.failure->where;
        of.timings = ref::take(new_timings());
        if (!of.timings) return nullptr;
    }
    return call.convert(std::move(outcome), of.timings.get());
}

PyObject* run(PyObject* self, operation& call, PyObject* const* given, Py_ssize_t count, PyObject* keywords,
              measurement& of) {
    forward_pending_logs();
    life_cycle& life = *as_client(self)->life;
    argument_slots slots;
    if (!call.kind().arguments.bind(given, count, keywords, "Client", slots)) return nullptr;
    PyObject* made = nullptr;
    if (call.parse(slots, life.config.strict)) {
        if (call.kind().never_raises && !life.is_connected()) Py_RETURN_FALSE;
        if (auto through = handle_for(life, call.transport())) {
            if (of.profiled) of.marks.parsed = monotonic_now();
            made = answer(call, *through, of);
        }
    }
    if (made == nullptr) report_unexpected("Client", call.kind().name());
    return made;
}

template <class Operation, auto& Kind>
PyObject* method(PyObject* self, PyObject* const* given, Py_ssize_t count, PyObject* keywords) {
    measurement of(Kind);
    PyObject* made = nullptr;
    {
        Operation call(Kind);
        made = run(self, call, given, count, keywords, of);
    }
    if (of.timings) finish_profile(Kind.name(), of);
    return made;
}

PyObject* connect(PyObject* self, PyObject* const* given, Py_ssize_t count, PyObject* keywords) {
    argument_slots slots;
    life_cycle& life = *as_client(self)->life;
    if (!connect_parameters.bind(given, count, keywords, "Client", slots)) return nullptr;
    return guarded([&]() -> PyObject* {
        if (!life.begin_connect(slots[0], slots[1])) return nullptr;
        std::optional<result<client>> opened;
        bool interrupted = false;
        {
            gil_detached detached;
            signal_hook signals(detached);
            opened.emplace(life_cycle::open(life.config.native, &signals));
            interrupted = signals.raised();
        }
        if (interrupted) return life.drop_connect(std::move(*opened)), nullptr;  // the handler's exception is set
        const bool fine = life.end_connect(std::move(*opened));
        forward_pending_logs();
        return fine ? new_ref(self) : nullptr;
    });
}

PyObject* close(PyObject* self, PyObject*) {
    life_cycle& life = *as_client(self)->life;
    std::optional<client> open;
    if (!life.begin_close(open)) return nullptr;
    if (open) {
        {
            const gil_detached detached;
            open->close();
            open.reset();
        }
        life.end_close();
    }
    forward_pending_logs();
    Py_RETURN_NONE;
}

void dealloc(PyObject* self) {
    if (PyObject_CallFinalizerFromDealloc(self) < 0) return;
    free_client(self);
}

#define AERO_METHOD(kind, type)                                                                  \
    PyMethodDef{kind.arguments.describes().method,                                               \
                reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(method<type, kind>)), \
                METH_FASTCALL | METH_KEYWORDS, kind.text},

PyTypeObject* make_type(PyObject* module) {
    // The list refers to the kinds, so it is built when they are.
    static PyMethodDef methods[] = {
        {"connect", reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(connect)), METH_FASTCALL | METH_KEYWORDS,
         "connect($self, username=None, password=None)\n--\n\nFind the cluster; gives the client itself."},
        {"is_connected", client_is_connected, METH_NOARGS, "is_connected($self)\n--\n\nTell the local state; no I/O."},
        {"get_node_names", client_node_names, METH_NOARGS,
         "get_node_names($self)\n--\n\nNames of the nodes known now."},
        {"close", close, METH_NOARGS, "close($self)\n--\n\nClose every connection; may be called more than once."},
        AERO_EACH_OPERATION(AERO_METHOD){nullptr, nullptr, 0, nullptr}};
    static PyType_Slot slots[] = {
        {Py_tp_doc, const_cast<char*>("Base of aerospike_py.Client; safe to share between threads.")},
        {Py_tp_new, reinterpret_cast<void*>(new_client)},
        {Py_tp_init, reinterpret_cast<void*>(init_client)},
        {Py_tp_finalize, reinterpret_cast<void*>(finalize_client)},
        {Py_tp_dealloc, reinterpret_cast<void*>(dealloc)},
        {Py_tp_methods, methods},
        {0, nullptr}};
    static PyType_Spec spec{"aerospike_py._aerospike.Client", sizeof(client_object), 0,
                            Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE, slots};
    return new_type(module, spec);
}

}  // namespace

bool add_sync_client(PyObject* module) {
    const ref type = ref::take(as_object(make_type(module)));
    return type && PyModule_AddObjectRef(module, "Client", type.get()) == 0;
}

}  // namespace aero::py
