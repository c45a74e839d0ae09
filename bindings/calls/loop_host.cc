#include "calls/loop_host.h"

#include <structmember.h>

#include <climits>
#include <vector>

#include "base/time.h"
#include "calls/life_cycle.h"
#include "calls/logs.h"
#include "calls/loop_api.h"
#include "calls/loop_watches.h"
#include "errors.h"

namespace aero::py {

namespace {
struct ended_call {
    ref call;
    call_outcome outcome;
};
}  // namespace

// What a host has beside its Python objects.
struct host_state {
    std::unique_ptr<event_client> events;
    host_owner* owner;
    std::vector<ended_call> ended;  // delivered, not yet settled
    loop_watches watches;
    int64_t timer_at = INT64_MAX;  // when `timer` fires
    unsigned generation = fork_generation();
    bool tick_pending = false;  // call_soon(tick) is on its way
    bool inside = false;        // a callback of ours runs: it flushes at its end
};

namespace {

PyTypeObject* host_type = nullptr;

constexpr Py_ssize_t weakrefs_offset = sizeof(PyObject);  // the first field

loop_host* as_host(PyObject* self) noexcept { return reinterpret_cast<loop_host*>(self); }

ref loop_of(const loop_host* host) noexcept {
#if PY_VERSION_HEX >= 0x030D0000
    PyObject* loop = nullptr;
    if (host->loop_ref == nullptr || PyWeakref_GetRef(host->loop_ref, &loop) <= 0) return {};
    return ref::take(loop);
#else
    if (host->loop_ref == nullptr) return {};
    PyObject* loop = PyWeakref_GET_OBJECT(host->loop_ref);
    return loop == Py_None ? ref() : ref::share(loop);
#endif
}

void link(loop_host* host, call_object* call) noexcept {
    Py_INCREF(as_object(call));
    Py_INCREF(as_object(host));
    call->host = host;
    call->previous = nullptr;
    call->next = host->first;
    if (host->first != nullptr) host->first->previous = call;
    host->first = call;
}

// The failure of something the loop should have done for us; nobody above could take an exception.
void report(loop_host* host) noexcept {
    const ref loop = loop_of(host);
    ref raised = take_exception();
    if (loop && raised)
        loop_report(loop.get(), "aerospike_py: an event loop refused a callback", raised.get(), nullptr, nullptr);
}

void schedule_tick(loop_host* host, PyObject* loop) {
    host_state& native = *host->native;
    if (native.tick_pending || native.inside) return;
    native.tick_pending = bool(ref::take(loop_call_soon(loop, host->flush_tick, nullptr, host->context)));
    if (!native.tick_pending) report(host);
}

// One timer per loop. It stays when the next deadline moves away and looks again when it fires.
void arm_timer(loop_host* host, PyObject* loop) {
    host_state& native = *host->native;
    const int64_t deadline = native.events->next_deadline();
    if (deadline >= native.timer_at) return;
    if (host->timer != nullptr) {
        const ref old = ref::take(std::exchange(host->timer, nullptr));
        if (!ref::take(PyObject_CallMethodNoArgs(old.get(), asyncio.cancel))) PyErr_Clear();
    }
    host->timer = loop_call_later(loop, deadline - monotonic_now(), host->timer_tick, host->context);
    native.timer_at = host->timer != nullptr ? deadline : INT64_MAX;
    if (host->timer == nullptr) report(host);
}

// After anything that may have changed what the core waits for.
void follow_up(loop_host* host, PyObject* loop) {
    if (host->native->inside) return;
    event_client& events = *host->native->events;
    if (!guarded([&] { return host->native->watches.follow(events, loop, host->read_tick); }, false)) report(host);
    if (events.needs_flush() || events.has_completions()) schedule_tick(host, loop);
    arm_timer(host, loop);
}

// Sends a call again whose outcome asks for it; `timer` of a retry. The call is kept by the callback.
PyObject* send_again(PyObject* self, PyObject*) {
    call_object* call = as_call(self);
    if (call->state == call_state::pending && call->host != nullptr && call->host->native != nullptr)
        if (!guarded([&] { return host_submits(call->host, call); }, false))
            finish_call(call, nullptr, wake_mode::soon);
    Py_RETURN_NONE;
}

// True when the call waits for another attempt.
bool repeats(loop_host* host, call_object* call, call_outcome& outcome) {
    if (!call->work->may_repeat()) return false;
    std::optional<int64_t> pause;
    if (!guarded([&] { return pause = call->work->again(outcome, monotonic_now()), true; }, false)) PyErr_Clear();
    const ref loop = loop_of(host);
    if (!pause || !loop || host->native == nullptr) return false;
    static PyMethodDef method{"send_again", send_again, METH_NOARGS, nullptr};
    const ref callback = ref::take(PyCFunction_New(&method, as_object(call)));
    if (callback && ref::take(loop_call_later(loop.get(), *pause, callback.get(), host->context))) return true;
    report(host);
    return false;
}

// Makes the results of what has ended and wakes who waits. Woken code may do anything to the host, shut it down
// included.
void settle_ended(loop_host* host) {
    std::vector<ended_call> ended;
    ended.swap(host->native->ended);
    for (ended_call& each : ended) {
        call_object* call = as_call(each.call.get());
        if (call->state != call_state::pending || repeats(host, call, each.outcome)) continue;
        settle_call(call, std::move(each.outcome), wake_mode::directly);
    }
    ended.clear();
    if (host->native != nullptr && host->native->ended.empty()) host->native->ended.swap(ended);  // keeps its memory
}

void deliver(loop_host* host) {
    if (!host->native->events->has_completions()) return;
    host->native->events->deliver();
    settle_ended(host);
}

// What the loop calls. Reading comes first when there may be something to read: what it wakes submits for the flush.
PyObject* run_tick(loop_host* host, bool read) {
    if (host->native == nullptr || host->native->generation != fork_generation()) Py_RETURN_NONE;
    const ref alive = ref::share(as_object(host));
    host->native->inside = true;
    if (read)
        host->native->events->drain(monotonic_now());
    else if (host->native->events->needs_flush())
        host->native->events->flush(monotonic_now());
    deliver(host);
    if (host->native != nullptr) {
        if (host->native->events->needs_flush()) host->native->events->flush(monotonic_now());
        host->native->inside = false;
        if (const ref loop = loop_of(host)) follow_up(host, loop.get());
    }
    forward_pending_logs();
    if (raise_kept_interrupt()) return nullptr;
    Py_RETURN_NONE;
}

PyObject* read_tick_method(PyObject* self, PyObject*) { return run_tick(as_host(self), true); }

PyObject* flush_tick_method(PyObject* self, PyObject*) {
    if (as_host(self)->native != nullptr) as_host(self)->native->tick_pending = false;
    return run_tick(as_host(self), false);
}

PyObject* timer_tick_method(PyObject* self, PyObject*) {
    loop_host* host = as_host(self);
    Py_CLEAR(host->timer);
    if (host->native != nullptr) host->native->timer_at = INT64_MAX;
    return run_tick(host, true);
}

PyObject* leave_method(PyObject* self, PyObject*) {
    host_shut_down(as_host(self), shut_down::on_loop);
    Py_RETURN_NONE;
}

// The loop is being collected.
PyObject* loop_gone_method(PyObject* self, PyObject*) {
    // `self` is a weak reference to the host, so that the loop's end does not keep it.
    PyObject* held = PyObject_CallNoArgs(self);
    const ref alive = ref::take(held);
    if (!alive) return nullptr;
    if (held == Py_None) Py_RETURN_NONE;
    loop_host* host = as_host(held);
    if (host->native != nullptr) {
        host_owner* owner = host->native->owner;
        host_shut_down(host, shut_down::off_loop);
        if (owner != nullptr) owner->host_is_gone(host);
    }
    Py_RETURN_NONE;
}

bool bind_callbacks(loop_host* host, PyObject* loop) {
    static PyMethodDef read{"read_tick", read_tick_method, METH_NOARGS, nullptr};
    static PyMethodDef flush{"flush_tick", flush_tick_method, METH_NOARGS, nullptr};
    static PyMethodDef timer{"timer_tick", timer_tick_method, METH_NOARGS, nullptr};
    static PyMethodDef gone{"loop_gone", loop_gone_method, METH_O, nullptr};
    const ref self = ref::take(PyWeakref_NewRef(as_object(host), nullptr));
    const ref on_gone = self ? ref::take(PyCFunction_New(&gone, self.get())) : ref();
    if (!on_gone) return false;
    host->loop_ref = PyWeakref_NewRef(loop, on_gone.get());
    host->read_tick = PyCFunction_New(&read, as_object(host));
    host->flush_tick = PyCFunction_New(&flush, as_object(host));
    host->timer_tick = PyCFunction_New(&timer, as_object(host));
    host->context = PyContext_New();
    return host->loop_ref != nullptr && host->read_tick != nullptr && host->flush_tick != nullptr &&
           host->timer_tick != nullptr && host->context != nullptr;
}

void clear_references(loop_host* host) noexcept {
    for (PyObject** each :
         {&host->loop_ref, &host->read_tick, &host->flush_tick, &host->timer_tick, &host->timer, &host->context})
        Py_CLEAR(*each);
}

// Ends a call that the core no longer knows.
void fail_call(call_object* call) {
    raise_client_error("Client was closed while the call was under way.");
    finish_call(call, nullptr, wake_mode::soon);
}

// ---- type ----------------------------------------------------------------------------------------------------------

int host_traverse(PyObject* self, visitproc visit, void* arg) {
    loop_host* host = as_host(self);
    Py_VISIT(Py_TYPE(self));
    for (PyObject* each :
         {host->loop_ref, host->read_tick, host->flush_tick, host->timer_tick, host->timer, host->context})
        Py_VISIT(each);
    for (call_object* each = host->first; each != nullptr; each = each->next) Py_VISIT(as_object(each));
    return 0;
}

int host_clear(PyObject* self) {
    host_shut_down(as_host(self), shut_down::collected);
    return 0;
}

void host_dealloc(PyObject* self) {
    PyObject_GC_UnTrack(self);
    loop_host* host = as_host(self);
    if (host->weakrefs != nullptr) PyObject_ClearWeakRefs(self);
    host_shut_down(host, shut_down::collected);
    clear_references(host);
    free_object(self);
}

PyTypeObject* make_type(PyObject* module) {
    static PyMemberDef members[] = {{"__weaklistoffset__", T_PYSSIZET, weakrefs_offset, READONLY, nullptr},
                                    {nullptr, 0, 0, 0, nullptr}};
    static PyType_Slot slots[] = {{Py_tp_doc, const_cast<char*>("One client on one event loop.")},
                                  {Py_tp_dealloc, reinterpret_cast<void*>(host_dealloc)},
                                  {Py_tp_traverse, reinterpret_cast<void*>(host_traverse)},
                                  {Py_tp_clear, reinterpret_cast<void*>(host_clear)},
                                  {Py_tp_members, members},
                                  {0, nullptr}};
    static PyType_Spec spec{"aerospike_py._aerospike._LoopHost", sizeof(loop_host), 0,
                            Py_TPFLAGS_DEFAULT | Py_TPFLAGS_HAVE_GC | Py_TPFLAGS_DISALLOW_INSTANTIATION, slots};
    return new_type(module, spec);
}

}  // namespace

loop_host* new_host(PyObject* loop, const client& through, const event_config& how, host_owner& owner) {
    auto events = event_client::create(through, how);
    if (!events) return raise(events.error(), "event loop"), nullptr;
    const ref made = ref::take(host_type->tp_alloc(host_type, 0));
    if (!made) return nullptr;
    loop_host* host = as_host(made.get());
    host->native = guarded([] { return new host_state; }, static_cast<host_state*>(nullptr));
    if (host->native == nullptr || !bind_callbacks(host, loop)) return nullptr;
    host->native->events = std::move(*events);
    host->native->owner = &owner;
    if (!guarded([&] { return host->native->watches.follow(*host->native->events, loop, host->read_tick); }, false))
        return nullptr;
    arm_timer(host, loop);
    return as_host(new_ref(made.get()));
}

bool host_submits(loop_host* host, call_object* call) {
    if (call->host == nullptr) link(host, call);
    call->ticket = call->work->submit(*host->native->events, call->completion, call->marks != nullptr);
    if (call->ticket == 0) return PyErr_NoMemory(), false;
    if (host->native->inside) return true;
    if (const ref loop = ref::share(call->loop)) follow_up(host, loop.get());
    return true;
}

void host_cancels(call_object* call) noexcept {
    host_state* native = call->host->native;
    if (native != nullptr && native->generation == fork_generation() && call->ticket != 0)
        native->events->cancel(std::exchange(call->ticket, 0));
}

void host_forgets(call_object* call) noexcept {
    loop_host* host = std::exchange(call->host, nullptr);
    // One that the collector takes while it is under way must not be told its end any more.
    const event_client::ticket ticket = std::exchange(call->ticket, 0);
    if (ticket != 0 && host->native != nullptr && host->native->generation == fork_generation())
        host->native->events->cancel(ticket);
    (call->previous == nullptr ? host->first : call->previous->next) = call->next;
    if (call->next != nullptr) call->next->previous = call->previous;
    call->next = call->previous = nullptr;
    Py_DECREF(as_object(call));
    Py_DECREF(as_object(host));
}

void host_hears(call_object* call, call_outcome&& outcome) noexcept {
    call->ticket = 0;
    if (guarded(
            [&] {
                return call->host->native->ended.push_back({ref::share(as_object(call)), std::move(outcome)}), true;
            },
            false))
        return;
    finish_call(call, nullptr, wake_mode::soon);
}

ref host_loop(const loop_host* host) noexcept { return loop_of(host); }

bool host_is_on(const loop_host* host, PyObject* loop) noexcept { return loop_of(host).get() == loop; }

bool host_is_open(const loop_host* host) noexcept { return host->native != nullptr; }

void host_shut_down(loop_host* host, shut_down how) noexcept {
    if (host->native == nullptr) return;
    if (host->native->generation != fork_generation()) how = shut_down::after_fork;
    const ref alive = Py_REFCNT(as_object(host)) > 0 ? ref::share(as_object(host)) : ref();
    ref raised = take_exception();
    if (how == shut_down::on_loop) {
        if (const ref loop = loop_of(host)) host->native->watches.stop(loop.get());
        if (host->timer != nullptr && !ref::take(PyObject_CallMethodNoArgs(host->timer, asyncio.cancel))) PyErr_Clear();
    }
    event_client& events = *host->native->events;
    if (how == shut_down::after_fork) {
        events.abandon_after_fork();
    } else {
        events.close(monotonic_now());
        events.deliver();
    }
    const std::unique_ptr<host_state> native(std::exchange(host->native, nullptr));
    const bool told = how == shut_down::on_loop || how == shut_down::off_loop;
    for (ended_call& each : native->ended)
        if (call_object* call = as_call(each.call.get()); told && call->state == call_state::pending)
            settle_call(call, std::move(each.outcome), wake_mode::soon);
    while (call_object* call = host->first) {
        if (told && call->state == call_state::pending)
            fail_call(call);
        else
            host_forgets(call);
    }
    clear_references(host);
    if (raised) put_exception(std::move(raised));
}

void host_leaves(loop_host* host) noexcept {
    const ref loop = loop_of(host);
    if (host->native == nullptr) return;
    host->native->owner = nullptr;
    if (host->native->generation != fork_generation()) return host_shut_down(host, shut_down::after_fork);
    ref here;
    if (!running_loop(here)) PyErr_Clear();
    if (!loop || loop_asks(loop.get(), asyncio.is_closed, true)) return host_shut_down(host, shut_down::off_loop);
    if (loop.get() == here.get() || !loop_asks(loop.get(), asyncio.is_running, false))
        return host_shut_down(host, shut_down::on_loop);
    static PyMethodDef method{"leave", leave_method, METH_NOARGS, nullptr};
    const ref leave = ref::take(PyCFunction_New(&method, as_object(host)));
    if (leave && ref::take(loop_call_soon_threadsafe(loop.get(), leave.get()))) return;
    PyErr_Clear();  // the loop was closed meanwhile
    host_shut_down(host, shut_down::off_loop);
}

bool add_loop_host(PyObject* module) {
    if (host_type == nullptr) host_type = make_type(module);
    return host_type != nullptr;
}

}  // namespace aero::py
