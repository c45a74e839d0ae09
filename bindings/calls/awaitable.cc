// The states of a call: how it comes to be, starts, ends, wakes who waits for it, and goes.
#include "calls/awaitable.h"

#include "base/time.h"
#include "calls/awaitable_type.h"
#include "calls/logs.h"
#include "calls/loop_api.h"
#include "calls/loop_host.h"
#include "errors.h"

namespace aero::py {
namespace {

// A KeyboardInterrupt or SystemExit that came out of a callback that was run directly.
thread_local PyObject* kept_interrupt = nullptr;

void run_callback(call_object* call, PyObject* callback, PyObject* context) {
    if (PyContext_Enter(context) < 0) {
        // The context is in use on this thread: the loop runs the callback when it no longer is.
        PyErr_Clear();
        ref::take(loop_call_soon(call->loop, callback, as_object(call), context));
        return;
    }
    const ref done = ref::take(PyObject_CallOneArg(callback, as_object(call)));
    ref raised = done ? ref() : take_exception();
    if (PyContext_Exit(context) < 0) PyErr_Clear();
    if (!raised) return;
    const bool ends_the_loop = PyErr_GivenExceptionMatches(raised.get(), PyExc_KeyboardInterrupt) != 0 ||
                               PyErr_GivenExceptionMatches(raised.get(), PyExc_SystemExit) != 0;
    if (ends_the_loop && kept_interrupt == nullptr)
        kept_interrupt = raised.release();
    else
        loop_report(call->loop, "Exception in callback of a call", raised.get(), "future", as_object(call));
}

// The one place that decides how a waiter hears of the end.
void wake(call_object* call, PyObject* callback, PyObject* context, wake_mode mode) {
    if (mode == wake_mode::directly && kept_interrupt == nullptr) return run_callback(call, callback, context);
    const ref handle = ref::take(loop_call_soon(call->loop, callback, as_object(call), context));
    if (handle) return;
    // Nobody can be told on a loop that is closed.
    if (PyErr_ExceptionMatches(PyExc_RuntimeError) != 0 && loop_asks(call->loop, asyncio.is_closed, true))
        PyErr_Clear();
    else
        PyErr_WriteUnraisable(callback);
}

void wake_all(call_object* call, wake_mode mode) {
    // Callbacks may add and remove callbacks and drop the last reference to the call.
    const ref alive = ref::share(as_object(call));
    const ref callback = ref::take(std::exchange(call->callback, nullptr));
    const ref context = ref::take(std::exchange(call->context, nullptr));
    const ref more = ref::take(std::exchange(call->more_callbacks, nullptr));
    if (callback) wake(call, callback.get(), context.get(), mode);
    if (!more) return;
    for (Py_ssize_t i = 0; i < PyList_GET_SIZE(more.get()); ++i) {
        const ref pair = ref::share(PyList_GET_ITEM(more.get(), i));
        wake(call, PyTuple_GET_ITEM(pair.get(), 0), PyTuple_GET_ITEM(pair.get(), 1), mode);
    }
}

void drop_work(call_object* call) noexcept {
    delete std::exchange(call->work, nullptr);
    if (call->kept == nullptr) return;
    for (PyObject* each : call->kept->slots) Py_XDECREF(each);
    delete std::exchange(call->kept, nullptr);
}

// pending -> `state`; the host lets go of the call. REQUIRES: the caller holds a reference.
void end(call_object* call, call_state state) noexcept {
    call->state = state;
    drop_work(call);
    if (call->host != nullptr) host_forgets(call);
    // What is over keeps no client: one that is dropped by whoever is woken goes there and then, and warns in that
    // context.
    Py_CLEAR(call->client);
}

}  // namespace

void call_completion::finished(call_outcome&& outcome) noexcept { host_hears(owner_, std::move(outcome)); }

call_object* new_call(PyObject* client, const async_method& method) {
    call_object* call = allocate_call();
    if (call == nullptr) return nullptr;
    call->client = new_ref(client);
    call->method = &method;
    return call;
}

bool start_call(call_object* call) {
    ref loop;
    if (!running_loop(loop)) return false;
    if (!loop) {
        PyErr_SetString(PyExc_RuntimeError, "an asyncio call needs a running event loop");
        return false;
    }
    kept_arguments* kept = std::exchange(call->kept, nullptr);
    call->loop = loop.release();
    call->state = call_state::pending;
    if (metrics::stages_enabled() || metrics::operations_enabled()) call->began = monotonic_now();
    call->method->start(call, kept->slots);
    for (PyObject* each : kept->slots) Py_XDECREF(each);
    delete kept;
    return true;
}

void finish_call(call_object* call, PyObject* result_or_null, wake_mode mode) {
    const ref alive = ref::share(as_object(call));
    call->failed = result_or_null == nullptr;
    if (call->failed) report_unexpected("AsyncClient", call->method->name());
    call->value = call->failed ? take_exception().release() : result_or_null;
    end(call, call_state::finished);
    wake_all(call, mode);
}

void settle_call(call_object* call, call_outcome&& outcome, wake_mode mode) {
    const ref alive = ref::share(as_object(call));
    operation& work = *call->work;
    const char* name = call->method->name();
    const int64_t begun = call->began != 0 || call->marks != nullptr ? monotonic_now() : 0;
    if (call->began != 0) {
        const auto labels = work.labels_of();
        metrics::observe_operation(name, labels.name_space, labels.set, error_kind(work.verdict(outcome)),
                                   begun - call->began);
    }
    if (call->marks != nullptr) {
        stage_marks& marks = *call->marks;
        marks.core = outcome.times;
        marks.begun = begun;
        if (outcome.failure != nullptr) marks.ended_in = outcome.failure->where;
        call->timings = new_timings();
        if (call->timings == nullptr) PyErr_Clear();
    }
    PyObject* made = work.convert(std::move(outcome), call->timings);
    if (call->marks != nullptr) call->marks->converted = monotonic_now();
    finish_call(call, made, mode);
}

bool cancel_call(call_object* call, PyObject* message) {
    if (call->state == call_state::finished || call->state == call_state::cancelled) return false;
    const ref alive = ref::share(as_object(call));
    Py_XINCREF(message);
    Py_XSETREF(call->cancel_message, message);
    if (call->host != nullptr) host_cancels(call);
    end(call, call_state::cancelled);
    if (call->loop != nullptr) wake_all(call, wake_mode::soon);
    return true;
}

void resume_call(call_object* call) noexcept {
    call->retrieved = true;
    if (call->marks == nullptr) return;
    const std::unique_ptr<stage_marks> marks(std::exchange(call->marks, nullptr));
    if (call->timings == nullptr) return;
    ref raised = take_exception();
    const char* name = call->method->name();
    marks->resumed = monotonic_now();
    remember_for_task(call->timings);
    stage_durations spent = stages_of(*marks, face::loop);
    report_stages(name, face::loop, spent, marks->resumed, stage::event_loop_resume_delay, call->timings);
    if (call->failed) tell_timings(call->value, call->timings);
    if (raised) put_exception(std::move(raised));
}

bool add_callback(call_object* call, PyObject* callback, PyObject* context) {
    if (call->state == call_state::finished || (call->state == call_state::cancelled && call->loop != nullptr))
        return bool(ref::take(loop_call_soon(call->loop, callback, as_object(call), context)));
    if (call->callback == nullptr && call->more_callbacks == nullptr) {
        call->callback = new_ref(callback);
        call->context = new_ref(context);
        return true;
    }
    if (call->more_callbacks == nullptr) call->more_callbacks = PyList_New(0);
    const ref pair = ref::take(call->more_callbacks != nullptr ? PyTuple_Pack(2, callback, context) : nullptr);
    return pair && PyList_Append(call->more_callbacks, pair.get()) == 0;
}

bool raise_kept_interrupt() {
    if (kept_interrupt == nullptr) return false;
    put_exception(ref::take(std::exchange(kept_interrupt, nullptr)));
    return true;
}

}  // namespace aero::py
